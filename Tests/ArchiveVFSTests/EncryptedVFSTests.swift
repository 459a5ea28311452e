import ArchiveVFS
import Foundation
import GRDB
import Testing

@Suite struct EncryptedVFSTests {
    @Test("a database reopens with its rows, 48 reserved octets and pages of 4096")
    func reopens() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue()
        try queue.write { db in
            try db.makeTables()
            try db.fill(rows: 0..<50)
        }
        try queue.close()
        let again = try fixture.queue()
        try again.read { db in
            try expect(db.verdict(), is: "ok")
            try expect(Int.fetchOne(db, sql: "PRAGMA page_size"), is: 4096)
            try expect(String.fetchOne(db, sql: "PRAGMA journal_mode"), is: "wal")
            try expect(Int.fetchOne(db, sql: "SELECT v FROM ft_config WHERE k = 'pgsz'"), is: 3990)
        }
        // The header is only seen through the VFS: the plain library refuses the file.
        #expect(throws: (any Error).self) {
            try DatabaseQueue(path: fixture.path).read { db in try db.verdict() }
        }
        #expect(fixture.octets().count % 4096 == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: fixture.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("transactions larger than the cache commit, roll back and replay")
    func spill() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue(cache: 64 << 10)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try db.makeTables()
            try db.inTransaction {
                try db.fill(rows: 0..<2000)
                return .commit
            }
            try db.inTransaction {
                try db.execute(sql: "UPDATE t SET b = b || 'y'")
                try db.fill(rows: 2000..<4000)
                return .rollback
            }
            // Pages spilled, read back, and changed again: the log's headers are rewritten (walRewriteChecksums).
            try db.inTransaction {
                for round in 0..<4 { try db.execute(sql: "UPDATE t SET b = b || ?", arguments: ["z\(round)"]) }
                return .commit
            }
        }
        let image = try VFSFixture.queue(fixture.crashImage("spill.db"))
        try image.read { db in
            try expect(db.verdict(), is: "ok")
            try expect(Int.fetchOne(db, sql: "SELECT count(*) FROM t WHERE b LIKE '%z0z1z2z3'"), is: 2000)
        }
    }

    @Test("database, log and wal-index hold no plaintext")
    func noPlaintext() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue(cache: 64 << 10)
        try queue.write { db in
            try db.makeTables()
            try db.fill(rows: 0..<500)
        }
        for suffix in ["", "-wal", "-shm"] {
            let octets = Data(fixture.octets(suffix))
            #expect(!octets.isEmpty)
            for word in ["plaintextmark", "CREATE", "SQLite format", "common"] {
                #expect(octets.range(of: Data(word.utf8)) == nil, "\(word) in \(suffix)")
            }
        }
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        #expect(Data(fixture.octets()).range(of: Data("plaintextmark".utf8)) == nil)
    }

    @Test("a file that could hold plaintext is refused")
    func refusals() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue()
        try queue.writeWithoutTransaction { db in
            try db.makeTables()
            try db.fill(rows: 0..<200)
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
                try db.fill(rows: 200..<201)
            }
        }
        try queue.close()
        let other = try fixture.queue()
        try other.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA temp_store = FILE; PRAGMA cache_size = 5")
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "CREATE TEMP TABLE big AS SELECT * FROM t, (SELECT 1 FROM t)")
            }
        }
        #expect(throws: (any Error).self) { try VFSFixture.queue(fixture.folder + "/nokey.db") }
        #expect(!FileManager.default.fileExists(atPath: fixture.folder + "/nokey.db"))
        let names = try Set(FileManager.default.contentsOfDirectory(atPath: fixture.folder))
        #expect(names.isSubset(of: ["a.db", "a.db-wal", "a.db-shm"]))
    }

    @Test("a wrong key or database id is an error, not another database")
    func wrongKey() throws {
        let fixture = try VFSFixture()
        try fixture.queue().write { db in try db.makeTables() }
        EncryptedVFS.setKey(
            .init(repeating: 8, count: 32), databaseID: VFSFixture.databaseID, forDatabaseAt: fixture.path)
        #expect(throws: (any Error).self) { try fixture.queue().read { try $0.verdict() } }
        EncryptedVFS.setKey(VFSFixture.key, databaseID: .init(repeating: 0, count: 16), forDatabaseAt: fixture.path)
        #expect(throws: (any Error).self) { try fixture.queue().read { try $0.verdict() } }
    }

    @Test("a connection outside the VFS is told so")
    func wrongVFS() throws {
        let fixture = try VFSFixture()
        #expect(throws: VFSError.self) {
            try DatabaseQueue(path: fixture.folder + "/plain.db", configuration: VFSFixture.configuration())
        }
    }

    @Test("readers see whole transactions while one connection writes and checkpoints")
    func readersWhileWriting() async throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue(cache: 64 << 10)
        try await queue.write { db in try db.makeTables() }
        let path = fixture.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let reader = try VFSFixture.queue(path, readonly: true)
                    for _ in 0..<40 {
                        let count = try await reader.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM t") }
                        #expect((count ?? -1) % 100 == 0)
                    }
                }
            }
            for step in 0..<20 {
                try await queue.write { db in try db.fill(rows: step * 100..<step * 100 + 100) }
                if step % 5 == 4 { _ = try await queue.writeWithoutTransaction { db in try db.checkpoint(.passive) } }
            }
            try await group.waitForAll()
        }
        try await expect(queue.read { try $0.verdict() }, is: "ok")
    }

    @Test("VACUUM INTO another key gives a whole database without free pages")
    func vacuumInto() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue(cache: 64 << 10)
        let target = fixture.folder + "/it's 100%?.db"
        try queue.writeWithoutTransaction { db in
            try db.makeTables()
            try db.inTransaction {
                try db.fill(rows: 0..<1000)
                return .commit
            }
            if let connection = unsafe db.sqliteConnection {
                unsafe try EncryptedVFS.vacuum(
                    connection, into: target, key: [UInt8](repeating: 9, count: 32), databaseID: [UInt8](2...17))
            }
        }
        let copy = try VFSFixture.queue(target)
        try expect(copy.read { try $0.verdict() }, is: "ok")
        try copy.write { db in try db.fill(rows: 1000..<1010) }
        try expect(copy.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }, is: "wal")
        #expect(Data(FileManager.default.contents(atPath: target) ?? Data()).range(of: Data("plaintextm".utf8)) == nil)
        EncryptedVFS.setKey(VFSFixture.key, databaseID: VFSFixture.databaseID, forDatabaseAt: target)
        #expect(throws: (any Error).self) { try VFSFixture.queue(target).read { try $0.verdict() } }
    }
}
