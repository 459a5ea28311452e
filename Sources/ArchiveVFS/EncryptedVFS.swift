internal import CSQLite

/// An SQLite VFS that encrypts every page of a database and of its write-ahead log.
///
/// Page format: ``PageCipher``; WAL headers: `HeaderCipher`. It sits on the default VFS of the system's SQLite. Files
/// other than a main database and its log are refused, so nothing reaches the disk in the clear. The wal-index
/// (`-shm`) is not encrypted: it holds page numbers, salts and checksums over plaintext frames, no content; who reads it
/// can confirm a guess of a whole page. Several processes may read while one writes.
///
/// What it protects against: reading, and changing or moving pages (`SQLITE_IOERR_DATA`, 8202). What it does not: an
/// older version of the same page put back in its place.
///
/// Recipe for GRDB (the key before the first connection, ``prepare(connection:cacheOctetCount:)`` in each one):
/// ```swift
/// try EncryptedVFS.register()
/// EncryptedVFS.setKey(key, databaseID: id, forDatabaseAt: path)
/// var configuration = Configuration()
/// configuration.prepareDatabase { db in
///     if let connection = unsafe db.sqliteConnection { unsafe try EncryptedVFS.prepare(connection: connection) }
/// }
/// let pool = try DatabasePool(path: EncryptedVFS.uri(forDatabaseAt: path), configuration: configuration)
/// ```
/// A database that must survive power loss also wants `PRAGMA synchronous = FULL` in its writer.
public enum EncryptedVFS {
    /// The VFS's name, as in `file:…?vfs=mailarc`.
    public static let name = "mailarc"

    /// Registers the VFS; once per process, further calls do nothing.
    ///
    /// - Throws: `.unsupportedLibrary` if SQLite was built without `SQLITE_USE_URI`.
    public static func register() throws(VFSError) { try VFSRegistration.result.get() }

    /// Gives the key for the database at `path`; wanted before it is opened or created.
    ///
    /// - Parameter key: 32 octets, used for this database only.
    /// - Parameter databaseID: 16 octets, bound into every page.
    public static func setKey(_ key: [UInt8], databaseID: [UInt8], forDatabaseAt path: String) {
        precondition(key.count == 32 && databaseID.count == 16, "a key of 32 octets and an id of 16")
        KeyRegistry.set(.init(key: key, databaseID: databaseID), path: path)
    }

    /// Forgets the key; open connections go on.
    public static func removeKey(forDatabaseAt path: String) { KeyRegistry.remove(path: path) }

    /// What to give SQLite (or GRDB) as path to open the database at `path` through this VFS.
    public static func uri(forDatabaseAt path: String) -> String {
        var octets: [UInt8] = []
        for octet in path.utf8 {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                octets.append(octet)
            default: octets += Array("%\([octet].hexDigits)".utf8)
            }
        }
        return "file:" + String(decoding: octets, as: UTF8.self) + "?vfs=" + name
    }

    package static func setFaults(_ faults: WriteFaults?, forDatabaseAt path: String) {
        KeyRegistry.setFaults(faults, path: path)
    }
}

extension [UInt8] {
    fileprivate var hexDigits: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
