import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// A host that takes mail and cannot read it, and the archive that adopts what it sealed.
    @Suite("write-only hosts", .timeLimit(.minutes(10)))
    struct WriterHostTests {
        struct Adoption: Decodable {
            let segments, messages, repeated, known, gaps, waiting: Int
            let unreadable: [String]
            let problem: String?
        }

        struct Hosts: Decodable {
            struct Host: Decodable { let name, ends: String }
            let hosts: [Host]
        }

        /// Two machines: one with the archive, and one with a credential and an outbox.
        struct Pair {
            let owner: MailarcProgram
            let host: MailarcProgram
            var outbox: String { host.folder.file("outbox") }
            var sealing: [String] { ["--outbox", outbox, "--credential", host.folder.file("credential")] }

            var segments: [String] {
                TestFolder.files(below: outbox).filter { $0.hasSuffix(".sealed") }.sorted()
            }

            func deliver(_ message: String, codes: Set<Int32> = [0], killAfter: Duration? = nil) async throws
                -> ProcessResult
            {
                var command = host.command(
                    ["deliver", "--account", "me", "--from", "a@lab.test", "--to", "me@lab.test"] + sealing,
                    opens: false)
                (command.input, command.killAfter) = (Array(message.utf8), killAfter)
                let result = try await command.run()
                if killAfter == nil { #expect(codes.contains(result.exitCode ?? -1), "\(result.errors)") }
                return result
            }

            func adopt(_ options: [String] = [], codes: Set<Int32> = [0]) async throws -> Adoption {
                try await owner.json(Adoption.self, ["writer", "adopt", "mx1", outbox] + options, codes: codes)
            }
        }

        private func withPair(_ body: (Pair) async throws -> Void) async throws {
            try await withArchive { owner in
                let host = try MailarcProgram()
                defer { host.remove() }
                // No key of the archive is on that machine.
                try FileManager.default.removeItem(atPath: host.folder.file("key"))
                try await owner.run(["writer", "add", "mx1", "--credential", host.folder.file("credential")])
                try await body(Pair(owner: owner, host: host))
            }
        }

        @Test("mail by LMTP and by pipe is sealed, adopted once, and is then what was delivered")
        func whole() async throws {
            try await withPair { pair in
                try await receiving(
                    pair.host, ["--lmtp", "127.0.0.1:0", "--account", "all"] + pair.sealing, opens: false
                ) { receiver in
                    let sent = try await Play.send(
                        try receiver.addresses[0],
                        [
                            "--count", "40", "--threads", "4", "--sender", "a@lab.test", "--recipient", "all@lab.test",
                            "--lmtp",
                        ])
                    #expect(sent.count == 40)
                    #expect(try receiver.events.count { $0.event == "sealed" } == 40)
                    #expect(try receiver.events.allSatisfy { $0.event != "archived" })
                }
                // A message of several chunks.
                let large = "Subject: large\r\n\r\n" + String(repeating: "0123456789abcde\r\n", count: 200_000)
                _ = try await pair.deliver(large)
                for name in TestFolder.files(below: pair.host.folder.path) {
                    let octets = try Data(contentsOf: URL(fileURLWithPath: pair.host.folder.file(name)))
                    #expect(
                        octets.range(of: Data("X-Number".utf8)) == nil && octets.range(of: Data("large".utf8)) == nil)
                }
                let first = try await pair.adopt()
                #expect(first.messages == 41 && first.repeated == 0 && first.problem == nil && first.waiting == 0)
                #expect(pair.segments.isEmpty)
                #expect(try await pair.owner.numbers(account: "all", mailbox: "INBOX") == Array(1...40))
                #expect(try await pair.owner.messages(account: "me", mailbox: "INBOX") == [Array(large.utf8)])
                let hits = try await pair.owner.json(SearchDocument.self, ["search", "subject:large"]).messages
                let shown = try await pair.owner.json(DeliveryDocument.self, ["show", try #require(hits.first?.id)])
                #expect(shown.occurrences.first?.delivery?.sender == "a@lab.test")
                #expect(shown.occurrences.first?.delivery?.recipients == ["me@lab.test"])
                // Sent once more: sealed again, archived once.
                _ = try await pair.deliver(large)
                let second = try await pair.adopt()
                #expect(second.messages == 1 && second.repeated == 1)
                #expect(try await pair.adopt().segments == 0)
                try await pair.owner.expectClean()
                try await pair.owner.run(["rebuild-catalog"])
                #expect(try await pair.owner.numbers(account: "all", mailbox: "INBOX") == Array(1...40))
            }
        }

        @Test("a segment that was changed or taken away stops the adoption, and nothing behind it is lost")
        func tampering() async throws {
            try await withPair { pair in
                for number in 0..<4 { _ = try await pair.deliver("X-Number: \(number)\r\n\r\n") }
                let second = pair.outbox + "/" + pair.segments[1]
                var octets = try Data(contentsOf: URL(fileURLWithPath: second))
                let whole = octets
                octets[200] ^= 1
                try octets.write(to: URL(fileURLWithPath: second))
                let changed = try await pair.adopt(codes: [4])
                #expect(changed.messages == 1 && changed.waiting == 3)
                #expect(changed.problem?.contains("signature") == true, "\(changed)")
                try FileManager.default.removeItem(atPath: second)
                let missing = try await pair.adopt(codes: [4])
                #expect(missing.messages == 0 && missing.problem?.contains("missing") == true, "\(missing)")
                try whole.write(to: URL(fileURLWithPath: second))
                #expect(try await pair.adopt(["--keep"]).messages == 3)
                #expect(pair.segments.count == 3)
                let again = try await pair.adopt()
                #expect(again.known == 3 && again.messages == 0 && pair.segments.isEmpty)
                #expect(try await pair.owner.numbers(account: "me", mailbox: "INBOX") == [0, 1, 2, 3])
                // Given up: the rest is taken, and it is said.
                for number in 4..<7 { _ = try await pair.deliver("X-Number: \(number)\r\n\r\n") }
                try FileManager.default.removeItem(atPath: pair.outbox + "/" + pair.segments[1])
                let rest = try await pair.adopt(["--accept-gaps"], codes: [4])
                #expect(rest.messages == 2 && rest.gaps == 1)
                #expect(try await pair.owner.numbers(account: "me", mailbox: "INBOX") == [0, 1, 2, 3, 4, 6])
                // The outbox began anew: no number stands for two segments.
                try FileManager.default.removeItem(atPath: pair.outbox)
                _ = try await nextMoment()
                _ = try await pair.deliver("X-Number: 7\r\n\r\n")
                #expect(try await pair.adopt(["--accept-gaps"], codes: [4]).messages == 1)
                #expect(try await pair.owner.numbers(account: "me", mailbox: "INBOX") == [0, 1, 2, 3, 4, 6, 7])
                try await pair.owner.expectClean()
            }
        }

        @Test("killed at any instant, on either machine: what was acknowledged is archived once")
        func killed() async throws {
            try await withPair { pair in
                var acknowledged: [Int] = []
                for number in 0..<30 {
                    let instant = Duration.milliseconds(number % 15 * 2)
                    let result = try await pair.deliver("X-Number: \(number)\r\n\r\n", killAfter: instant)
                    if result.isSuccess { acknowledged.append(number) }
                }
                _ = try await pair.deliver("X-Number: 30\r\n\r\n")
                acknowledged.append(30)
                for instant in [20, 40, 60, 80, 100, 120, 150, 200] {
                    var command = pair.owner.command(["writer", "adopt", "mx1", pair.outbox])
                    command.killAfter = .milliseconds(instant)
                    _ = try await command.run()
                }
                #expect(try await pair.adopt().problem == nil)
                #expect(pair.segments.isEmpty)
                let numbers = try await pair.owner.numbers(account: "me", mailbox: "INBOX")
                #expect(Set(numbers).count == numbers.count && Set(acknowledged).isSubset(of: numbers), "\(numbers)")
                try await pair.owner.expectClean()
            }
        }

        @Test(
            "a full disk of the host is 75 and 452; what is sent again when there is room is sealed, and adopted once")
        func fullDisk() async throws {
            try await SmallDisk.with("3m") { disk in
                try await withPair { pair in
                    let outbox = disk.folder.file("outbox")
                    let sealing = ["--outbox", outbox, "--credential", pair.host.folder.file("credential")]
                    var generator = SystemRandomNumberGenerator()
                    let noise = (0..<1_000_000).map { _ in UInt8.random(in: 93...126, using: &generator) }
                    let message = Array("Subject: large\r\n\r\n".utf8) + noise + Array("\r\n".utf8)
                    var command = pair.host.command(
                        ["deliver", "--account", "me", "--to", "me@lab.test"] + sealing, opens: false)
                    command.input = Array("Subject: first\r\n\r\n".utf8)
                    try await command.runSuccessfully()
                    let filler = try disk.folder.write("filler", [UInt8](repeating: 1, count: 5 << 19))
                    command.input = message
                    let full = try await command.run()
                    #expect(full.exitCode == 75 && full.errors.contains("space"), "\(full.ending) \(full.errors)")
                    try await receiving(
                        pair.host, ["--lmtp", "127.0.0.1:0", "--account", "me"] + sealing, opens: false
                    ) { receiver in
                        func send(_ reply: String) async throws {
                            try await Play.say(
                                try receiver.addresses[0],
                                """
                                S: 220
                                C: LHLO x
                                R: 250
                                C: MAIL FROM:<a@b>
                                S: 250
                                C: RCPT TO:<lmtp@lab.test>
                                S: 250
                                C: DATA
                                S: 354
                                X: \(String(decoding: message, as: UTF8.self).replacing("\r\n", with: "\\r\\n")).\\r\\n
                                S: \(reply)
                                """)
                        }
                        try await send("452")
                        try FileManager.default.removeItem(atPath: filler)
                        try await disk.remount("size=40m")
                        try await send("250 2.0.0 Sealed in")
                    }
                    try await command.runSuccessfully()
                    let adopted = try await pair.owner.json(Adoption.self, ["writer", "adopt", "mx1", outbox])
                    #expect(adopted.messages == 3 && adopted.problem == nil && adopted.gaps == 0)
                    let kept = try await pair.owner.messages(account: "me", mailbox: "INBOX")
                    #expect(kept.count { $0 == message } == 2 && kept.count == 3)
                    try await pair.owner.expectClean()
                }
            }
        }

        @Test("what cannot work says why")
        func refused() async throws {
            try await withPair { pair in
                let folder = pair.owner.folder
                try await pair.owner.run(
                    ["writer", "add", "mx1", "--credential", folder.file("other")], codes: [6])
                try await pair.owner.run(
                    ["writer", "add", "No Name", "--credential", folder.file("other")], codes: [64])
                try await pair.owner.run(["writer", "adopt", "mx2", pair.outbox], codes: [12])
                try await pair.owner.run(["writer", "adopt", "mx1", folder.file("nowhere")], codes: [12])
                try await pair.host.run(["deliver", "--outbox", pair.outbox], opens: false, codes: [64])
                try folder.write("none", "not a credential\n")
                var command = pair.host.command(
                    ["deliver", "--account", "me", "--outbox", pair.outbox, "--credential", folder.file("none")],
                    opens: false)
                command.input = Array("Subject: x\r\n\r\n".utf8)
                let result = try await command.run()
                // The mail agent keeps the message, whatever is wrong here.
                #expect(result.exitCode == 75 && result.errors.contains("writer add"), "\(result.errors)")
                _ = try await pair.deliver("X-Number: 0\r\n\r\n")
                try await pair.owner.run(["writer", "remove", "mx1"])
                #expect(try await pair.owner.json(Hosts.self, ["writer", "list"]).hosts.isEmpty)
                try await pair.owner.run(["writer", "adopt", "mx1", pair.outbox], codes: [12])
                try await pair.owner.expectClean()
            }
        }

        @Test("a renewed credential goes on with the same outbox")
        func renewed() async throws {
            try await withPair { pair in
                _ = try await pair.deliver("X-Number: 0\r\n\r\n")
                let (old, new) = (pair.host.folder.file("credential"), pair.owner.folder.file("new"))
                try await pair.owner.run(["writer", "renew", old, "--output", new, "--weeks", "52"])
                try FileManager.default.removeItem(atPath: old)
                try FileManager.default.copyItem(atPath: new, toPath: old)
                _ = try await pair.deliver("X-Number: 1\r\n\r\n")
                #expect(try await pair.adopt().messages == 2)
                #expect(try await pair.owner.numbers(account: "me", mailbox: "INBOX") == [0, 1])
            }
        }
    }
}
