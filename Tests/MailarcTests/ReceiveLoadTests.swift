import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc receive` beside other commands, with many clients and slow ones.
    @Suite("receive under load", .timeLimit(.minutes(10)))
    struct ReceiveLoadTests {
        static let everything = ReceiveTests.everything

        @Test("messages of many connections become durable together, while pull, check and search go on", .tags(.heavy))
        func beside() async throws {
            try await withArchive { program in
                let maildir = try await makeSampleMaildir(at: program.folder.file("Maildir"), messages: 60)
                try await receiving(program, Self.everything) { receiver in
                    let address = try receiver.addresses[0]
                    async let sent = Play.send(
                        address,
                        ["--lmtp", "--count", "600", "--threads", "20", "--sender", "a@b", "--recipient", "c@d"])
                    try await program.run(["import", "maildir:\(maildir)", "--account", "old"])
                    try await program.run(["search", "number"])
                    try await program.run(["check", "--level", "2"])
                    #expect(try await sent.count == 600)
                    let groups = try receiver.events.filter { $0.event == "archived" }.compactMap(\.group)
                    #expect(groups.count == 600 && (groups.max() ?? 0) > 4, "\(groups.max() ?? 0)")
                }
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == Array(1...600))
                // An account has one who gives its UIDs.
                try await program.run(
                    ["import", "maildir:\(maildir)", "--account", "all"], codes: [64])
                try await receiving(program, ["--lmtp", "127.0.0.1:0", "--account", "old"]) { receiver in
                    let numbers = try await Play.send(
                        try receiver.addresses[0], ["--lmtp", "--sender", "a@b", "--recipient", "c@d"],
                        allAcknowledged: false)
                    #expect(numbers.isEmpty)
                    #expect(try receiver.events.contains { $0.event == "refused" && $0.status == "4.3.5" })
                }
                try await program.expectClean()
            }
        }

        @Test("while another command holds the archive mail waits, and then is told to come again")
        func locked() async throws {
            try await withArchive { program in
                try await receiving(program, Self.everything + ["--lock-timeout", "1"]) { receiver in
                    let address = try receiver.addresses[0]
                    let holder = try ProcessCommand(
                        "flock", ["--no-fork", program.archive + "/lock", "sleep", "1000"]
                    ).start()
                    try await wait("the lock") {
                        try await ProcessCommand("flock", ["-n", program.archive + "/lock", "true"]).run().exitCode == 1
                    }
                    let first = try await Play.send(
                        address, ["--lmtp", "--sender", "a@b", "--recipient", "c@d"], allAcknowledged: false)
                    #expect(first.isEmpty)
                    #expect(try receiver.events.contains { $0.code == 451 && $0.status == "4.3.2" })
                    holder.signal(SIGKILL)
                    _ = try await holder.waitAsync()
                    try await wait("mail taken again") {
                        try await Play.send(
                            address, ["--lmtp", "--sender", "a@b", "--recipient", "c@d"], allAcknowledged: false
                        ).count == 1
                    }
                }
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == [1])
            }
        }

        @Test("SIGTERM in mid-stream: what was acknowledged is there, everybody else is told to come again")
        func stops() async throws {
            try await withArchive { program in
                let receiver = try await Receiver.start(program, Self.everything)
                let address = try receiver.addresses[0]
                async let sent = Play.send(
                    address,
                    ["--lmtp", "--count", "5000", "--threads", "20", "--sender", "a@b", "--recipient", "c@d"],
                    allAcknowledged: false)
                try await wait("some mail") { try receiver.events.count { $0.event == "archived" } > 100 }
                let events = try await receiver.stop()
                let acknowledged = try await sent
                #expect(acknowledged.count > 100 && acknowledged.count < 5_000)
                #expect(events.count { $0.event == "archived" } >= acknowledged.count)
                let numbers = try await program.numbers(account: "all", mailbox: "INBOX")
                #expect(Set(numbers).isSuperset(of: acknowledged) && Set(numbers).count == numbers.count)
                try await program.expectClean()
            }
        }

        @Test("a thousand idle connections and a hundred that drip leave room for a hundred busy ones", .tags(.heavy))
        func idle() async throws {
            // In a soak for a minute and more.
            let busy = EndToEnd.isSoak ? 100_000 : 2_000
            try await withArchive { program in
                try await receiving(program, Self.everything + ["--idle-timeout", "20"]) { receiver in
                    let address = try receiver.addresses[1]
                    var held: [RunningProcess] = []
                    for text in ["", "EHLO x\\r\\nMAIL FROM:<a@b>\\r\\nRCPT TO:<c@d>\\r\\nDATA\\r\\n"] {
                        held.append(
                            try ProcessCommand(
                                "python3",
                                [
                                    Repository.script("smtp-play.py"), "hold", address, "--count",
                                    text.isEmpty ? "1000" : "100",
                                    "--text", text,
                                ]
                            ).start())
                    }
                    for process in held { try await wait("connections") { process.outputSoFar.contains("held") } }
                    let numbers = try await Play.send(
                        address,
                        ["--count", String(busy), "--threads", "100", "--sender", "a@b", "--recipient", "c@d"])
                    #expect(numbers.count == busy)
                    for process in held {
                        process.signal(SIGKILL)
                        _ = try await process.waitAsync()
                    }
                }
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == Array(1...busy))
            }
        }

        @Test("a connection that says nothing, or drips a command, is closed")
        func timeouts() async throws {
            try await withArchive { program in
                try await receiving(program, Self.everything + ["--idle-timeout", "1"]) { receiver in
                    for address in try receiver.addresses {
                        try await Play.say(address, "S: 220\nS: 421 4.4.2\nE:")
                        try await Play.say(address, "S: 220\nX: NO\nS: 421 4.4.2\nE:")
                    }
                    try await Play.say(
                        try receiver.addresses[1],
                        "S: 220\nX: EHLO x\\r\\nMAIL FROM:<>\\r\\nRCPT TO:<a@b>\\r\\nDATA\\r\\n\nR: 250\nS: 250\nS: 250\nS: 354\nX: half\nS: 421 4.4.2\nE:"
                    )
                }
            }
        }
    }

    /// Run by itself, as `ScaleTests`: a child's peak memory counts from its parent's.
    @Suite("receive and memory", .timeLimit(.minutes(10)))
    struct ReceiveScaleTests {
        @Test("large messages pass through in little memory", .tags(.heavy))
        func large() async throws {
            try await withArchive { program in
                var receiver = try await Receiver.start(program, ReceiveTests.everything)
                let size = EndToEnd.isSoak ? 500 << 20 : 24 << 20
                let options = ["--sender", "a@b", "--recipient", "c@d", "--octets", String(size / 2)]
                _ = try await Play.send(try receiver.addresses[1], options + ["--count", "2", "--threads", "2"])
                receiver.process.signal(SIGTERM)
                let result = try await receiver.process.waitAsync()
                print("receive: two messages of \(size / 2) octets, peak \(result.peakResidentOctets >> 20) MiB")
                #expect(result.peakResidentOctets < 160 << 20)
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == [1, 2])
                receiver = try await Receiver.start(program, ReceiveTests.everything)
                try await receiver.stop()
            }
        }
    }
}
