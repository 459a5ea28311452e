import Foundation
import MailCore
import MailSync
import MailarcTesting
import Testing

/// UIDs for accounts that have none.
@Suite("numbering") struct NumberingTests {
    private static func withState<R>(_ body: (String) async throws -> R) async throws -> R {
        let folder = try TestFolder("numbering")
        defer { folder.remove() }
        return try await body(folder.file("state.db"))
    }

    private static func number(
        _ path: String, _ keys: [String], _ account: String = "a", now: Int64 = 1_000, isKept: Bool = true
    ) async throws -> (validity: UInt32, uids: [UInt32]) {
        let state = try SyncState.open(path: path)
        defer { try? state.close() }
        let numbering = MessageNumbering(account: account, now: now, isKept: isKept)
        let found = try await state.number(keys, by: numbering)
        return (found.uidValidity.value, found.uids.map(\.value))
    }

    @Test("the same key has the same UID in every run, and none is given twice")
    func stays() async throws {
        try await Self.withState { path in
            let first = try await Self.number(path, ["x", "y", "z"])
            #expect(first.uids == [1, 2, 3] && first.validity != 0)
            let next = try await Self.number(path, ["w", "z", "x"], now: 2_000)
            #expect(next.uids == [4, 3, 1] && next.validity == first.validity)
            let found1 = try await Self.number(path, ["y"], now: 3_000).uids
            #expect(found1 == [2], "away for a while")
            let other = try await Self.number(path, ["x"], "b", now: 9_999)
            #expect(other.uids == [1] && other.validity != first.validity)
            let found2 = try await Self.number(path, [], "c").uids
            #expect(found2.isEmpty)
        }
    }

    @Test("a dry run writes nothing")
    func dry() async throws {
        try await Self.withState { path in
            _ = try await Self.number(path, ["x"])
            let found3 = try await Self.number(path, ["x", "y"], isKept: false).uids
            #expect(found3 == [1, 2])
            let found4 = try await Self.number(path, ["z", "x"]).uids
            #expect(found4 == [2, 1])
        }
    }

    @Test("what is long gone is forgotten, and its UID is not given again")
    func prunes() async throws {
        try await Self.withState { path in
            let many = (1...3_000).map { "key \($0)" }
            let found5 = try await Self.number(path, many).uids
            #expect(found5.last == 3_000)
            let found6 = try await Self.number(path, ["new", "key 7"]).uids
            #expect(found6 == [3_001, 7])
            let found7 = try await Self.number(path, ["key 8", "key 7", "new"]).uids
            #expect(found7 == [3_002, 7, 3_001])
        }
    }

}
