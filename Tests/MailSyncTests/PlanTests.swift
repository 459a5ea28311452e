import MailCore
import MailSync
import Testing

private func summary(
    _ uid: UInt32, _ flags: FlagSet = [], size: Int? = 100, date: Int64 = 0, id: String? = nil
) -> MessageSummary {
    MessageSummary(
        uid: UID(uid) ?? .max, flags: flags, internalDate: InternalDate(secondsSinceEpoch: date), octetCount: size,
        objectID: id)
}

private func handle(_ value: UInt8) -> RandomID? { RandomID(octets: [UInt8](repeating: value, count: 16)) }

private func link(
    _ uid: UInt32, _ flags: FlagSet = [], size: Int? = 100, date: Int64 = 0, id: String? = nil
) throws -> Link {
    Link(
        uid: UID(uid) ?? .max, message: try #require(handle(UInt8(uid))), flags: flags, octetCount: size,
        internalDate: InternalDate(secondsSinceEpoch: date), objectID: id)
}

private func status(_ validity: UInt32, _ next: UInt32, _ count: Int, _ modSeq: UInt64? = 9) -> MailboxStatus {
    MailboxStatus(
        uidValidity: UIDValidity(validity), uidNext: UID(next), messageCount: count,
        highestModSeq: modSeq.flatMap { ModSeq($0) })
}

private func mailbox(_ name: String, _ status: MailboxStatus, id: String? = nil) -> BaseMailbox {
    BaseMailbox(
        name: MailboxName(name), mailboxID: id, uidValidity: status.uidValidity, status: status,
        linkedCount: status.messageCount)
}

private func listing(_ name: String, _ status: MailboxStatus?, id: String? = nil) -> MailboxListing {
    MailboxListing(name: MailboxName(name), mailboxID: id, status: status)
}

private func full(_ status: MailboxStatus, _ summaries: [MessageSummary], isComplete: Bool = true) -> MailboxObservation
{
    MailboxObservation(status: status, content: .full(summaries), isComplete: isComplete)
}

private func sentences(_ base: SyncBase, _ source: SourceView) throws -> [String] {
    try plan(base: base, source: source, policy: .archiveHistory).actions.map(\.description)
}

private let inbox = MailboxName("INBOX")

