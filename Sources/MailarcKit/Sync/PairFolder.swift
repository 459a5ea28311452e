import ArchiveCrypto
import ArchiveStore
import Glibc
import MailCore
import MailSync

/// Where what is known of one pair of ends is kept: `<base>/<hash of both ends>/`.
///
/// The database and the UIDs given to Maildirs, readable by their owner alone; no subject and no address is in them.
struct PairFolder {
    let path: String

    /// - Parameter base: default `$XDG_STATE_HOME/mailarc/pairs`.
    init(_ a: SyncEndpoint, _ b: SyncEndpoint, subfolder: String?, base: String?) throws(KitError) {
        let root = base ?? Self.defaultBase
        let ends = try "\(a.identity())\n\(b.identity())\n\(subfolder ?? "")"
        path = "\(root)/\(SHA256.hash(Array(ends.utf8)).prefix(12).hex)"
        do throws(ArchiveError) {
            try Self.makeFolders(path)
        } catch { throw KitError(error, at: path) }
    }

    var database: String { path + "/pair.db" }
    func uidLists(_ side: String) -> String { "\(path)/uids-\(side)" }

    private static var defaultBase: String {
        func variable(_ name: String) -> String? {
            let value = unsafe getenv(name).map { unsafe String(cString: $0) }
            return value?.isEmpty == false ? value : nil
        }
        return (variable("XDG_STATE_HOME") ?? (variable("HOME") ?? "/root") + "/.local/state") + "/mailarc/pairs"
    }

    /// Where octets wait that do not fit into memory.
    static var temporaryFolder: String {
        unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    }

    private static func makeFolders(_ path: String) throws(ArchiveError) {
        guard !path.isEmpty, !FileTree.exists(path) else { return }
        try makeFolders(FileTree.parent(of: path))
        try FileTree.makeDirectory(path)
    }
}
