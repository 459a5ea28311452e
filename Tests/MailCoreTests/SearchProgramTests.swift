import MailCore
import Testing

@Suite("SEARCH programs") struct SearchProgramTests {
    @Test(
        "a program is sent as it was meant, spelt anew",
        arguments: [
            ("all", "ALL"), ("unseen   NOT deleted", "UNSEEN NOT DELETED"), ("(seen)", "(SEEN)"),
            ("OR from anna (to bert larger 5)", "OR FROM \"anna\" (TO \"bert\" LARGER 5)"),
            ("not (or seen flagged) all", "NOT (OR SEEN FLAGGED) ALL"),
            ("not not seen", "NOT NOT SEEN"), ("or not seen or seen all", "OR NOT SEEN OR SEEN ALL"),
            ("subject \"a \\\"b\\\" \\\\c\"", "SUBJECT \"a \\\"b\\\" \\\\c\""),
            ("SINCE 1-Feb-2024 sentbefore \"28-feb-2024\"", "SINCE 1-Feb-2024 SENTBEFORE 28-feb-2024"),
            ("uid 5:7,9:* keyword $Forwarded", "UID 5:7,9:* KEYWORD $Forwarded"),
            ("header X-Spam \"\" X-GM-RAW \"has:attachment\"", "HEADER \"X-Spam\" \"\" X-GM-RAW \"has:attachment\""),
            ("((seen) (unseen all))", "((SEEN) (UNSEEN ALL))"), ("subject ü", "SUBJECT \"ü\""),
            ("(or subject ü seen) all", "(OR SUBJECT \"ü\" SEEN) ALL"),
        ])
    func spelling(_ text: String, _ wire: String) throws {
        let program = try SearchProgram(parsing: text)
        #expect(program.description == wire)
        // What is sent is read as the same.
        #expect(try SearchProgram(parsing: wire) == program)
    }

    @Test("a string beyond ASCII goes as a literal, and the charset is said")
    func literals() throws {
        let program = try SearchProgram(parsing: "(OR SUBJECT \"grüß\" SEEN) ALL")
        #expect(program.needsUTF8)
        #expect(program.pieces == [.text("(OR SUBJECT "), .literal(Array("grüß".utf8)), .text(" SEEN) ALL")])
        #expect(try SearchProgram(parsing: "NOT (TO ü)").pieces.last == .text(")"))
    }

    @Test(
        "what cannot be read is refused before anything is sent",
        arguments: [
            "", "   ", "(", ")", "()", "seen)", "(seen", "not", "or seen", "from", "larger", "larger x", "larger -1",
            "since yesterday", "since 31-Feb-2024", "uid 0", "uid 5:", "uid +5", "1:5", "7", "bogus", "\"seen\"",
            "from \"open", "from a\"b", "from \"a\"b", "from {3}", "from \"a\\n\"", "seen\r\nA1 LOGOUT",
            "from \"a\r\nA1 DELETE INBOX\"", "from \"\u{0}\"", "keyword \\Seen", "keyword (", "from \u{85}x",
            String(repeating: "(", count: 51) + "seen" + String(repeating: ")", count: 51),
            String(repeating: "not ", count: 60) + "seen", "from " + String(repeating: "x", count: 4_000),
        ])
    func refusals(_ text: String) {
        #expect(throws: SearchProgramError.self) { try SearchProgram(parsing: text) }
    }

    private static let message = MessageSummary(
        uid: UID(7) ?? .min, flags: [.seen, Flag("$Forwarded")],
        // 1 February 2024, 00:30 in its own zone; the day before in UTC.
        internalDate: InternalDate(secondsSinceEpoch: 1_706_743_800, zoneOffset: 60), octetCount: 100)

    @Test(
        "what needs no octets is answered here",
        arguments: [
            ("ALL", true), ("SEEN", true), ("UNSEEN", false), ("NOT SEEN", false), ("KEYWORD $forwarded", true),
            ("UNKEYWORD $Forwarded", false), ("LARGER 99 SMALLER 101", true), ("LARGER 100", false), ("UID 1:7", true),
            ("UID 8:*", false), ("ON 1-Feb-2024", true), ("BEFORE 1-Feb-2024", false), ("SINCE 2-Feb-2024", false),
            ("OR UNSEEN (SEEN LARGER 5)", true), ("OR UNSEEN NOT LARGER 5", false), ("(SEEN) NOT (SEEN UNSEEN)", true),
        ])
    func local(_ text: String, _ expected: Bool) throws {
        let program = try SearchProgram(parsing: text)
        #expect(program.firstKeyForServer == nil)
        #expect(program.matches(Self.message) == expected)
        #expect(try program.and(SearchProgram(parsing: "NOT ALL")).matches(Self.message) == false)
    }

    @Test("a key that needs a server is named", arguments: ["FROM a", "OLDER 5", "SEEN NOT (OR SEEN BODY x)", "NEW"])
    func server(_ text: String) throws {
        #expect(try SearchProgram(parsing: text).firstKeyForServer != nil)
    }
}