@Suite struct MessagePlanTests {
    @Test("new, re-flagged and expunged messages become one sentence each")
    func changes() throws {
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))],
            messages: [inbox: BaseMessages(links: [try link(1), try link(2, [.seen]), try link(3)])])
        let now = status(5, 43, 3, 12)
        let source = SourceView(
            listings: [listing("INBOX", now)],
            observations: [inbox: full(now, [summary(1, [.seen]), summary(2, [.seen]), summary(42)])])
        #expect(
            try sentences(base, source) == [
                "record flags \\Seen of UID 1 in INBOX", "archive UID 42 of INBOX", "record that UID 3 left INBOX",
            ])
    }

    @Test("a delta says the same as a full look")
    func delta() throws {
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))],
            messages: [inbox: BaseMessages(links: [try link(1), try link(2, [.seen]), try link(3)])])
        let now = status(5, 43, 3, 12)
        let content = MailboxObservation.Content.delta(
            changed: [summary(1, [.seen]), summary(42)], vanished: UIDSet(ranges: [3...3]))
        let source = SourceView(
            listings: [listing("INBOX", now)],
            observations: [inbox: MailboxObservation(status: now, content: content, isComplete: true)])
        #expect(
            try sentences(base, source) == [
                "record flags \\Seen of UID 1 in INBOX", "archive UID 42 of INBOX", "record that UID 3 left INBOX",
            ])
    }

    @Test("a delta that does not add up is not believed")
    func lyingDelta() throws {
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))],
            messages: [inbox: BaseMessages(links: [try link(1), try link(2), try link(3)])])
        let now = status(5, 4, 3, 12)
        let content = MailboxObservation.Content.delta(changed: [], vanished: UIDSet(ranges: [1...3]))
        let result = try plan(
            base: base,
            source: SourceView(
                listings: [listing("INBOX", now)],
                observations: [inbox: MailboxObservation(status: now, content: content, isComplete: true)]),
            policy: .archiveHistory)
        #expect(result.actions.isEmpty)
        #expect(result.mailboxesToLookAtInFull == [inbox])
    }

    @Test("nothing is gone from a listing with holes, whether the store admits them or not", arguments: [true, false])
    func holes(isComplete: Bool) throws {
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))],
            messages: [inbox: BaseMessages(links: [try link(1), try link(2), try link(3)])])
        let now = status(5, 5, 4, 12)
        let source = SourceView(
            listings: [listing("INBOX", now)],
            observations: [inbox: full(now, [summary(3), summary(4)], isComplete: isComplete)])
        #expect(try sentences(base, source) == ["archive UID 4 of INBOX"])
    }

    @Test("under a new UIDVALIDITY size and date pair nothing; a content id does, and keeps flags apart")
    func pairAgain() throws {
        let stale = try [link(1, size: 10), link(2, [.seen], size: 20, id: "b"), link(3, size: 30)]
            .map { StaleLink(uidValidity: UIDValidity(5), link: $0) }
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))], messages: [inbox: BaseMessages(stale: stale)])
        let now = status(6, 4, 3, 2)
        let source = SourceView(
            listings: [listing("INBOX", now)],
            observations: [
                inbox: full(now, [summary(1, size: 30), summary(2, size: 20, id: "b"), summary(3, size: 10)])
            ])
        #expect(
            try sentences(base, source) == [
                "re-pair 1 UIDs of INBOX after UIDVALIDITY 5 → 6", "record flags () of UID 2 in INBOX",
                "archive UID 1 of INBOX", "archive UID 3 of INBOX", "record that UID 1 left INBOX",
                "record that UID 3 left INBOX",
            ])
    }

    @Test("content ids pair everything without fetching")
    func pairByObjectID() throws {
        let stale = try [link(1, id: "a"), link(2, id: "b"), link(3, id: "b")]
            .map { StaleLink(uidValidity: UIDValidity(5), link: $0) }
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 4, 3))], messages: [inbox: BaseMessages(stale: stale)])
        let now = status(6, 4, 3, 2)
        let source = SourceView(
            listings: [listing("INBOX", now)],
            observations: [inbox: full(now, [summary(1, id: "b"), summary(2, id: "a"), summary(3, id: "b")])])
        #expect(try sentences(base, source) == ["re-pair 3 UIDs of INBOX after UIDVALIDITY 5 → 6"])
    }

    @Test("a message whose content id is known is placed without fetching")
    func known() throws {
        let message = try #require(handle(7))
        let base = SyncBase(
            mailboxes: [mailbox("INBOX", status(5, 1, 0))],
            messages: [inbox: BaseMessages(messagesByObjectID: ["x": message])])
        let now = status(5, 2, 1, 10)
        let source = SourceView(
            listings: [listing("INBOX", now)], observations: [inbox: full(now, [summary(1, id: "x")])])
        #expect(try sentences(base, source) == ["place UID 1 of INBOX, already archived"])
    }
}

