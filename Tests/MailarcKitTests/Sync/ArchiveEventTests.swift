import MailCore
import MailSync
import MailarcKit
import MailarcTesting
import Testing

@Suite("event × strategy, between two accounts of an archive")
struct ArchiveEventTests {
    /// A UIDVALIDITY of the archive's own never changes.
    static let cells = Dictionary(grouping: PairEvents.cells.filter { !$0.steps.contains("!") }, by: \.strategy)

    @Test("the accounts end as the table says, and a second run does nothing", arguments: cells.keys.sorted())
    func strategy(_ strategy: String) async throws {
        let folder = try TestFolder("events")
        defer { folder.remove() }
        let path = folder.file("archive")
        _ = try await Workspace.create(at: path, slot: .plain, label: "")
        let workspace = try await Workspace.open(at: path, unlocking: Unlocking())
        let session = try await ArchiveSession(workspace)
        for (number, cell) in (Self.cells[strategy] ?? []).enumerated() {
            let accounts = try AccountPair(workspace, session, "\(number)", strategy)
            for side in ["A", "B"] {
                let start =
                    "\(side)+INBOX/ " + PairEvents.start.split(separator: " ").map { side + $0 }.joined(separator: " ")
                try await accounts.perform(start)
            }
            try await accounts.run()
            #expect(try await accounts.shown() == PairEvents.Cell.start, "\(cell): pairing changed something")
            try await accounts.perform(cell.steps)
            let report = try await accounts.run()
            #expect(report.outcome == .done, "\(cell): \(report)")
            #expect(try await accounts.shown() == cell.end, "\(cell): \(report.conflicts)")
            let again = try await accounts.run()
            #expect(again.isUnchanged, "\(cell): \(again)")
        }
        try await session.close()
        await workspace.close()
    }
}

/// Two accounts of one archive that users change and a sync brings together.
private struct AccountPair {
    let stores: [Character: any SyncStore]
    let state: PairState
    let options: PairOptions

    init(_ workspace: Workspace, _ session: ArchiveSession, _ suffix: String, _ strategy: String) throws {
        stores = Dictionary(
            uniqueKeysWithValues: ["A", "B"].map { (side: Character) in
                (side, workspace.accountStore("\(side)\(suffix)", session, channel: .imap))
            })
        state = try PairState.inMemory()
        let parts = strategy.split(separator: "+").map(String.init)
        var policy = try #require(PairStrategy(rawValue: parts[0])).policy
        for option in parts.dropFirst() { policy = policy.applying(try #require(PairOption(rawValue: option))) }
        var options = PairOptions(policy: policy, hashing: PairHashing()) { 1_700_000_000 }
        options.allowsMassDelete = true
        self.options = options
    }

    @discardableResult
    func run() async throws -> PairReport {
        let ends = try ["A", "B"].map { (side: Character) in
            PairEnd(store: try #require(stores[side]), name: "\(side)")
        }
        return try await PairRunner(a: ends[0], b: ends[1], state: state, options: options).run()
    }

    func perform(_ steps: String) async throws {
        for step in PairStep.parse(steps) { try await perform(step) }
    }

    private func perform(_ step: PairStep) async throws {
        let (store, mailbox) = (try #require(stores[step.side]), MailboxName(step.mailbox))
        switch step.operation {
        case .append(let key):
            var rest = [HeldMessage(octets: PairEvents.message(key))][...]
            try await store.deliver(to: mailbox, try await store.deliveryTraits(of: mailbox)) {
                rest.popFirst()
            } each: { _, _ in
            }
        case .expunge(let key):
            let (uids, validity) = try await find(key, in: mailbox, store)
            _ = try await store.expunge(uids, from: mailbox, uidValidity: validity)
        case .flags(let key, let flags):
            let (uids, validity) = try await find(key, in: mailbox, store)
            let (adding, all) = (
                FlagSet(flags.map { Flag($0) }), FlagSet([.seen, .flagged, .answered, .deleted, .draft])
            )
            let removing = FlagSet(all.flags.filter { !adding.contains($0) })
            _ = try await store.setFlags(
                uids.uids.map { FlagChange(uid: $0, adding: adding, removing: removing) }, in: mailbox,
                uidValidity: validity)
        case .move(let key, let target):
            let (uids, validity) = try await find(key, in: mailbox, store)
            _ = try await store.move(uids, from: mailbox, uidValidity: validity, to: MailboxName(target))
        case .create: try await store.create(mailbox, role: nil, isSubscribed: true)
        case .delete:
            let (uids, validity) = try await find(nil, in: mailbox, store)
            _ = try await store.expunge(uids, from: mailbox, uidValidity: validity)
            try await store.remove(mailbox)
        case .rename(let target): try await store.rename(mailbox, to: MailboxName(target))
        case .resetUIDValidity: Issue.record("not with an archive")
        }
    }

    /// The first message called `key`, or all.
    private func find(
        _ key: String?, in mailbox: MailboxName, _ store: any SyncStore
    ) async throws -> (UIDSet, UIDValidity) {
        let (messages, validity) = try await messages(in: mailbox, store)
        guard let key else { return (UIDSet(messages.map(\.summary.uid)), validity) }
        let octets = PairEvents.message(key)
        return (UIDSet(messages.first { $0.octets == octets }.map { [$0.summary.uid] } ?? []), validity)
    }

    private func messages(
        in mailbox: MailboxName, _ store: any SyncStore
    ) async throws -> ([(summary: MessageSummary, octets: [UInt8])], UIDValidity) {
        let look = try await store.observe(mailbox, since: nil)
        guard case .full(let summaries) = look.content else { return ([], look.status.uidValidity) }
        var octets: [UID: [UInt8]] = [:]
        _ = try await store.fetch(summaries, from: mailbox, uidValidity: look.status.uidValidity) { message in
            var whole: [UInt8] = []
            while let piece = try await message.next() { whole += piece }
            octets[message.uid] = whole
        }
        return (summaries.map { ($0, octets[$0.uid] ?? []) }, look.status.uidValidity)
    }

    func shown() async throws -> PairModel {
        let keys = ["a1", "a2", "b1", "b2", "c1", "x", "x'", "-x", "x*", "y", "z"]
        let names = Dictionary(keys.map { (PairEvents.message($0), $0) }) { first, _ in first }
        var model = PairModel()
        for (side, store) in stores {
            var mailboxes: [String: [String]] = [:]
            for listing in try await store.mailboxes().listings {
                mailboxes[listing.name.text] = try await messages(in: listing.name, store).0.map {
                    PairStep.entry(names[$0.octets] ?? "?", $0.summary.flags.flags.map(\.name))
                }.sorted()
            }
            model.sides[side] = mailboxes
        }
        return model
    }
}
