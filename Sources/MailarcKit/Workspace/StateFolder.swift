import ArchiveStore
import Glibc

/// Where this program keeps what belongs to no archive: `$XDG_STATE_HOME/mailarc`, readable by its owner alone.
enum StateFolder {
    /// Below it each kind of thing has a folder of its own.
    static func path(_ kind: String) -> String {
        func variable(_ name: String) -> String? {
            let value = unsafe getenv(name).map { unsafe String(cString: $0) }
            return value?.isEmpty == false ? value : nil
        }
        return (variable("XDG_STATE_HOME") ?? (variable("HOME") ?? "/root") + "/.local/state") + "/mailarc/\(kind)"
    }

    /// Makes `path` and what is missing above it.
    static func make(_ path: String) throws(KitError) {
        do throws(ArchiveError) {
            try makeFolders(path)
        } catch {
            guard error.kind != .diskFull else { throw KitError(error, at: error.path ?? path) }
            throw KitError(
                .ioFailed, "\(error.path ?? path): \(error.message)",
                hint: "see that the folder of the state can be made",
                cause: error.cause)
        }
    }

    private static func makeFolders(_ path: String) throws(ArchiveError) {
        guard !path.isEmpty, !FileTree.exists(path) else { return }
        try makeFolders(FileTree.parent(of: path))
        try FileTree.makeDirectory(path)
    }
}
