internal import CSQLite
internal import Synchronization

/// The keys of the databases this process may open, by the path SQLite will use.
enum KeyRegistry {
    struct Entry: Sendable {
        var key: [UInt8]
        var databaseID: [UInt8]
        var isVacuumTarget = false
        var faults: WriteFaults?
    }

    private static let entries = Mutex<[String: Entry]>([:])

    static func set(_ entry: Entry, path: String) {
        let path = canonical(path)
        entries.withLock { $0[path] = entry }
    }

    static func remove(path: String) {
        let path = canonical(path)
        entries.withLock { _ = $0.removeValue(forKey: path) }
    }

    static func setFaults(_ faults: WriteFaults?, path: String) {
        let path = canonical(path)
        entries.withLock { $0[path]?.faults = faults }
    }

    /// `name` is what SQLite passes to xOpen: the full path, with `-wal` or `-journal` behind it for those.
    static func entry(forFileAt name: String, kind: VFSFile.Kind) -> Entry? {
        let suffix =
            switch kind {
            case .database: ""
            case .writeAheadLog: "-wal"
            case .discardedJournal: "-journal"
            }
        guard name.hasSuffix(suffix) else { return nil }
        let path = String(name.dropLast(suffix.count))
        return entries.withLock { $0[path] }
    }

    /// The path as SQLite makes it: absolute, without links.
    private static func canonical(_ path: String) -> String {
        guard let base = unsafe VFSRegistration.base else { return path }
        let room = Int(unsafe base.pointee.mxPathname) + 1
        // SAFETY: the room is as long as the VFS is told.
        let full: String? = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let code = unsafe base.pointee.xFullPathname(base, path, Int32(room), start)
            guard code & 0xFF == SQLITE_OK else { return nil }
            return unsafe String(validatingCString: start)
        }
        return full ?? path
    }
}
