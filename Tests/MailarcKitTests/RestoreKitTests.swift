import MailCore
import MailarcKit
import Testing

@Suite("What a restore decides")
struct RestoreKitTests {
    // MARK: Wire form

    static let forms: [(String, String)] = [
        ("", ""), ("a\nb\n", "a\r\nb\r\n"), ("a\r\nb", "a\r\nb"), ("\n", "\r\n"), ("a\rb\r", "a\rb\r"),
        ("a\r\r\nb\n\r\n", "a\r\r\nb\r\n\r\n"), ("\r\n\n\r", "\r\n\r\n\r"),
    ]

    @Test("line ends become CRLF, by any chunking the same", arguments: forms)
    func wireForm(_ row: (String, String)) {
        let (octets, expected) = (Array(row.0.utf8), Array(row.1.utf8))
        for cut in 0...octets.count {
            var form = WireForm()
            #expect(form.convert(Array(octets[..<cut])) + form.convert(Array(octets[cut...])) == expected)
            #expect(form.hasConverted == (octets != expected))
        }
    }

    static let messages: [(octets: [UInt8], isFragile: Bool, isUTF8: Bool)] = [
        (Array("Subject: x\n\nb\u{e9}\n".utf8), false, true), (Array("Subject: \u{e9}\r\n\r\nb\r\n".utf8), true, true),
        ([0x53, 0x3A, 0xFC, 10, 10], true, false), ([65, 10, 10, 0, 10], true, true),
        (Array("a\r\r\n\r\n".utf8), true, true), (Array("a\r\n\r\nb\r".utf8), true, true),
        (Array("a\n\n\u{e9}: b\n".utf8), false, true),
    ]

    @Test("what servers may change is seen, by any chunking the same", arguments: messages)
    func fragile(_ row: (octets: [UInt8], isFragile: Bool, isUTF8: Bool)) {
        for cut in 0...row.octets.count {
            let meter = WireMeter(wantsLikeness: true)
            meter.take(Array(row.octets[..<cut]))
            meter.take(Array(row.octets[cut...]))
            let facts = meter.finish()
            #expect(facts.traits.isFragile == row.isFragile && facts.traits.isHeaderUTF8 == row.isUTF8)
        }
    }

    @Test("what a server made of a message is like it, another message is not")
    func likeness() {
        func likeness(_ octets: [UInt8]) -> [UInt8]? {
            let meter = WireMeter(wantsLikeness: true)
            meter.take(octets)
            return meter.finish().likeness
        }
        let sent = likeness(Array("S: \u{e9}\0\r\r\n".utf8))
        #expect(sent == likeness(Array("S: XX".utf8) + [0x80, 13, 10]))
        #expect(sent != likeness(Array("S: XY\r\n".utf8)))
    }

    @Test(
        "a part that is declared binary is found, by any chunking",
        arguments: [
            ("Content-Transfer-Encoding: binary", true), ("a\r\ncontent-TRANSFER-encoding:BINARY\r\n\r\n", true),
            ("Content-Transfer-Encoding: base64\n\nbinary\n", false), ("binary\n", false), ("", false),
        ])
    func declaredBinary(text: String, isFound: Bool) {
        let octets = Array(text.utf8)
        for cut in 0...octets.count {
            var finder = DeclaredBinary()
            finder.take(Array(octets[..<cut]))
            finder.take(Array(octets[cut...]))
            #expect(finder.finish() == isFound)
        }
    }

    // MARK: Matching

    private static func date(_ seconds: Int64) -> InternalDate { InternalDate(secondsSinceEpoch: seconds) }

    private static func present(_ rows: [(size: Int, date: Int64)]) -> [MessageSummary] {
        rows.enumerated().compactMap { index, row in
            UID(UInt32(index + 1)).map {
                MessageSummary(uid: $0, flags: [], internalDate: date(row.date), octetCount: row.size)
            }
        }
    }

    @Test("a message that is twice in the archive must be there twice")
    func multiset() {
        let wanted = (0..<3).map { _ in
            ContentMatch.Wanted(digest: [1], octetCount: 10, internalDate: Self.date(100))
        }
        var match = ContentMatch(wanted: wanted, present: Self.present([(10, 100), (10, 100), (11, 100), (10, 7)]))
        #expect(match.candidates(widely: false).map(\.uid.value) == [1, 2])
        match.pair([.min: .init(digest: [1])])
        #expect(match.missing == [1, 2])
        // UID 2 is as long and as old, and another message.
        match.pair(Dictionary(uniqueKeysWithValues: [UID(2)].compactMap { $0 }.map { ($0, .init(digest: [2])) }))
        #expect(match.missing == [1, 2])
        #expect(match.candidates(widely: true).map(\.uid.value) == [3, 4])
        match.pair(Dictionary(uniqueKeysWithValues: [UID(4)].compactMap { $0 }.map { ($0, .init(digest: [1])) }))
        #expect(match.missing == [2] && match.pairs.count == 2)
    }

