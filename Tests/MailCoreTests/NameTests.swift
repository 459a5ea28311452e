import MailCore
import Testing

@Suite("Mailbox names and modified UTF-7")
struct NameTests {
    @Test(
        "modified UTF-7 encodes and decodes",
        arguments: [
            ("INBOX", "INBOX"), ("R&D", "R&-D"), ("Archív", "Arch&AO0-v"), ("日本", "&ZeVnLA-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"), ("", ""), ("a😀b", "a&2D3eAA-b"),
            ("Müller & Co", "M&APw-ller &- Co"),
        ])
    func codes(text: String, wire: String) {
        #expect(String(decoding: ModifiedUTF7.encode(text), as: UTF8.self) == wire)
        #expect(ModifiedUTF7.decode(wire.utf8) == text)
    }

    @Test(
        "what is not modified UTF-7 decodes to nil",
        arguments: ["&", "&AO0", "&AO0v", "a\u{7F}", "&2D0-", "&AA-", "&AO1-", "caf\u{E9}", "&AO0!-"])
    func refuses(wire: String) {
        #expect(ModifiedUTF7.decode(wire.utf8) == nil)
    }

    @Test("INBOX is one name in any case; other names are their octets")
    func inboxFolds() {
        #expect(MailboxName(octets: Array("InBoX".utf8), delimiter: nil) == MailboxName("INBOX"))
        #expect(MailboxName("inbox").isInbox)
        #expect(MailboxName("Work") != MailboxName("work"))
        #expect(!MailboxName("INBOX/x").isInbox)
    }

    @Test("an undecodable name keeps its octets and is shown with a replacement")
    func keepsRawOctets() {
        let name = MailboxName(octets: [0x46, 0xE9, 0x26], delimiter: 0x2E)
        #expect(name.octets == [0x46, 0xE9, 0x26])
        #expect(name.text == "F\u{FFFD}&")
    }

    @Test("components are split at the delimiter; a flat name is one")
    func splits() {
        #expect(MailboxName("a/ü/c").components == ["a", "ü", "c"])
        #expect(MailboxName("a/b", delimiter: nil).components == ["a/b"])
    }

    @Test("flags compare without case, print sorted, and drop Recent")
    func flags() {
        let set = FlagSet([Flag("\\SEEN"), Flag("$Forwarded"), .recent, .seen, .answered])
        #expect(set.description == "$Forwarded \\Answered \\SEEN")
        #expect(set.contains(.seen))
        #expect(set == [.answered, Flag("$forwarded"), .seen])
        #expect(!set.removing(.seen).contains(.seen))
    }
}

@Suite("Dates")
struct DateTests {
    @Test(
        "an internal date parses to its instant and prints as it came",
        arguments: [
            (" 7-Feb-2024 14:03:09 +0100", Int64(1_707_310_989)), ("01-Jan-1970 00:00:00 +0000", 0),
            ("31-Dec-1969 23:59:59 +0000", -1), ("29-Feb-2000 12:00:00 -0500", 951_843_600),
        ])
    func parses(text: String, seconds: Int64) {
        let date = InternalDate(parsing: text)
        #expect(date?.secondsSinceEpoch == seconds)
        #expect(date?.raw ?? date?.description == text)
    }

    @Test("an odd spelling keeps its raw form", arguments: ["7-feb-2024 14:03:09 +0100", "07-Feb-2024 14:03:60 +0100"])
    func keepsRaw(text: String) {
        #expect(InternalDate(parsing: text)?.raw == text)
    }

    @Test(
        "what is no date is nil",
        arguments: [
            "", "7-Feb-24 14:03:09 +0100", "7-Foo-2024 14:03:09 +0100", "32-Jan-2024 00:00:00 +0000",
            "7-Feb-2024 14:03 +0100", "7-Feb-2024 14:03:09 --400", "7-Feb-2024 99:03:09 +0100",
        ])
    func refuses(text: String) {
        #expect(InternalDate(parsing: text) == nil)
    }

    @Test("civil time is the inverse of itself over 8,000 years")
    func civil() {
        for seconds in stride(from: Int64(-70_000_000_000), to: 200_000_000_000, by: 12_345_671) {
            #expect(CivilTime(secondsSinceEpoch: seconds).secondsSinceEpoch == seconds)
        }
    }

    @Test("hexadecimal goes both ways and refuses the rest")
    func hex() {
        #expect([UInt8](hex: "00ff7A") == [0, 255, 122])
        #expect([UInt8]([0, 255, 122]).hex == "00ff7a")
        #expect([UInt8](hex: "0") == nil)
        #expect([UInt8](hex: "zz") == nil)
        #expect(RandomID(hex: String(repeating: "ab", count: 16))?.description == String(repeating: "ab", count: 16))
        #expect(RandomID(hex: "ab") == nil)
    }
}
