import MailCore
import MailarcKit
import MailarcTesting
import Testing

@Suite("an account of the archive as an end of a sync")
struct ArchiveAccountTests {
    private static let work = MailboxName("Work")

    /// Runs `body` with the path of a fresh archive, whose key lies beside it.
    private func withArchive(_ body: (String) async throws -> Void) async throws {
        let folder = try TestFolder("account")
        defer { folder.remove() }
        let path = folder.file("archive")
        _ = try await Workspace.create(at: path, slot: .plain, label: "")
        try await body(path)
    }

    private func open(_ path: String) async throws -> Workspace {
        try await Workspace.open(at: path, unlocking: Unlocking())
    }

    /// Runs `body` with the account open for writing.
    private func writing<R>(
        _ path: String, _ account: String = "kept", _ body: (any SyncStore) async throws -> R
    ) async throws -> R {
        let workspace = try await open(path)
        let session = try await ArchiveSession(workspace)
        let result = try await body(workspace.accountStore(account, session, channel: .imap))
        try await session.close()
        await workspace.close()
        return result
    }

    /// Every mailbox with its UIDVALIDITY and what it shows, one line a message.
    private func view(_ path: String, _ account: String = "kept") async throws -> [String] {
        let workspace = try await open(path)
        let store = workspace.accountStore(account, nil, channel: .imap)
        var lines: [String] = []
        for listing in try await store.mailboxes().listings {
            let look = try await store.observe(listing.name, since: nil)
            #expect(look.status == listing.status && look.isComplete)
            lines.append("\(listing.name) \(look.status.uidValidity) next \(look.status.uidNext.map(\.value) ?? 0)")
            guard case .full(let summaries) = look.content else { continue }
            lines += summaries.map { "\(listing.name) \($0.uid) (\($0.flags)) \($0.octetCount ?? -1)" }
        }
        await workspace.close()
        return lines
    }

    private func deliver(_ subjects: [String], to mailbox: MailboxName, _ store: any SyncStore) async throws -> [UID] {
        var rest = subjects.map { HeldMessage(octets: Array("Subject: \($0)\r\n\r\n\($0)\r\n".utf8)) }[...]
        var uids: [UID] = []
        try await store.deliver(to: mailbox, try await store.deliveryTraits(of: mailbox)) {
            rest.popFirst()
        } each: { _, outcome in
            if case .delivered(_, let uid?) = outcome { uids.append(uid) }
        }
        return uids
    }

    @Test("it keeps the contract, and a catalog made anew shows the same")
    func conformance() async throws {
        try await withArchive { path in
            let workspace = try await open(path)
            let session = try await ArchiveSession(workspace)
            let reader = try await open(path)
            var stores = [
                reader.accountStore("kept", nil, channel: .imap),
                workspace.accountStore("kept", session, channel: .imap),
            ]
            let violations = try await SyncStoreConformance.violations {
                let store = stores.popLast()
                return try #require(store)
            }
            #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
            await reader.close()
            try await session.close()
            await workspace.close()
            let before = try await view(path)
            #expect(before.count > 4)
            _ = try await Workspace.rebuildCatalog(at: path, unlocking: Unlocking()) { _ in }
            #expect(try await view(path) == before)
        }
    }

    @Test("UIDs ascend and none is given twice, whatever left, and whoever looks")
    func uids() async throws {
        try await withArchive { path in
            let first = try await writing(path) { store in
                try await store.create(Self.work, role: nil, isSubscribed: true)
                let uids = try await deliver(["a", "b", "c"], to: Self.work, store)
                let validity = try await store.observe(Self.work, since: nil).status.uidValidity
                let gone = try await store.expunge(UIDSet(uids.suffix(2)), from: Self.work, uidValidity: validity)
                #expect(gone == UIDSet(uids.suffix(2)))
                return uids
            }
            #expect(first.map(\.value) == [1, 2, 3])
            _ = try await Workspace.rebuildCatalog(at: path, unlocking: Unlocking()) { _ in }
            let second = try await writing(path) { store in try await deliver(["b", "d"], to: Self.work, store) }
            #expect(second.map(\.value) == [4, 5])
        }
    }

    @Test("a mailbox made again has another UIDVALIDITY, also within the second")
    func validities() async throws {
        try await withArchive { path in
            try await writing(path) { store in
                var seen: Set<UIDValidity> = []
                for _ in 0..<3 {
                    try await store.create(Self.work, role: .archive, isSubscribed: true)
                    let listing = try #require(try await store.mailboxes().listings.first)
                    #expect(listing.role == .archive)
                    seen.insert(try #require(listing.status).uidValidity)
                    try await store.remove(Self.work)
                }
                #expect(seen.count == 3)
            }
        }
    }

    @Test("what is told delivered is there for whoever opens the archive then, with its octets")
    func durable() async throws {
        try await withArchive { path in
            try await writing(path) { store in
                try await store.create(Self.work, role: nil, isSubscribed: true)
                var rest = [HeldMessage(octets: Array("A: b\n\n\0\r".utf8), flags: [.seen, Flag("$Work")])][...]
                try await store.deliver(to: Self.work, try await store.deliveryTraits(of: Self.work)) {
                    rest.popFirst()
                } each: { _, outcome in
                    guard case .delivered(_, let uid?) = outcome else { return }
                    let workspace = try await open(path)
                    let other = workspace.accountStore("kept", nil, channel: .imap)
                    let look = try await other.observe(Self.work, since: nil)
                    guard case .full(let summaries) = look.content else { return }
                    #expect(summaries.map(\.uid) == [uid] && summaries.first?.flags == [.seen, Flag("$Work")])
                    var octets: [UInt8] = []
                    _ = try await other.fetch(summaries, from: Self.work, uidValidity: look.status.uidValidity) {
                        while let piece = try await $0.next() { octets += piece }
                    }
                    #expect(octets == Array("A: b\n\n\0\r".utf8))
                    await workspace.close()
                }
            }
        }
    }

    @Test("two mailboxes that are delivered to at once lose nothing")
    func concurrent() async throws {
        try await withArchive { path in
            try await writing(path) { store in
                let names = (0..<4).map { MailboxName("Box\($0)") }
                for name in names { try await store.create(name, role: nil, isSubscribed: true) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names {
                        group.addTask { () async throws in
                            for round in 0..<3 {
                                let subjects = (0..<20).map { "\(name) \(round) \($0 % 15)" }
                                let uids = try await deliver(subjects, to: name, store)
                                #expect(uids.count == 20)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let before = try await view(path)
            #expect(before.count == 4 * 61)
            _ = try await Workspace.rebuildCatalog(at: path, unlocking: Unlocking()) { _ in }
            #expect(try await view(path) == before)
        }
    }
}
