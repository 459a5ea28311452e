import ArchiveCatalog
import Foundation
import MailCore
import Testing

/// SplitMix64: the same numbers for the same seed.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct SearchTests {
    private static func filled() throws -> (CatalogFixture, Catalog) {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let messages = try [
            entry(
                1, date: seconds(2024, 1, 15),
                IndexedText(
                    subject: "Annual report", from: "Anna Müller <anna@example.org>", to: "Bob <bob@example.com>",
                    body: "The annual report is attached. Café Zürich")),
            entry(
                2, date: seconds(2024, 2, 1), size: 3 << 20, attachments: 1,
                IndexedText(
                    subject: "Offer", from: "Bob <bob@example.com>", to: "anna@example.org", cc: "carl@example.net",
                    body: "report annual numbers see https://example.org/x", attachment: "Bilanz der Firma",
                    fileNames: "bilanz-2023.pdf")),
            entry(
                3, date: seconds(2023, 12, 31),
                IndexedText(
                    subject: "Отчёт за год", from: "Иван <ivan@example.ru>", body: "Привет, мир. Ёлка")),
            entry(
                4, date: seconds(2024, 3, 1),
                IndexedText(
                    subject: "会議のお知らせ", from: "田中 <tanaka@example.jp>", body: "東京都で会議を開きます。")),
            entry(
                5, date: seconds(2024, 3, 2), IndexedText(subject: "OR NOT AND", body: "c++ \"quoted\" it's 100% 개인정보")),
        ]
        try catalog.apply(
            CatalogGroup(
                messages: messages,
                events: [
                    EventRecord(
                        sequence: 1, time: 1,
                        events: [
                            placed(1, address("INBOX", 1), [.seen, Flag("$Forwarded")]),
                            placed(2, address("Archiv/2024", 1)),
                            placed(3, address("INBOX", 1, account: "Home")),
                        ])
                ]))
        return (fixture, catalog)
    }

    @Test(
        "a query finds what it says",
        arguments: [
            ("", "54321"), ("report", "21"), ("REPORT", "21"), ("\"annual report\"", "1"), ("\"report annual\"", "2"),
            ("rep*", "21"), ("muller", "1"), ("Müller", "1"), ("cafe zurich", "1"), ("from:anna", "1"),
            ("to:anna", "2"), ("cc:carl", "2"), ("from:anna@example.org", "1"), ("subject:report", "1"),
            ("subject:(offer OR annual)", "21"), ("body:annual -subject:annual", "2"), ("report NOT offer", "1"),
            ("-report", "543"), ("-(report OR привет)", "54"), ("отчет", "3"), ("ОТЧЁТ", "3"), ("елка", "3"),
            ("会議", "4"), ("東京", "4"), ("京都", "4"), ("東京都", "4"), ("都", "4"), ("東京都で会議", "4"), ("大阪", ""),
            ("\"開きます\"", "4"), ("田中", "4"), ("개인", "5"), ("정보", "5"), ("attachment:bilanz", "2"),
            ("filename:pdf", "2"), ("filename:firma", ""), ("attachment:firma", "2"), ("has:attachment", "2"),
            ("mailbox:inbox", "31"), ("mailbox:archiv/*", "2"), ("account:home", "3"), ("account:work report", "21"),
            ("flag:seen", "1"), ("-flag:seen report", "2"), ("keyword:$forwarded", "1"), ("before:2024", "3"),
            ("after:2024-02", "542"), ("on:2024-01", "1"), ("on:2024-01-15", "1"),
            ("after:2024-02-01 before:2024-03-01", "2"),
            ("larger:1M", "2"), ("smaller:10k", "5431"), ("message-id:<m3@x>", "3"), ("message-id:m3@x OR c++", "53"),
            ("id:a0a0a0a0a0a0a0a00000000000000004", "4"), ("id:a0a0", "54321"), ("id:ff", ""), ("\"OR\"", "5"),
            ("report AND offer", "2"), ("https://example.org/x", "2"), ("it's", "5"), ("subject:\"or not\"", "5"),
            ("body:annual:report", "1"),
            ("has:attachment OR from:иван", "32"), ("report -has:attachment", "1"), ("-larger:1M -report", "543"),
        ])
    func finds(query: String, expected: String) throws {
        let (_, catalog) = try Self.filled()
        let found = try catalog.search(Query(parsing: query))
        #expect(found.hits.map { String($0.entry.leafIndex) }.sorted(by: >).joined() == expected)
        #expect(found.total == expected.count)
        let ranked = try catalog.search(Query(parsing: query), order: .relevance)
        #expect(ranked.hits.map { String($0.entry.leafIndex) }.sorted(by: >).joined() == expected)
    }

    @Test(
        "a query that cannot be read says where",
        arguments: [
            ("(report", 0), ("report)", 6), ("\"report", 0), ("form:anna", 0), ("on:2024-13", 3), ("on:2024-02-30", 3),
            ("larger:big", 7), ("has:wings", 4), ("OR", 0), ("a OR", 3), ("a AND", 2), ("from:", 0), ("id:xyz", 3),
            ("a +++", 2), ("-", 0), ("()", 1), ("NOT", 1), ("larger:99999999999999999999k", 7), ("has:from:x", 4),
        ])
    func refuses(query: String, position: Int) throws {
        let error = #expect(throws: CatalogError.self) { try Query(parsing: query) }
        #expect(error?.kind == .badQuery)
        #expect(error?.position == position, "\(query): \(error?.description ?? "")")
    }

    @Test("no text reaches SQLite or the index as syntax, and none crashes", arguments: [UInt64(1), 2, 3])
    func hostile(seed: UInt64) throws {
        let (_, catalog) = try Self.filled()
        var generator = Generator(state: seed)
        let pieces = [
            "\"", "'", "(", ")", "*", "^", ":", "-", "+", "NEAR(", "NEAR", "AND", "OR", "NOT", "a", "{subject}", "fts",
            ";", "--", "%", "_", "\0", "\u{301}", "東", "x:", "subject:", "from:", "id:", "on:", " ", " ", "\\", "“",
            "🎉",
            "DROP TABLE message", "1", "rowid", "rank",
        ]
        for _ in 0..<2_000 {
            let count = Int.random(in: 1...12, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
            do throws(CatalogError) {
                let query = try Query(parsing: text)
                _ = try catalog.search(query)
                _ = try catalog.search(query, order: .relevance, limit: 1)
            } catch {
                #expect(error.kind == .badQuery, "\(text.debugDescription): \(error)")
            }
        }
        #expect(try catalog.statistics().messages == 5)
        #expect(throws: CatalogError.self) { try Query(parsing: String(repeating: "(", count: 200)) }
        #expect(throws: CatalogError.self) { try Query(parsing: String(repeating: "-", count: 200) + "a") }
        #expect(throws: CatalogError.self) { try Query(parsing: String(repeating: "a ", count: 300)) }
        #expect(throws: CatalogError.self) { try Query(parsing: String(repeating: "a", count: 5_000)) }
        let wide = (0..<120).map { "w\($0)" }
        _ = try catalog.search(Query(parsing: wide.joined(separator: " OR ")))
        _ = try catalog.search(Query(parsing: wide.joined(separator: " ")))
    }

    @Test("pages follow each other by offset and by cursor")
    func pages() throws {
        let (_, catalog) = try Self.filled()
        let first = try catalog.search(.all, limit: 2)
        #expect(first.hits.map(\.entry.leafIndex) == [5, 4])
        #expect(try catalog.search(.all, limit: 2, offset: 2).hits.map(\.entry.leafIndex) == [2, 1])
        #expect(
            try catalog.search(.all, limit: 2, after: first.hits.last?.cursor).hits.map(\.entry.leafIndex) == [2, 1])
        var seen: [UInt64] = []
        try catalog.forEach(.all) { entry in
            seen.append(entry.leafIndex)
            return seen.count < 3
        }
        #expect(seen == [5, 4, 2])
        #expect(try catalog.messages(idPrefix: "a0a0", limit: 3).count == 3)
        #expect(try catalog.explain(Query(parsing: "report")).count > 1)
    }
}
