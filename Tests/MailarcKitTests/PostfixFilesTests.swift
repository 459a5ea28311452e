import MailarcKit
import Testing

@Suite("files of a Postfix")
struct PostfixFilesTests {
    static let main = """
        # a comment
        myhostname = mail.lab.test
        relay_domains =
        \t# of ours
        \ta.test,

          b.test
        mynetworks=127.0.0.0/8
         =odd
        """

    @Test("a parameter is read as Postfix reads it, over lines, comments and empty lines")
    func reads() throws {
        let file = PostfixMain(parsing: Self.main)
        #expect(
            try file.value(of: "myhostname") == "mail.lab.test" && file.value(of: "relay_domains") == "a.test, b.test")
        #expect(try file.value(of: "mynetworks") == "127.0.0.0/8 =odd" && file.value(of: "relayhost") == nil)
        #expect(throws: KitError.self) {
            try PostfixMain(parsing: "a = 1\nb = 2\na = 3\n").value(of: "a")
        }
    }

    @Test("setting one leaves every other line as it stands")
    func sets() throws {
        var file = PostfixMain(parsing: Self.main)
        file.set("relay_domains", "c.test")
        file.set("relayhost", "[r.test]")
        #expect(
            file.text == """
                # a comment
                myhostname = mail.lab.test
                relay_domains = c.test
                \t# of ours

                mynetworks=127.0.0.0/8
                 =odd
                relayhost = [r.test]

                """)
        var empty = PostfixMain(parsing: "")
        empty.set("a", "b")
        #expect(empty.text == "a = b\n")
    }

    @Test("entries of a map, with continuations and comments; what is added is added at the end")
    func maps() {
        var map = PostfixMapText("# Anna@x y\nAnna@X  one\n   two\nb@x\tthree\n\n  # odd\nb@x four")
        #expect(map.values(of: "anna@x") == ["one two"] && map.values(of: "b@x") == ["three", "four"])
        #expect(map.values(of: "c@x").isEmpty)
        map.add("c@x", "five")
        #expect(map.text.hasSuffix("\nb@x four\nc@x five\n") && map.values(of: "c@x") == ["five"])
    }

    @Test("what is no relay, sender or login is refused, without a password in the words")
    func relays() throws {
        let relay = try PostfixRelay(
            host: "[mail.test]:587", senders: ["Anna@X.test": "[other.test]:465"],
            credentials: "[mail.test]:587 firm:a b:c\nanna@x.test\tanna:d\n")
        #expect(relay.credentials.map(\.value) == ["firm:a b:c", "anna:d"])
        #expect(relay.credentials.map(\.key) == relay.keys)
        for host in ["", "a b.test", "local", "a.test\nx = y", "[a.test]:587 x"] {
            #expect(throws: KitError.self) { try PostfixRelay(host: host) }
        }
        for line in ["[mail.test]:587", "[mail.test]:587 secret", "[other.test]:1 a:secret"] {
            let error = #expect(throws: KitError.self) { try PostfixRelay(host: "[mail.test]:587", credentials: line) }
            #expect(error?.message.contains("secret") == false)
        }
    }
}
