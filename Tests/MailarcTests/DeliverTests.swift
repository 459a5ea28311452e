import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc deliver`: one message from standard input.
    @Suite("deliver", .timeLimit(.minutes(10)))
    struct DeliverTests {
        private struct Report: Decodable {
            let id: String
            let octets: Int
            let places: [ReceiveLine.Place]
            let isRepeated: Bool
        }

        private func deliver(
            _ program: MailarcProgram, _ message: [UInt8], _ options: [String], codes: Set<Int32> = [0],
            environment: [String: String] = [:], opens: Bool = true
        ) async throws -> ProcessResult {
            var command = program.command(["deliver"] + options, opens: opens)
            command.input = message
            command.environment.merge(environment) { $1 }
            let result = try await command.run()
            #expect(result.exitCode.map(codes.contains) == true, "\(options): \(result.ending) \(result.errors)")
            return result
        }

        @Test("a message is archived as it comes, once, with sender and recipients beside it")
        func delivers() async throws {
            try await withArchive { program in
                let message = Array("Subject: piped\n\nFrom here\n.\n\0".utf8)
                let options = ["--account", "me", "--from", "a@b", "--to", "c@d", "e@f", "--json"]
                let first = try await deliver(program, message, options)
                let second = try await deliver(program, message, options)
                #expect(second.output.contains("\"isRepeated\":true"), "\(second.output)")
                // A From_ line is the caller's, not the message's.
                _ = try await deliver(
                    program, Array("From x@y Mon Nov 30 00:00:00 2026\n".utf8) + message,
                    ["--account", "me", "--to", "g@h"])
                #expect(try await program.messages(account: "me", mailbox: "INBOX") == [message, message])
                let id = try #require(first.output.firstMatch(of: /"id":"([0-9a-f]{32})"/)?.1)
                let shown = try await program.json(DeliveryDocument.self, ["show", String(id)])
                #expect(shown.occurrences.map(\.uid) == [1, 2])
                #expect(shown.occurrences.compactMap(\.delivery?.sender) == ["a@b", "x@y"])
                #expect(shown.occurrences.first?.delivery?.recipients == ["c@d", "e@f"])
                #expect(shown.occurrences.first?.delivery?.client == "uid \(getuid())")
                try await program.expectClean()
            }
        }

        @Test("codes are those of sysexits: what may pass is 75")
        func codes() async throws {
            try await withArchive { program in
                let message = Array("Subject: x\n\n".utf8)
                _ = try await deliver(program, message, [], codes: [75])
                _ = try await deliver(program, [], ["--account", "me"], codes: [65])
                _ = try await deliver(program, message, ["--account", "me", "--max-message-size", "5"], codes: [65])
                _ = try await deliver(program, message, ["--account"], codes: [64])
                _ = try await deliver(program, message, ["--lock-timeout", "-1", "--account", "me"], codes: [64])
                _ = try await deliver(
                    program, message, ["--account", "me", "--allow-recipient", "*@good", "--to", "x@bad"], codes: [77])
                try program.folder.write(
                    "config/mailarc/config.toml", "[[receive.route]]\nrecipient = '*@good'\naccount = 'me'\n")
                _ = try await deliver(program, message, ["--to", "x@bad"], codes: [67])
                _ = try await deliver(program, message, ["--to", "x@good"])
                let key = try program.folder.write("wrong", String(repeating: "0", count: 64))
                _ = try await deliver(
                    program, message, ["--to", "x@good", "-a", program.archive, "--key-file", key], codes: [75],
                    opens: false)
                _ = try await deliver(
                    program, message, ["--to", "x@good", "-a", "/nonexistent", "--key-file", key], codes: [75],
                    opens: false)
                let holder = try ProcessCommand("flock", ["--no-fork", program.archive + "/lock", "sleep", "1000"])
                    .start()
                try await wait("the lock") {
                    try await ProcessCommand("flock", ["-n", program.archive + "/lock", "true"]).run().exitCode == 1
                }
                _ = try await deliver(program, message, ["--to", "x@good", "--lock-timeout", "1"], codes: [75])
                holder.signal(SIGKILL)
                _ = try await holder.waitAsync()
                try await program.expectClean()
            }
        }

        @Test("many at once: each waits for its turn, none is lost")
        func many() async throws {
            try await withArchive { program in
                try await withThrowingTaskGroup(of: Int32?.self) { group in
                    for number in 1...24 {
                        group.addTask {
                            var command = program.command(["deliver", "--account", "me", "--to", "c@d"])
                            command.input = Array("Subject: \(number)\r\nX-Number: \(number)\r\n\r\n".utf8)
                            return try await command.run().exitCode
                        }
                    }
                    for try await code in group { #expect(code == 0) }
                }
                #expect(try await program.numbers(account: "me", mailbox: "INBOX") == Array(1...24))
                try await program.expectClean()
            }
        }

        @Test("what was told goes with an erased message, and its UID is not given again")
        func erases() async throws {
            try await withArchive { program in
                for (number, sender) in [(1, "stays@x"), (2, "goes@x")] {
                    _ = try await deliver(
                        program, Array("Subject: number \(number)\n\n".utf8),
                        ["--account", "me", "--from", sender, "--to", "c@d"])
                }
                let id = try #require(
                    try await program.json(SearchDocument.self, ["search", "subject:2"]).messages.first?.id)
                try await program.run(["erase", "subject:2", "--basis", "test", "--yes"])
                try await program.run(["show", id], codes: [12])
                try await program.run(["rebuild-catalog"])
                try await program.run(["show", id], codes: [12])
                let next = try await deliver(
                    program, Array("Subject: number 3\n\n".utf8), ["--account", "me", "--to", "c@d", "--json"])
                #expect(next.output.contains("\"uid\":3"), "\(next.output)")
                let left = try await program.json(SearchDocument.self, ["search", "subject:1"]).messages.first?.id
                let shown = try await program.json(DeliveryDocument.self, ["show", try #require(left)])
                #expect(shown.occurrences.compactMap(\.delivery?.sender) == ["stays@x"])
                // A record that told of both was written again without the one.
                try await program.expectClean()
            }
        }

        @Test("a full disk is 75, and the message is taken when there is room")
        func fullDisk() async throws {
            try await SmallDisk.with("3m") { disk in
                let program = try MailarcProgram(archive: disk.folder.file("mail.archive"))
                defer { program.remove() }
                try await program.create()
                var generator = SystemRandomNumberGenerator()
                let noise = (0..<1_000_000).map { _ in UInt8.random(in: 33...126, using: &generator) }
                let message = Array("Subject: large\r\n\r\n".utf8) + noise
                let filler = try disk.folder.write("filler", [UInt8](repeating: 1, count: 2 << 20))
                _ = try await deliver(program, message, ["--account", "me", "--to", "c@d"], codes: [75])
                try FileManager.default.removeItem(atPath: filler)
                try await disk.remount("size=40m")
                _ = try await deliver(program, message, ["--account", "me", "--to", "c@d"])
                #expect(try await program.messages(account: "me", mailbox: "INBOX") == [message])
                try await program.expectClean()
            }
        }
    }
}
