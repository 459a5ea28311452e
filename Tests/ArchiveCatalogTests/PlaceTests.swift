import ArchiveCatalog
import MailCore
import Testing

@Suite struct PlaceTests {
    private func filled(_ count: UInt32) throws -> (CatalogFixture, Catalog) {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let created = OccurrenceEvent.mailboxCreated(
            account: "work", mailbox: MailboxName("INBOX"), role: nil, uidValidity: UIDValidity(1))
        let placements = try (1...count).map { try placed(Int($0), address("INBOX", $0)) }
        try catalog.apply(
            CatalogGroup(messages: [], events: [EventRecord(sequence: 1, time: 100, events: [created] + placements)]))
        return (fixture, catalog)
    }

    @Test("occurrences are had by UID, ascending, and those of another UIDVALIDITY are none")
    func byUID() throws {
        let (fixture, catalog) = try filled(40)
        defer { withExtendedLifetime(fixture) {} }
        let wanted = UIDSet(ranges: [3...5, 17...17, 39...90])
        func found(_ validity: UInt32, _ mailbox: String) throws -> [UInt32] {
            var found: [UInt32] = []
            try catalog.placements(
                account: "work", mailbox: MailboxName(mailbox), uidValidity: UIDValidity(validity), uids: wanted
            ) { found.append($0.address.uid.value) }
            return found
        }
        #expect(try found(1, "INBOX") == [3, 4, 5, 17, 39, 40])
        #expect(try found(2, "INBOX").isEmpty && found(1, "Other").isEmpty)
    }

    @Test("a range of UIDs is sought in the index; the mailbox is never walked for it")
    func seeks() throws {
        let (fixture, catalog) = try filled(1)
        defer { withExtendedLifetime(fixture) {} }
        let plan = try catalog.planOfPlacementsByUID()
        #expect(
            plan.contains { $0.contains("placement_current (mailbox=? AND uidvalidity=? AND uid>? AND uid<?)") },
            "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
    }

    @Test("without counts the mailboxes are the same, and a renamed one is known by its first name")
    func rows() throws {
        let (fixture, catalog) = try filled(5)
        defer { withExtendedLifetime(fixture) {} }
        let renamed = OccurrenceEvent.mailboxRenamed(
            account: "work", from: MailboxName("INBOX"), to: MailboxName("Old"))
        try catalog.apply(
            CatalogGroup(messages: [], events: [EventRecord(sequence: 2, time: 200, events: [renamed])]))
        let counted = try catalog.mailboxes(account: "work")
        #expect(counted.map(\.messageCount) == [5] && counted.map(\.name.text) == ["Old"])
        #expect(counted.map(\.firstName) == [Array("INBOX".utf8)] && counted.map(\.created) == [100])
        #expect(try catalog.mailboxes(account: "work", counts: false).map(\.messageCount) == [0])
        #expect(try catalog.mailbox(account: "work", name: MailboxName("Old"))?.firstName == Array("INBOX".utf8))
        #expect(try catalog.mailbox(account: "work", name: MailboxName("INBOX")) == nil)
    }
}
