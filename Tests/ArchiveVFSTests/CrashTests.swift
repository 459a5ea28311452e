import ArchiveVFS
import Foundation
import GRDB
import Testing

@Suite struct CrashTests {
    @Test("a crash after any write leaves a database with every acknowledged row")
    func crashImages() throws {
        let fixture = try VFSFixture()
        try fixture.queue().write { db in try db.makeTables() }
        var acknowledged = 0
        for round in 0..<60 {
            // The disk vanishes after a while: at a header, a page, a sync, in the middle of a checkpoint.
            EncryptedVFS.setFaults(WriteFaults(after: 3 + round * 7), forDatabaseAt: fixture.path)
            do {
                let queue = try fixture.queue(cache: 64 << 10)
                try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_autocheckpoint = 20") }
                for _ in 0..<10 {
                    try queue.write { db in try db.fill(rows: acknowledged..<acknowledged + 40) }
                    acknowledged += 40
                }
            } catch is DatabaseError {}
            EncryptedVFS.setFaults(nil, forDatabaseAt: fixture.path)
            let again = try fixture.queue()
            let rows = try again.read { db in
                try expect(db.verdict(), is: "ok", "round \(round)")
                return try Int.fetchOne(db, sql: "SELECT count(*) FROM t") ?? 0
            }
            #expect(rows >= acknowledged, "round \(round)")
            acknowledged = rows
        }
    }

    @Test("a log cut at any length, and the copy of a running database, open with whole transactions")
    func cutLog() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue()
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try db.makeTables()
            try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            for step in 0..<10 {
                try db.inTransaction {
                    try db.fill(rows: step * 20..<step * 20 + 20)
                    return .commit
                }
            }
        }
        let log = fixture.octets("-wal")
        for length in stride(from: 0, through: log.count, by: log.count / 60) {
            let image = try fixture.crashImage("cut.db")
            try fixture.write(Array(log[..<length]), to: image + "-wal")
            try? FileManager.default.removeItem(atPath: image + "-shm")
            let reopened = try VFSFixture.queue(image)
            try reopened.read { db in
                try expect(db.verdict(), is: "ok", "length \(length)")
                try expect((Int.fetchOne(db, sql: "SELECT count(*) FROM t") ?? 1) % 20, is: 0)
            }
            try reopened.close()
        }
    }

    @Test("each changed octet of a database is found")
    func flippedOctets() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue()
        try queue.write { db in
            try db.execute(sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT)")
            try db.execute(sql: "INSERT INTO t VALUES (1, 'one'), (2, 'two')")
        }
        try queue.close()
        let octets = fixture.octets()
        #expect(octets.count == 2 * 4096)
        try? FileManager.default.removeItem(atPath: fixture.path + "-wal")
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: fixture.path))
        var missed: [Int] = []
        for offset in octets.indices {
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: [octets[offset] ^ (1 << UInt8(offset % 8))])
            let rows = try? VFSFixture.queue(fixture.path, readonly: true).read { db in
                try String.fetchAll(db, sql: "SELECT b FROM t ORDER BY id")
            }
            if rows != nil { missed.append(offset) }
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: [octets[offset]])
        }
        #expect(missed.isEmpty)
    }

    @Test("a changed octet of the log ends it or is an error, and never gives other rows")
    func flippedLog() throws {
        let fixture = try VFSFixture()
        let queue = try fixture.queue()
        try queue.write { db in try db.execute(sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT)") }
        for row in 0..<6 {
            try queue.write { db in try db.execute(sql: "INSERT INTO t VALUES (?, 'r')", arguments: [row]) }
        }
        let log = fixture.octets("-wal")
        for offset in stride(from: 0, to: log.count, by: 37) {
            let image = try fixture.crashImage("flip.db")
            var changed = log
            changed[offset] ^= 0x10
            try fixture.write(changed, to: image + "-wal")
            try? FileManager.default.removeItem(atPath: image + "-shm")
            let rows = try? VFSFixture.queue(image).read { db in
                try Int.fetchAll(db, sql: "SELECT id FROM t ORDER BY id")
            }
            if let rows { #expect(rows == Array(0..<rows.count), "offset \(offset)") }
        }
    }
}
