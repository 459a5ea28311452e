import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc receive` with clients that know the protocol, and such that do not.
    @Suite("receive", .timeLimit(.minutes(10)))
    struct ReceiveTests {
        static let everything = ["--lmtp", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--account", "all"]

        @Test("a message is archived as it came, with what was told around it")
        func facts() async throws {
            try await withArchive { program in
                try await receiving(program, Self.everything) { receiver in
                    let addresses = try receiver.addresses
                    try await Play.say(
                        addresses[0],
                        """
                        S: 220
                        C: LHLO there.test
                        R: 250
                        C: MAIL FROM:<anna@lab.test> SIZE=20 BODY=8BITMIME
                        S: 250 2.1.0
                        C: RCPT TO:<hidden@lab.test>
                        S: 250 2.1.5
                        C: RCPT TO:<other@lab.test>
                        S: 250 2.1.5
                        C: DATA
                        S: 354
                        X: Subject: a\\r\\n\\r\\n..dot \\xff\\r\\n.\\r\\n
                        S: 250 2.0.0
                        S: 250 2.0.0
                        C: MAIL FROM:<>
                        S: 250
                        C: RCPT TO:<x@y>
                        S: 250
                        C: BDAT 7
                        X: Subject
                        S: 250 2.0.0
                        C: BDAT 9 LAST
                        X: : b\\r\\n\\r\\n\\n\\r
                        S: 250 2.0.0
                        C: QUIT
                        S: 221
                        E:
                        """)
                }
                let messages = try await program.messages(account: "all", mailbox: "INBOX")
                #expect(
                    Set(messages) == [
                        Array("Subject: a\r\n\r\n.dot ".utf8) + [0xFF, 0x0D, 0x0A],
                        Array("Subject: b\r\n\r\n\n\r".utf8),
                    ])
                let hits = try await program.json(SearchDocument.self, ["search", "subject:a"]).messages
                let shown = try await program.json(DeliveryDocument.self, ["show", try #require(hits.first?.id)])
                let delivery = try #require(shown.occurrences.first?.delivery)
                #expect(delivery.sender == "anna@lab.test" && delivery.helloName == "there.test")
                #expect(delivery.recipients == ["hidden@lab.test", "other@lab.test"])
                #expect(delivery.transport == "LMTP" && delivery.tls.isEmpty && delivery.client.hasPrefix("127.0.0.1:"))
                #expect(shown.occurrences.first?.uid == 1)
                try await program.expectClean()
                if let python = ReaderTests.python {
                    let key = ["--key-file", program.folder.file("key")]
                    let told = try await ProcessCommand(
                        python, [ReaderTests.reader, program.archive] + key + ["events"]
                    )
                    .runSuccessfully().output
                    #expect(told.contains("sender 'anna@lab.test' recipients ['hidden@lab.test', 'other@lab.test']"))
                    #expect(told.contains("direction 0") && told.contains("transport 'LMTP'"))
                }
                // What is told comes back when the catalog is made anew.
                try await program.run(["rebuild-catalog"])
                let again = try await program.json(DeliveryDocument.self, ["show", try #require(hits.first?.id)])
                #expect(again.occurrences.first?.delivery?.recipients == ["hidden@lab.test", "other@lab.test"])
            }
        }

        /// What is said to a receiver, and what it must answer.
        static let corners: [(String, String)] = [
            ("a bare LF in content", "X: a\\n.\\nMAIL FROM:<evil@x>\\r\\n\nS: 550 5.5.2\nE:"),
            ("LF dot CRLF", "X: a\\n.\\r\\nMAIL FROM:<evil@x>\\r\\n\nS: 550 5.5.2\nE:"),
            ("CRLF dot LF", "X: a\\r\\n.\\nMAIL FROM:<evil@x>\\r\\n\nS: 550 5.5.2\nE:"),
            ("CR dot CR", "X: a\\r.\\rMAIL FROM:<evil@x>\\r\\n\nS: 550 5.5.2\nE:"),
            ("too large", "X: \(String(repeating: "x", count: 3_000))\\r\\n.\\r\\n\nS: 552 5.3.4\nC: NOOP\nS: 250"),
            ("aborted", ""),
        ]

        @Test("smuggling, oversized and broken messages are refused, and nothing of them is kept")
        func refuses() async throws {
            try await withArchive { program in
                try await receiving(program, Self.everything + ["--max-message-size", "2K"]) { receiver in
                    let address = try receiver.addresses[1]
                    for (label, end) in Self.corners {
                        print("receive: \(label)")
                        try await Play.say(
                            address,
                            "S: 220\nC: EHLO x\nR: 250\nC: MAIL FROM:<a@b>\nS: 250\nC: RCPT TO:<c@d>\nS: 250\nC: DATA\nS: 354\n"
                                + end)
                    }
                    try await Play.say(address, "S: 220\nX: NOOP\\n\nS: 550 5.5.2\nE:")
                    try await Play.say(
                        address, "S: 220\nC: EHLO x\nR: 250\nC: MAIL FROM:<a@b> SIZE=2049\nS: 552 5.3.4")
                    try await Play.say(
                        address,
                        "S: 220\nX: EHLO x\\r\\nMAIL FROM:<a@b>\\r\\nRCPT TO:<c@d>\\r\\nDATA\\r\\nx\\r\\n.\\r\\n\nR: 250\nS: 250\nS: 250\nS: 554 5.5.0\nE:"
                    )
                    try await Play.say(
                        address,
                        "S: 220\nX: \(String(repeating: "x", count: 3_000))\\r\\n\nS: 500 5.5.2\nC: NOOP\nS: 250")
                    let refused = try receiver.events.filter { $0.event == "refused" }
                    #expect(refused.contains { $0.status == "5.5.2" && $0.code == 550 })
                    #expect(try receiver.events.allSatisfy { $0.event != "archived" })
                }
                #expect(try await program.json(SearchDocument.self, ["search", ""]).total == 0)
            }
        }

        @Test("STARTTLS, required, from a certificate and key")
        func startTLS() async throws {
            try await withArchive { program in
                let certificates = try await TestCertificates.make(in: program.folder)
                let tls = [
                    "--tls-certificate", certificates.certificate, "--tls-key", certificates.key, "--require-tls",
                ]
                try await receiving(program, Self.everything + tls) { receiver in
                    try await Play.say(
                        try receiver.addresses[1],
                        """
                        S: 220
                        C: EHLO x
                        R: 250
                        C: MAIL FROM:<a@b>
                        S: 530 5.7.0
                        C: STARTTLS
                        S: 220
                        T:
                        C: MAIL FROM:<a@b>
                        S: 503
                        C: EHLO x
                        R: 250
                        X: MAIL FROM:<a@b>\\r\\nRCPT TO:<c@d>\\r\\nBDAT 5 LAST\\r\\na: b\\n
                        S: 250
                        S: 250
                        S: 250 2.0.0
                        C: QUIT
                        S: 221
                        """)
                    // Not TLS at all.
                    try await Play.say(
                        try receiver.addresses[1],
                        "S: 220\nC: EHLO x\nR: 250\nC: STARTTLS\nS: 220\nX: nonsense\\r\\n\\r\\n")
                    let stored = try receiver.events.filter { $0.event == "archived" }
                    #expect(stored.count == 1)
                    let shown = try await program.json(DeliveryDocument.self, ["show", try #require(stored.first?.id)])
                    #expect(shown.occurrences.first?.delivery?.tls == "TLSv1.3")
                    #expect(shown.occurrences.first?.delivery?.transport == "ESMTPS")
                }
            }
        }

        @Test("recipients go where the routes say; who is on no route, or no list, is refused")
        func routes() async throws {
            try await withArchive { program in
                try program.folder.write(
                    "config/mailarc/config.toml",
                    """
                    [receive]
                    recipients = ["*@archive.test"]
                    max-message-size = "1M"
                    [[receive.route]]
                    recipient = "*_rcv@archive.test"
                    account = "{1}"
                    direction = "received"
                    [[receive.route]]
                    recipient = "*_snd@archive.test"
                    account = "{1}"
                    direction = "sent"
                    [[receive.route]]
                    recipient = "lists@*"
                    account = "shared"
                    mailbox = "Lists/{1}"
                    """)
                try await receiving(program, ["--lmtp", "unix:" + program.folder.file("lmtp")]) { receiver in
                    try await Play.say(
                        try receiver.addresses[0],
                        """
                        S: 220
                        C: LHLO x
                        R: 250
                        C: MAIL FROM:<a@b>
                        S: 250
                        C: RCPT TO:<Anna_RCV@Archive.Test>
                        S: 250 2.1.5
                        C: RCPT TO:<anna_snd@archive.test>
                        S: 250 2.1.5
                        C: RCPT TO:<nobody@archive.test>
                        S: 550 5.1.1
                        C: RCPT TO:<bad/name_rcv@archive.test>
                        S: 550 5.1.1
                        C: RCPT TO:<anna_rcv@else.test>
                        S: 550 5.7.1
                        C: RCPT TO:<lists@archive.test>
                        S: 250 2.1.5
                        C: DATA
                        S: 354
                        X: Subject: routed\\r\\n\\r\\n.\\r\\n
                        S: 250 2.0.0
                        S: 250 2.0.0
                        S: 250 2.0.0
                        """)
                    let places = try receiver.events.first { $0.event == "archived" }?.places ?? []
                    #expect(
                        places.map { "\($0.account) \($0.mailbox) \($0.uid)" } == [
                            "anna INBOX 1", "anna Sent 1", "shared Lists/archive.test 1",
                        ])
                }
                let rows = try await program.json([MailboxRowDocument].self, ["list", "mailboxes"])
                #expect(
                    rows.map { "\($0.account):\($0.mailbox) \($0.role ?? "")" }.sorted() == [
                        "anna:INBOX ", "anna:Sent sent", "shared:Lists/archive.test ",
                    ])
            }
        }

        @Test("a message that is sent again is archived once; the same octets for somebody else are another place")
        func repeats() async throws {
            try await withArchive { program in
                try await receiving(program, Self.everything) { receiver in
                    let address = try receiver.addresses[0]
                    let options = ["--lmtp", "--count", "20", "--threads", "4", "--sender", "a@b"]
                    for recipient in ["c@d", "c@d", "e@f"] {
                        #expect(try await Play.send(address, options + ["--recipient", recipient]).count == 20)
                    }
                    let events = try receiver.events
                    #expect(
                        events.count { $0.event == "archived" } == 40 && events.count { $0.event == "repeated" } == 20)
                }
                let statistics = try await program.json(StatisticsDocument.self, ["stats"])
                #expect(statistics.messages == 20 && statistics.occurrences == 40)
                try await program.expectClean()
            }
        }

        @Test("wrong options are said to be wrong")
        func badInput() async throws {
            try await withArchive { program in
                let listen = ["--lmtp", "127.0.0.1:0"]
                for (options, code, words) in [
                    (["--account", "x"], Int32(64), "where to listen"), (listen, 64, "which account"),
                    (listen + ["--account", "x", "--tls-key", "/k"], 64, "go together"),
                    (listen + ["--account", "x", "--require-tls"], 64, "needs --tls-certificate"),
                    (listen + ["--account", "x", "--tls-key", "/k", "--tls-certificate", "/c"], 10, "cannot be used"),
                    (listen + ["--account", "x", "--allow-network", "1.2.3.4/8"], 64, "behind the prefix"),
                    (["--lmtp", "localhost:24", "--account", "x"], 64, "in numbers"),
                    (["--lmtp", "unix:relative", "--account", "x"], 64, "begins with /"),
                    (["--smtp", "192.0.2.1:2525", "--account", "x"], 11, "cannot listen"),
                    (["--lmtp", "unix:\(program.folder.file("key"))", "--account", "x"], 11, "no socket"),
                    (listen + ["--account", "x", "--max-message-size", "lots"], 64, "octets"),
                    (listen + ["--account", "x", "--socket-mode", "9"], 64, "octal"),
                ] {
                    let result = try await program.run(["receive"] + options, codes: [code])
                    #expect(result.errors.contains(words), "\(options): \(result.errors)")
                }
                try program.folder.write("config/mailarc/config.toml", "[receive]\nrecipents = []\n")
                let typo = try await program.run(["receive"] + listen + ["--account", "x"], codes: [64])
                #expect(typo.errors.contains("has no recipents"))
                try program.folder.write(
                    "config/mailarc/config.toml", "[[receive.route]]\nrecipient = '*'\naccount = '{2}'\n")
                #expect(try await program.run(["receive"] + listen, codes: [64]).errors.contains("'*' number 2"))
                try program.folder.write("config/mailarc/config.toml", "")
                let socket = "unix:" + program.folder.file("lmtp")
                try await receiving(program, ["--lmtp", socket, "--account", "x"]) { _ in
                    let second = try await program.run(["receive", "--lmtp", socket, "--account", "x"], codes: [11])
                    #expect(second.errors.contains("listens"))
                }
                #expect(!FileManager.default.fileExists(atPath: program.folder.file("lmtp")))
            }
        }
    }
}