@Suite struct MailboxPlanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var base: [BaseMailbox]
        var listings: [MailboxListing]
        var isComplete = true
        var actions: [String]
    }

    static let cases: [Case] = {
        let box = status(1, 9, 3)
        let keep = status(2, 3, 2)
        let inboxBase = mailbox("INBOX", keep)
        let inboxNow = listing("INBOX", keep)
        return [
            Case(
                testDescription: "unchanged", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("A", box)], actions: []),
            Case(
                testDescription: "renamed", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("B", box)], actions: ["record rename of A to B"]),
            Case(
                testDescription: "renamed, with arrivals since", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("B", status(1, 11, 5, 20))], actions: ["record rename of A to B"]),
            Case(
                testDescription: "counters went back: deleted", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("B", status(1, 8, 3))], actions: ["record that A was deleted"]),
            Case(
                testDescription: "an empty mailbox has nothing to know it by",
                base: [inboxBase, mailbox("A", status(1, 1, 0))],
                listings: [inboxNow, listing("B", status(1, 1, 0))], actions: ["record that A was deleted"]),
            Case(
                testDescription: "two candidates: deleted",
                base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("B", status(1, 11, 3)), listing("C", status(1, 12, 3))],
                actions: ["record that A was deleted"]),
            Case(
                testDescription: "made in one second, told apart by counters",
                base: [inboxBase, mailbox("A", box), mailbox("A/x", status(1, 9, 4))],
                listings: [inboxNow, listing("B", box), listing("B/x", status(1, 9, 4))],
                actions: ["record rename of A to B", "record rename of A/x to B/x"]),
            Case(
                testDescription: "MAILBOXID, whatever the counters",
                base: [inboxBase, mailbox("A", box, id: "m")],
                listings: [inboxNow, listing("B", status(7, 1, 0), id: "m")], actions: ["record rename of A to B"]),
            Case(
                testDescription: "another mailbox under the same name",
                base: [inboxBase, mailbox("A", box, id: "m")],
                listings: [inboxNow, listing("A", status(7, 1, 0), id: "n")], actions: ["record that A was deleted"]),
            Case(
                testDescription: "renamed, and another made under the old name",
                base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("A", status(9, 1, 0)), listing("B", box)],
                actions: ["record rename of A to B"]),
            Case(
                testDescription: "names swapped: two resets",
                base: [inboxBase, mailbox("A", box, id: "a"), mailbox("B", status(3, 4, 3), id: "b")],
                listings: [inboxNow, listing("A", status(3, 4, 3), id: "b"), listing("B", box, id: "a")], actions: []),
            Case(
                testDescription: "a chain of renames frees its names first",
                base: [inboxBase, mailbox("A", box, id: "a"), mailbox("B", status(3, 4, 3), id: "b")],
                listings: [inboxNow, listing("B", box, id: "a"), listing("C", status(3, 4, 3), id: "b")],
                actions: ["record rename of B to C", "record rename of A to B"]),
            Case(
                testDescription: "UIDVALIDITY reset is no deletion", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("A", status(8, 4, 3))], actions: []),
            Case(
                testDescription: "deleted", base: [inboxBase, mailbox("A", box)], listings: [inboxNow],
                actions: ["record that A was deleted"]),
            Case(
                testDescription: "listing broke off: nothing is gone or renamed", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("B", box)], isComplete: false, actions: []),
            Case(
                testDescription: "no status is unknown, not gone", base: [inboxBase, mailbox("A", box)],
                listings: [inboxNow, listing("A", nil)], actions: []),
        ]
    }()

    @Test("mailboxes are matched", arguments: cases)
    func matching(_ test: Case) throws {
        let source = SourceView(listings: test.listings, isComplete: test.isComplete)
        let found = try sentences(SyncBase(mailboxes: test.base), source)
        #expect(found == test.actions)
        let again = try sentences(SyncBase(mailboxes: test.base), source)
        #expect(again == found)
    }

    @Test("an account that looks broken is an outage, unless the owner says it is not")
    func outage() throws {
        let base = SyncBase(mailboxes: [mailbox("INBOX", status(2, 30, 20)), mailbox("A", status(1, 9, 3))])
        let broken = [
            [], [listing("A", status(1, 9, 3))], [listing("INBOX", status(2, 30, 0)), listing("A", status(1, 9, 0))],
        ]
        for listings in broken {
            #expect { try plan(base: base, source: SourceView(listings: listings), policy: .archiveHistory) } throws: {
                ($0 as? SyncError)?.kind == .outage
            }
            _ = try plan(
                base: base, source: SourceView(listings: listings), policy: .archiveHistory,
                acceptsDisappearance: true)
        }
    }
}
