import ArchiveCatalog
import Foundation
import MailCore
import Testing

@Suite struct HistoryTests {
    private func history() throws -> [EventRecord] {
        let inbox = MailboxName("INBOX")
        let two = try #require(UID(2))
        let five = try #require(UID(5))
        return try [
            EventRecord(
                sequence: 1, time: 100,
                events: [
                    .mailboxCreated(account: "work", mailbox: inbox, role: nil, uidValidity: UIDValidity(1)),
                    placed(1, address("INBOX", 1)), placed(2, address("INBOX", 2), [.seen]),
                ]),
            EventRecord(
                sequence: 2, time: 200,
                events: [
                    .flagsChanged(at: address("INBOX", 1), flags: [.seen, .flagged], modSeq: ModSeq(9)),
                    placed(3, address("Old", 1)),
                ]),
            EventRecord(
                sequence: 4, time: 300,
                events: [
                    placed(1, address("Old", 2), [.flagged]),
                    .gone(at: address("INBOX", 1), movedTo: address("Old", 2)),
                ]),
            EventRecord(
                sequence: 5, time: 400,
                events: [
                    .mailboxRenamed(account: "work", from: MailboxName("Old"), to: MailboxName("Older"))
                ]),
            EventRecord(
                sequence: 6, time: 500,
                events: [
                    .uidValidityChanged(
                        account: "work", mailbox: inbox, from: UIDValidity(1), to: UIDValidity(8), mapping: [two: five]),
                    .quarantined(at: address("INBOX", 9, validity: 8), refusal: Refusal(.emptyBody, detail: "NIL")),
                ]),
            EventRecord(
                sequence: 7, time: 600,
                events: [
                    .mailboxDeleted(account: "work", mailbox: MailboxName("Older"))
                ]),
        ]
    }

    private func filled() throws -> (CatalogFixture, Catalog) {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        try catalog.apply(
            CatalogGroup(
                messages: try (1...3).map { try entry($0, IndexedText(subject: "m\($0)")) }, events: try history()))
        return (fixture, catalog)
    }

    @Test(
        "a mailbox is shown as it was at a moment",
        arguments: [
            (Int64(50), "INBOX", [String]()), (100, "INBOX", ["1/1:1[]", "1/2:2[\\Seen]"]),
            (250, "INBOX", ["1/1:1[\\Flagged \\Seen]", "1/2:2[\\Seen]"]), (300, "INBOX", ["1/2:2[\\Seen]"]),
            (499, "INBOX", ["1/2:2[\\Seen]"]), (500, "INBOX", ["8/5:2[\\Seen]"]),
            (300, "Old", ["1/1:3[]", "1/2:1[\\Flagged]"]), (400, "Old", []),
            (400, "Older", ["1/1:3[]", "1/2:1[\\Flagged]"]), (600, "Older", []),
        ])
    func states(moment: Int64, mailbox: String, expected: [String]) throws {
        let (_, catalog) = try filled()
        #expect(try content(catalog, mailbox, at: moment) == expected)
    }

    @Test("what is current needs no moment")
    func current() throws {
        let (fixture, catalog) = try filled()
        #expect(try content(catalog, "INBOX") == ["8/5:2[\\Seen]"])
        #expect(try catalog.mailboxes().map(\.name.text) == ["INBOX"])
        #expect(try catalog.mailboxes(at: 450).map { "\($0.name) \($0.messageCount)" } == ["INBOX 1", "Older 2"])
        #expect(try catalog.quarantine().map(\.refusal.detail) == ["NIL"])
        let places = try catalog.occurrences(of: id(1))
        #expect(places.map(\.until) == [300, 600])
        #expect(places.first?.internalDate?.zoneOffset == 60)
        // Another reader of the same file, without the right to write.
        let reader = try Catalog.open(at: fixture.file("cat.db"))
        #expect(try reader.eventSequence() == 7)
        #expect(throws: CatalogError.self) { try reader.setMeta("k", [1]) }
    }

    @Test("a quarantined message that comes after all is cleared; a volatile mailbox swaps UIDs")
    func clearing() throws {
        let (_, catalog) = try filled()
        let (one, two) = try (#require(UID(1)), #require(UID(2)))
        try catalog.apply(
            CatalogGroup(events: [
                EventRecord(
                    sequence: 8, time: 700,
                    events: [
                        placed(3, address("INBOX", 9, validity: 8)), placed(1, address("V", 1, validity: 0)),
                        placed(2, address("V", 2, validity: 0)), placed(3, address("V", 3, validity: 0)),
                    ]),
                EventRecord(
                    sequence: 9, time: 800,
                    events: [
                        .uidValidityChanged(
                            account: "work", mailbox: MailboxName("V"), from: UIDValidity(0), to: UIDValidity(0),
                            mapping: [one: two, two: one])
                    ]),
            ]))
        #expect(try catalog.quarantine().isEmpty)
        #expect(try content(catalog, "V") == ["0/1:2[]", "0/2:1[]", "0/3:3[]"])
        #expect(try content(catalog, "V", at: 750) == ["0/1:1[]", "0/2:2[]", "0/3:3[]"])
    }

    @Test("messages that are paired one by one after a UIDVALIDITY change all go on; only those that left ended")
    func pairedOneByOne() throws {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let uids = try (1...4).map { try #require(UID($0)) }
        let box = MailboxName("INBOX")
        func pair(_ old: UID, _ new: UID) -> OccurrenceEvent {
            .uidValidityChanged(
                account: "work", mailbox: box, from: UIDValidity(1), to: UIDValidity(2), mapping: [old: new])
        }
        try catalog.apply(
            CatalogGroup(events: [
                EventRecord(
                    sequence: 1, time: 100,
                    events: [
                        placed(1, address("INBOX", 1)), placed(2, address("INBOX", 2)), placed(3, address("INBOX", 3)),
                        placed(4, address("INBOX", 4)),
                    ]),
                EventRecord(
                    sequence: 2, time: 200,
                    events: [
                        pair(uids[0], uids[1]), pair(uids[1], uids[0]), pair(uids[2], uids[3]),
                        .gone(at: address("INBOX", 4), movedTo: nil),
                    ]),
            ]))
        #expect(try content(catalog, "INBOX") == ["2/1:2[]", "2/2:1[]", "2/4:3[]"])
        #expect(try content(catalog, "INBOX", at: 150) == ["1/1:1[]", "1/2:2[]", "1/3:3[]", "1/4:4[]"])
    }

    @Test("events may come before their messages", arguments: [true, false])
    func messagesLater(isTogether: Bool) throws {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let message = try entry(1, IndexedText(subject: "late"))
        try catalog.apply(CatalogGroup(messages: isTogether ? [message] : [], events: try history()))
        try catalog.apply(CatalogGroup(messages: [message]))
        #expect(try catalog.occurrences(of: id(1)).compactMap(\.entry?.subject) == ["late", "late"])
        #expect(try catalog.occurrences(of: id(2)).map(\.entry) == [nil])
    }
}
