import ArchiveVFS
import Foundation
import GRDB

/// A folder with encrypted databases.
final class VFSFixture {
    /// Of this process; removed when it ends.
    private static let root: String = {
        atexit { try? FileManager.default.removeItem(atPath: VFSFixture.rootPath) }
        return rootPath
    }()
    private static let rootPath = FileManager.default.temporaryDirectory.path + "/mailarc-vfs-" + UUID().uuidString

    let folder: String
    let path: String
    static let key = [UInt8](repeating: 7, count: 32)
    static let databaseID = [UInt8](1...16)

    init() throws {
        try EncryptedVFS.register()
        folder = Self.root + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = folder + "/a.db"
        EncryptedVFS.setKey(Self.key, databaseID: Self.databaseID, forDatabaseAt: path)
    }

    /// A connection through the VFS, as the recipe says.
    static func queue(_ path: String, readonly: Bool = false, cache: Int = 1 << 20) throws -> DatabaseQueue {
        try DatabaseQueue(
            path: EncryptedVFS.uri(forDatabaseAt: path), configuration: configuration(readonly: readonly, cache: cache))
    }

    static func configuration(readonly: Bool = false, cache: Int = 1 << 20) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            if let connection = unsafe db.sqliteConnection {
                unsafe try EncryptedVFS.prepare(connection: connection, cacheOctetCount: cache)
            }
        }
        return configuration
    }

    func queue(cache: Int = 1 << 20) throws -> DatabaseQueue { try Self.queue(path, cache: cache) }

    func octets(_ suffix: String = "") -> [UInt8] {
        FileManager.default.contents(atPath: path + suffix).map { [UInt8]($0) } ?? []
    }

    func write(_ octets: [UInt8], to path: String) throws { try Data(octets).write(to: URL(fileURLWithPath: path)) }

    /// Copies database and log as they are now: what a crash at this moment leaves.
    func crashImage(_ name: String) throws -> String {
        let copy = folder + "/" + name
        EncryptedVFS.setKey(Self.key, databaseID: Self.databaseID, forDatabaseAt: copy)
        try write(octets(), to: copy)
        try write(octets("-wal"), to: copy + "-wal")
        return copy
    }
}

extension Database {
    func fill(rows: Range<Int>) throws {
        let insert = try cachedStatement(sql: "INSERT INTO t VALUES (?, ?)")
        let words = try cachedStatement(sql: "INSERT INTO ft(rowid, x) VALUES (?, ?)")
        for row in rows {
            try insert.execute(arguments: [row, "plaintextmarker \(row) " + String(repeating: "x", count: 900)])
            try words.execute(arguments: [row, "plaintextmarker common word\(row % 97)"])
        }
    }

    func makeTables() throws {
        try execute(sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT)")
        try execute(sql: "CREATE VIRTUAL TABLE ft USING fts5(x, content='')")
        try execute(sql: "INSERT INTO ft(ft, rank) VALUES ('pgsz', 3990)")
    }

    /// `ok` where SQLite and full-text index find no fault and have the same rows.
    func verdict() throws -> String {
        let integrity = try String.fetchOne(self, sql: "PRAGMA integrity_check") ?? "nothing"
        let rows = try Int.fetchOne(self, sql: "SELECT count(*) FROM t") ?? -1
        let words = try Int.fetchOne(self, sql: "SELECT count(*) FROM ft WHERE ft MATCH 'common'") ?? -2
        return integrity == "ok" && rows == words ? "ok" : "\(integrity) \(rows) \(words)"
    }
}