    @Test("the one of the same date is taken before the one of another")
    func preference() {
        let wanted = [5, 9].map {
            ContentMatch.Wanted(digest: [1], octetCount: 10, internalDate: Self.date($0))
        }
        var match = ContentMatch(wanted: wanted, present: Self.present([(10, 9), (10, 5)]))
        match.pair(
            Dictionary(uniqueKeysWithValues: [UID(1), UID(2)].compactMap { $0 }.map { ($0, .init(digest: [1])) }))
        #expect(match.pairs.mapValues(\.value) == [0: 2, 1: 1])
    }

    @Test("what the server keeps in another form is found by its likeness, and said to be changed")
    func changed() {
        let wanted = [
            ContentMatch.Wanted(digest: [1], likeness: [7], octetCount: 10, internalDate: Self.date(1)),
            ContentMatch.Wanted(digest: [2], octetCount: 10, internalDate: Self.date(1)),
        ]
        var match = ContentMatch(wanted: wanted, present: Self.present([(9, 1)]))
        match.pair([.min: .init(digest: [3], likeness: [7])])
        #expect(match.missing == [0, 1])
        match.pairChanged()
        #expect(match.missing == [1] && match.changed == [0])
    }

    // MARK: Names

    struct Case: Sendable, CustomTestStringConvertible {
        var from: String
        var delimiter: Character = "/"
        var role: MailboxRole?
        var isBelowInbox = false
        var account: String?
        var to: String
        var prefix = ""
        var rules: [(String, String)] = []
        var server: (prefix: String, delimiter: Character) = ("", ".")
        var testDescription: String { "\(from) → \(to)" }
    }

    static let cases: [Case] = [
        Case(from: "Archív/2024/Számlák", to: "Archív.2024.Számlák"),
        Case(from: "a.b/c", to: "a_b.c"), Case(from: "a//b", to: "a._.b"),
        Case(from: "INBOX", to: "INBOX", server: ("INBOX.", ".")),
        Case(from: "Work", to: "INBOX.Work", server: ("INBOX.", ".")),
        Case(from: "INBOX.Work.2", delimiter: ".", isBelowInbox: true, to: "Work/2", server: ("", "/")),
        Case(from: "INBOX.Work", delimiter: ".", isBelowInbox: true, to: "INBOX.Work", server: ("INBOX.", ".")),
        Case(from: "INBOX/sub", to: "INBOX.sub"),
        Case(from: "INBOX", to: "Old.INBOX", prefix: "Old"),
        Case(from: "Work", to: "INBOX.Old.2026.Work", prefix: "Old/2026", server: ("INBOX.", ".")),
        Case(from: "INBOX", account: "home", to: "home.INBOX"),
        Case(from: "Gesendet", role: .sent, to: "Sent Items"),
        Case(from: "Gesendet/2020", to: "Gesendet.2020"),
        Case(from: "Alles", role: .all, to: "Alles"),
        Case(from: "Gesendet", role: .sent, to: "P.Gesendet", prefix: "P"),
        Case(from: "Gesendet", role: .sent, to: "Out", rules: [("Gesendet", "Out")]),
        Case(from: "Work/2020/May", to: "Old.W.2020.May", rules: [("Work", "Old.W")]),
        Case(from: "Work/2020/May", to: "X.May", rules: [("Work", "Old"), ("Work/2020", "X"), ("Wor", "no")]),
        Case(from: "INBOX", to: "Old inbox", rules: [("inbox", "Old inbox")]),
        Case(from: "Work", to: "INBOX.W", rules: [("Work", "INBOX.W")], server: ("INBOX.", ".")),
        Case(from: "Work", to: "INBOX.W", rules: [("Work", "W")], server: ("INBOX.", ".")),
    ]

    @Test("a mailbox goes where it should", arguments: cases)
    func mapping(_ row: Case) {
        let delimiter = row.server.delimiter.asciiValue
        let sent = MailboxListing(name: MailboxName("Sent Items", delimiter: delimiter), role: .sent)
        let mapping = MailboxMapping(
            hierarchy: StoreHierarchy(prefix: Array(row.server.prefix.utf8), delimiter: delimiter), listings: [sent],
            prefix: row.prefix, rules: row.rules.map { .init(from: $0.0, to: $0.1) }, usesRoles: true)
        let target = mapping.target(
            of: MailboxName(row.from, delimiter: row.delimiter.asciiValue), role: row.role,
            isBelowInbox: row.isBelowInbox, account: row.account)
        #expect(target.text == row.to)
    }
}
