import MailarcCommands
import MailarcKit
import Testing

@Suite("What people read")
struct FormatTests {
    @Test(
        "counts have thousands separators",
        arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
    func counts(value: Int, text: String) {
        #expect(Format.count(value) == text)
    }

    @Test(
        "sizes use binary units with one decimal",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (5_368_709_120, "5.0 GiB"),
        ])
    func sizes(value: Int, text: String) {
        #expect(Format.octets(value) == text)
    }

    @Test(
        "plurals",
        arguments: [
            (1, "message", "1 message"), (2, "message", "2 messages"), (0, "mailbox", "0 mailboxes"),
            (2, "leaf", "2 leaves"),
        ])
    func plurals(value: Int, noun: String, text: String) {
        #expect(Format.plural(value, noun) == text)
    }

    @Test(
        "a date covers its year, month, day or second",
        arguments: [
            ("1970", Int64(0), Int64(31_536_000)), ("2024-02", 1_706_745_600, 1_709_251_200),
            ("2024-12", 1_733_011_200, 1_735_689_600), ("2024-05-01", 1_714_521_600, 1_714_608_000),
            ("2024-05-01T12:00:00Z", 1_714_564_800, 1_714_564_801),
        ])
    func dates(text: String, start: Int64, end: Int64) {
        #expect(Format.seconds(text) == start..<end)
    }

    @Test("what is no date is nil", arguments: ["", "x", "2024-13", "2024-01-40", "2024-1-1-1", "2024-01T10:00", "0"])
    func badDates(text: String) {
        #expect(Format.seconds(text) == nil)
    }

    @Test("a table aligns its columns and leaves no trailing fill")
    func table() {
        #expect(Format.table([["a", "10", "x"], ["bbb", "2", ""]], right: [1]) == ["a    10  x", "bbb   2  "])
    }

    @Test("text is clipped to one line")
    func clips() {
        #expect(Format.clipped("abc\ndef", to: 20) == "abc def")
        #expect(Format.clipped("abcdef", to: 4) == "abc…")
    }

    @Test("every kind of error has an exit code, and every code is in the table")
    func exitCodes() {
        for kind in KitError.Kind.allCases { #expect(ExitStatus(kind) != .success) }
        for status in ExitStatus.allCases { #expect(ExitStatus.table.contains("  \(status.meaning)")) }
    }
}
