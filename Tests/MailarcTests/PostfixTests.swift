import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// A real Postfix with both BCC maps, as in the case study, in front of `mailarc receive`.
    @Suite("postfix", .timeLimit(.minutes(15)), .enabled(if: PostfixServer.reasonNotRunnable == nil, "no postfix"))
    struct PostfixTests {
        static let count = 2_000

        private static func options(_ transport: String) -> PostfixServer.Options {
            var options = PostfixServer.Options(archiveTransport: transport)
            options.recipientBCC = ["anna@lab.test anna_rcv@archive.test", "bert@lab.test bert_rcv@archive.test"]
            options.senderBCC = ["anna@lab.test anna_snd@archive.test", "bert@lab.test bert_snd@archive.test"]
            return options
        }

        private static func configure(_ program: MailarcProgram) throws {
            try program.folder.write(
                "config/mailarc/config.toml",
                """
                [[receive.route]]
                recipient = "*_rcv@archive.test"
                account = "{1}"
                direction = "received"
                [[receive.route]]
                recipient = "*_snd@archive.test"
                account = "{1}"
                direction = "sent"
                """)
        }

        /// Half comes from outside, a quarter goes outside, a quarter goes from anna to bert: both sides of both.
        private static func send(_ server: PostfixServer, threads: Int = 4) async throws {
            let half = count / 2
            let quarter = count / 4
            let address = "127.0.0.1:\(server.port)"
            let common = ["--threads", String(threads)]
            async let incoming = Play.send(
                address,
                common + [
                    "--sender", "x@else.test", "--recipient", "anna@lab.test", "--count", String(half), "--first", "1",
                ])
            async let outgoing = Play.send(
                address,
                common + [
                    "--sender", "anna@lab.test", "--recipient", "x@else.test", "--count", String(quarter), "--first",
                    "10001",
                ])
            async let inside = Play.send(
                address,
                common + [
                    "--sender", "anna@lab.test", "--recipient", "bert@lab.test", "--count", String(quarter), "--first",
                    "20001",
                ])
            let sent = try await (incoming.count, outgoing.count, inside.count)
            #expect(sent == (half, quarter, quarter))
        }

        private static func expectAll(_ program: MailarcProgram) async throws {
            let half = count / 2
            let quarter = count / 4
            #expect(try await program.numbers(account: "anna", mailbox: "INBOX") == Array(1...half))
            #expect(
                try await program.numbers(account: "anna", mailbox: "Sent")
                    == Array(10_001...10_000 + quarter) + Array(20_001...20_000 + quarter))
            #expect(try await program.numbers(account: "bert", mailbox: "INBOX") == Array(20_001...20_000 + quarter))
            let statistics = try await program.json(StatisticsDocument.self, ["stats"])
            #expect(statistics.occurrences == half + 3 * quarter)
            try await program.expectClean()
        }

        private static func drain(_ server: PostfixServer) async throws {
            try await wait("an empty queue") {
                try await server.flush()
                return try await server.queued() == 0
            }
            let log = server.log
            #expect(!log.contains("status=bounced"), "\(log.suffix(2_000))")
        }

        @Test("BCC maps by LMTP: every message, each once, each in its direction")
        func archives() async throws {
            try await withArchive { program in
                try Self.configure(program)
                let socket = "/tmp/mailarc-lmtp-\(UInt32.random(in: 0...UInt32.max))"
                try await receiving(program, ["--lmtp", "unix:\(socket)", "--socket-mode", "666"]) { receiver in
                    try await PostfixServer.with(Self.options("lmtp:unix:\(socket)")) { server in
                        try await Self.send(server)
                        try await Self.drain(server)
                    }
                    #expect(try receiver.events.allSatisfy { $0.event == "archived" || $0.event == "listening" })
                }
                try await Self.expectAll(program)
            }
        }

        @Test("killed again and again in mid-stream: what Postfix heard 250 for is there, and nothing twice")
        func kills() async throws {
            try await withArchive { program in
                try Self.configure(program)
                let port = try Loopback.freePorts(1)[0]
                try await receiving(program, ["--lmtp", "127.0.0.1:\(port)"]) { receiver in
                    try await PostfixServer.with(Self.options("lmtp:inet:127.0.0.1:\(port)")) { server in
                        async let sent: Void = Self.send(server)
                        var generator = SystemRandomNumberGenerator()
                        for _ in 0..<20 {
                            let wanted = Int.random(in: 5...25, using: &generator)
                            try await wait("some mail") {
                                try receiver.events.count { $0.event == "archived" || $0.event == "repeated" } >= wanted
                            }
                            try await receiver.killAndRestart()
                            try await server.flush()
                        }
                        try await sent
                        try await Self.drain(server)
                    }
                }
                try await Self.expectAll(program)
            }
        }

        @Test("a full disk: 452, the queue is kept, and delivery goes on when there is room")
        func fullDisk() async throws {
            try await SmallDisk.with("6m") { disk in
                let program = try MailarcProgram(archive: disk.folder.file("mail.archive"))
                defer { program.remove() }
                try await program.create()
                try Self.configure(program)
                let port = try Loopback.freePorts(1)[0]
                try await receiving(program, ["--lmtp", "127.0.0.1:\(port)"]) { receiver in
                    try await PostfixServer.with(Self.options("lmtp:inet:127.0.0.1:\(port)")) { server in
                        let facts = try FileManager.default.attributesOfFileSystem(forPath: disk.folder.path)
                        let free = (facts[.systemFreeSize] as? NSNumber)?.intValue ?? 0
                        // Room for the first groups alone.
                        let filler = try disk.folder.write("filler", [UInt8](repeating: 1, count: free - (600 << 10)))
                        try await Self.send(server)
                        try await wait("452") {
                            try await server.flush()
                            return try receiver.events.contains { $0.code == 452 && $0.status == "4.3.1" }
                        }
                        #expect(try await server.queued() > 0)
                        try await disk.remount("size=200m")
                        try FileManager.default.removeItem(atPath: filler)
                        try await Self.drain(server)
                    }
                }
                try await Self.expectAll(program)
            }
        }

        @Test("mailarc deliver by pipe(8)")
        func pipe() async throws {
            try await withArchive { program in
                try Self.configure(program)
                let binary = try #require(MailarcProgram.path)
                var options = Self.options("mailarc:")
                // pipe(8) runs nothing as root: the archive belongs to whoever it runs as.
                options.masterLines =
                    "mailarc unix - n n - 4 pipe flags=q user=mail argv=\(binary) deliver -a \(program.archive)"
                    + " --key-file \(program.folder.file("key")) --config \(program.folder.file("config/mailarc/config.toml"))"
                    + " --from ${sender} --to ${recipient}"
                try await ProcessCommand("chown", ["-R", "mail:", program.folder.path]).runSuccessfully()
                try await PostfixServer.with(options) { server in
                    let numbers = try await Play.send(
                        "127.0.0.1:\(server.port)",
                        [
                            "--sender", "anna@lab.test", "--recipient", "bert@lab.test", "--count", "12", "--threads",
                            "3",
                        ])
                    #expect(numbers.count == 12)
                    try await Self.drain(server)
                }
                for (account, mailbox) in [("anna", "Sent"), ("bert", "INBOX")] {
                    let messages = try await program.messages(account: account, mailbox: mailbox)
                    #expect(messages.count == 12)
                    #expect(messages.allSatisfy { String(decoding: $0, as: UTF8.self).contains("\n.dots\n..\n.\n") })
                }
                try await program.expectClean()
            }
        }

        @Test("mailarc postfix prints what a Postfix needs, and says what another lacks")
        func setup() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let words = [
                "postfix", "anna@lab.test", "bert@lab.test", "--domain", "archive.test", "--socket", "unix:/x/lmtp",
            ]
            let printed = try await program.run(words, opens: false).output
            for line in Self.options("").recipientBCC + Self.options("").senderBCC + ["archive.test lmtp:unix:/x/lmtp"]
            {
                #expect(printed.contains("\n\(line)\n"), "\(line)")
            }
            #expect(printed.contains("recipient = \"*_snd@archive.test\""))
            try await PostfixServer.with(Self.options("lmtp:unix:/x/lmtp")) { server in
                let check = words + ["--check", "--folder", server.folder.file("etc")]
                try await program.run(check, opens: false)
                try server.folder.write("etc/sender_bcc", "anna@lab.test anna_rcv@archive.test\n")
                try server.folder.write("etc/transport", "* discard:\n")
                let main = try String(contentsOfFile: server.folder.file("etc/main.cf"), encoding: .utf8)
                try server.folder.write(
                    "etc/main.cf",
                    main.replacing("lab.test archive.test", with: "lab.test")
                        + "always_bcc = all@archive.test\ncontent_filter = smtp:127.0.0.1:9\n")
                let found = try await program.run(check + ["--json"], opens: false, codes: [3]).output
                for text in [
                    "anna@lab.test has anna_rcv@archive.test, not anna_snd@archive.test", "bert@lab.test has nothing",
                    "archive.test goes to nowhere special", "relay_domains", "always_bcc", "no_address_mappings",
                ] {
                    #expect(found.contains(text), "\(text) in \(found)")
                }
            }
            for words in [["x"], ["a@b", "--domain", "a b"], ["a@b", "--domain", "c", "--socket", "/x"]] {
                let options = words.contains("--domain") ? words : words + ["--domain", "c"]
                try await program.run(["postfix"] + options, opens: false, codes: [64])
            }
            try await program.run(
                ["postfix", "a@b", "--domain", "c", "--check", "--folder", "/nonexistent"], opens: false, codes: [11])
        }
    }
}
