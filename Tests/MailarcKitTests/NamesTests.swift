import MailCore
import MailarcKit
import Testing

@Suite("Names that come from servers and people")
struct NamesTests {
    @Test(
        "a component of a path cannot leave its folder",
        arguments: [
            ("INBOX", "INBOX"), ("..", "%2E."), (".hidden", "%2Ehidden"), ("a/b", "a%2Fb"), ("a\0b", "a%00b"),
            ("100%", "100%25"), ("", "%25"), ("Über uns", "Über uns"), ("c:\\x", "c%3A%5Cx"), ("a\nb", "a%0Ab"),
        ])
    func safeNames(name: String, file: String) {
        #expect(ExportName.safe(name) == file)
    }

    @Test("a component that is too long is cut, and two of them stay apart")
    func longNames() {
        let (one, two) = (String(repeating: "é", count: 300), String(repeating: "é", count: 301))
        #expect(ExportName.safe(one).utf8.count <= 200)
        #expect(ExportName.safe(one) != ExportName.safe(two))
    }

    @Test("components follow the delimiter, below the account where there are several")
    func components() {
        let name = MailboxName("Archív/../x")
        #expect(ExportName(account: nil, mailbox: name).components == ["Archív", "%2E.", "x"])
        #expect(ExportName(account: "work", mailbox: MailboxName("INBOX")).components == ["work", "INBOX"])
    }

    @Test(
        "a pattern matches whole names, * any characters",
        arguments: [
            ("INBOX", "INBOX", true), ("INBOX", "INBO", false), ("Lists/swift", "Lists/*", true),
            ("Lists", "Lists/*", false),
            ("abc", "*", true), ("", "*", true), ("abcabc", "*abc", true), ("ab", "a*b*", true), ("xay", "*b*", false),
        ])
    func patterns(name: String, pattern: String, isMatch: Bool) {
        #expect(MailboxGlob.matches(name, pattern) == isMatch)
    }

    @Test("matching is linear, not exponential")
    func linearPattern() {
        let name = String(repeating: "a", count: 2_000)
        #expect(!MailboxGlob.matches(name, String(repeating: "a*", count: 200) + "b"))
    }
}
