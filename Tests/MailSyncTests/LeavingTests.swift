import MailCore
import MailSync
import MailarcTesting
import Synchronization
import Testing

private let inbox = MailboxName("INBOX")

/// What a message is known by here; not SHA-256.
private func digest(_ octets: [UInt8]) -> [UInt8] {
    let hash = TestHashing().start()
    hash.update(octets[...])
    return hash.finish()
}

extension ReferenceArchive: VerifyingDestination {
    func readBack(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws -> [UID: ReadBack] {
        var result: [UID: ReadBack] = [:]
        for (place, occurrence) in durable.occurrences
        where place.mailbox == mailbox && place.uidValidity == uidValidity && uids.contains(place.uid) {
            guard let octets = durable.contents[occurrence.message] else { continue }
            result[place.uid] = ReadBack(
                message: occurrence.message, sha256: digest(octets), octetCount: octets.count, ledgerIndex: 1)
        }
        return result
    }
}

@Suite("deleting in the source what is archived")
struct LeavingTests {
    /// What somebody does between the comparison and the deletion, and which of UIDs 1 to 12 leave then.
    struct Case: CustomTestStringConvertible, Sendable {
        let label: String
        var step = SourceDeletion.Step.verified
        let deed: @Sendable (InMemoryStore) -> Void
        let left: ClosedRange<UInt32>?
        var fails = false
        var testDescription: String { label }
    }

    static let cases = [
        Case(label: "nothing", deed: { _ in }, left: 1...12),
        Case(
            label: "a flag is set",
            deed: { store in if let uid = UID(1) { store.setFlags([.flagged], of: uid, in: inbox) } }, left: 2...12),
        Case(
            label: "a message goes", deed: { store in if let uid = UID(12) { store.expunge(uid, from: inbox) } },
            left: 1...11),
        Case(label: "a message comes", deed: { $0.append(Array("new".utf8), to: inbox) }, left: 1...12),
        Case(label: "other UIDs", deed: { $0.resetUIDValidity(inbox) }, left: nil, fails: true),
        Case(
            label: "other UIDs after the journal", step: .journalled, deed: { $0.resetUIDValidity(inbox) }, left: nil,
            fails: true),
        Case(label: "the mailbox goes", deed: { $0.delete(inbox) }, left: nil, fails: true),
    ]

    @Test("exactly what was compared leaves, and the archive knows of it", arguments: cases)
    func meanwhile(_ item: Case) async throws {
        let store = InMemoryStore()
        for number in 1...12 { store.append(Array("Subject: \(number)\r\n\r\n".utf8), to: inbox) }
        let scenario = try Scenario(store)
        let state = try SyncState.open(path: scenario.statePath)
        defer { try? state.close() }
        let archive = ReferenceArchive()
        var options = SyncOptions()
        var deletion = SourceDeletion(store: store, age: 0, hashing: TestHashing()) { 1_800_000_000 }
        deletion.passed = { step in if step == item.step { item.deed(store) } }
        options.deletion = deletion
        let source = SyncSource(store: store, account: "test", channel: .imap)
        let report = try await SyncRunner(source: source, destination: archive, state: state, options: options).run()
        let entry = try #require(report.mailboxes.first { $0.mailbox == inbox })
        #expect(entry.deleted.map(\.uid.value).sorted() == (item.left.map(Array.init) ?? []))
        #expect((entry.failure != nil) == item.fails, "\(String(describing: entry.failure))")
        #expect(archive.durable.contents.count == 12, "nothing leaves the archive")
        guard !item.fails else { return }
        options.deletion = nil
        let next = try await SyncRunner(source: source, destination: archive, state: state, options: options).run()
        #expect(next.isBalanced && archive.durable.violations.isEmpty)
        #expect(archive.durable.occurrences.count == store.contents.count)
    }

    @Test("what is young, or undated, stays; a dry run says what would go")
    func ages() async throws {
        let store = InMemoryStore()
        for number in 1...4 {
            store.append(Array("Subject: \(number)\r\n\r\n".utf8), to: inbox, date: Int64(number) * 1_000)
        }
        let scenario = try Scenario(store)
        let state = try SyncState.open(path: scenario.statePath)
        defer { try? state.close() }
        let archive = ReferenceArchive()
        var options = SyncOptions()
        options.deletion = SourceDeletion(store: store, age: 1_000, hashing: TestHashing()) { 3_000 }
        options.isDryRun = true
        let source = SyncSource(store: store, account: "test", channel: .imap)
        let plan = try await SyncRunner(source: source, destination: archive, state: state, options: options).run()
        let planned = plan.plannedActions.filter { if case .deleteInSource = $0 { true } else { false } }
        #expect(planned.count == 2 && store.contents.count == 4)
        options.isDryRun = false
        let report = try await SyncRunner(source: source, destination: archive, state: state, options: options).run()
        #expect(report.mailboxes.first?.deleted.map(\.uid.value) == [1, 2])
        #expect(store.contents.map(\.summary.uid.value) == [3, 4])
    }
}
