import Glibc
import MailFormats

/// A folder for what must not stay readable anywhere: in memory where there is room, and emptied afterwards.
final class PrivateFolder: Sendable {
    let path: String
    /// It is in memory: nothing in it ever comes to a disk but by way of swap.
    let isInMemory: Bool

    private static let memory = "/dev/shm"
    private static let prefix = "mailarc-import-"

    /// Makes a folder that nobody else may enter.
    ///
    /// - Parameter room: octets that will be in it, more or less.
    /// - Throws: `.ioFailed`.
    init(room: UInt64) throws(KitError) {
        Self.removeAbandoned(in: Self.memory)
        let isInMemory = Self.hasRoom(room)
        let parent = isInMemory ? Self.memory : unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/\(Self.prefix)\(getpid())-XXXXXX".utf8CString)
        // SAFETY: mkdtemp changes the last six characters of a terminated string in place.
        guard
            unsafe template.withUnsafeMutableBufferPointer({ unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } })
                != nil
        else {
            throw KitError(.ioFailed, "no folder can be made in \(parent)")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.isInMemory = isInMemory
    }

    /// What people should know of it.
    var notes: [String] {
        isInMemory
            ? ["read by way of \(Self.memory): in memory, never on a disk"]
            : [
                "\(Self.memory) is no memory or has no room: messages were in \(path), readable by this user alone, and "
                    + "were written over with zeros; snapshots, journals and flash may still have them"
            ]
    }

    /// Removes it with everything in it, overwritten first where it is on a disk.
    func remove() { FolderRemoval.remove(path, wipes: !isInMemory) }

    private static func hasRoom(_ octets: UInt64) -> Bool {
        var system = statvfs()
        guard MemoryFolder.isMounted(at: memory), unsafe statvfs(memory, &system) == 0, unsafe access(memory, W_OK) == 0
        else { return false }
        return UInt64(system.f_bavail) > octets / max(UInt64(system.f_frsize), 1)
    }

    /// Folders whose process was killed.
    private static func removeAbandoned(in parent: String) {
        for name in (try? FileFacts.names(in: parent)) ?? [] where name.hasPrefix(prefix) {
            let digits = name.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let process = pid_t(digits), process > 0, kill(process, 0) != 0, errno == ESRCH else { continue }
            FolderRemoval.remove("\(parent)/\(name)", wipes: false)
        }
    }
}
