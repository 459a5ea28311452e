import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// POP3 servers that are not as the RFC wants them: nothing is lost, nothing doubled, nothing taken that is not whole.
    @Suite("odd POP3 servers", .timeLimit(.minutes(5)))
    struct OddPOP3Tests {
        static func message(_ name: String, _ body: String = "body") -> String {
            "Subject: \(name)\r\nMessage-ID: <\(name)@example.org>\r\n\r\n\(body)\r\n"
        }

        /// The messages of `server` as the archive gives them back.
        private static func expectHeld(
            _ server: MaliciousServer, _ program: MailarcProgram, but missing: Set<String> = [],
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let there = try server.maildrop.filter { !missing.contains($0.key) }.values
            let digests = there.map { TestSHA256.hash($0).map { String(format: "%02x", $0) }.joined() }.sorted()
            expectEqual(try await Maildrop.archived(program), digests, sourceLocation: sourceLocation)
        }

        @Test(
            "taken once and exact, with whatever the server lacks",
            arguments: [
                "honest", "slow", "no-capa", "short-size", "long-size", "slow,long-size", "expire-0", "login-delay",
            ])
        func plain(_ modes: String) async throws {
            try await withScriptedMaildrop(modes) { server, program in
                for number in 1...20 { try server.put("m\(number)", Self.message("\(number)", ".\r\n..\r\n.x")) }
                try await program.run(["pull"], codes: modes == "login-delay" ? [0, 3] : [0])
                try await program.run(["pull"], codes: modes == "login-delay" ? [0, 8] : [0])
                try await program.run(["pull"], codes: modes == "login-delay" ? [0, 8] : [0])
                try await Self.expectHeld(server, program)
                let retrieved = try server.takeLog().count { $0.hasPrefix("RETR") }
                #expect(retrieved == 20, "\(modes): \(retrieved)")
                try await program.expectClean()
            }
        }

        @Test(
            "no UIDL, or one for several messages: known by content, whatever comes and goes",
            arguments: ["no-uidl", "repeated-uidl"])
        func byContent(_ modes: String) async throws {
            try await withScriptedMaildrop(modes) { server, program in
                for number in 1...5 { try server.put("a-\(number)", Self.message("\(number)")) }
                // The same octets twice are two messages.
                try server.put("a-6", Self.message("5"))
                let first = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                #expect(first.isBalanced && first.archived == 6, "\(first)")
                let again = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                #expect(again.isBalanced && again.newMessages == 0, "\(again)")
                // In front, so that every number changes; one goes, and another takes its place.
                try server.put("a-0", Self.message("0"))
                try FileManager.default.removeItem(atPath: server.folder.file("maildrop/a-2"))
                try server.put("a-2", Self.message("another"))
                let third = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                #expect(third.isBalanced && third.newMessages == 2 && third.archived == 7, "\(third)")
                let all = Set(try await program.everything())
                #expect(all.count == 7)
                try await Self.expectHeld(server, program)
                try await program.expectClean()
            }
        }

        @Test("the line breaks in a message: once is asked for again, always is quarantined, the others are taken")
        func drops() async throws {
            for modes in ["drops", "drops,slow"] {
                try await withScriptedMaildrop(modes) { server, program in
                    for number in 1...9 { try server.put("m\(number)", Self.message("\(number)")) }
                    try server.put("m3", Self.message("3", String(repeating: "DROP-ONCE ", count: 2_000)))
                    try server.put("m6", Self.message("6", String(repeating: "DROP-ALWAYS ", count: 2_000)))
                    for _ in 0..<2 {
                        let report = try #require(
                            try await program.json([PullDocument].self, ["pull"], codes: [3]).first)
                        #expect(report.isBalanced && report.archived == 8, "\(report)")
                        #expect(report.quarantined.map(\.reason) == ["connection-lost"])
                        try await Self.expectHeld(server, program, but: ["m6"])
                    }
                }
            }
        }

        @Test("dots that are not doubled are kept, and a message cut short by one is never taken for whole")
        func dots() async throws {
            for modes in ["unstuffed", "unstuffed,slow"] {
                try await withScriptedMaildrop(modes) { server, program in
                    for number in 1...4 { try server.put("m\(number)", Self.message("\(number)")) }
                    try server.put("m5", Self.message("5", ".one\r\n.two"))
                    try server.put("m6", Self.message("6", ".one\r\n..two"))
                    try server.put("m7", Self.message("7", "a dot\r\n.\r\nalone, and text behind it"))
                    try server.put("m8", Self.message("8"))
                    for _ in 0..<2 {
                        let report = try #require(
                            try await program.json([PullDocument].self, ["pull"], codes: [3]).first)
                        #expect(report.isBalanced && report.archived == 6, "\(report)")
                        #expect(report.quarantined.map(\.reason) == ["garbled", "garbled"])
                        try await Self.expectHeld(server, program, but: ["m6", "m7"])
                    }
                }
            }
        }

        @Test("what a server refuses, or gives no octets of, is quarantined and taken once it is there")
        func refuses() async throws {
            try await withScriptedMaildrop("refuses,empty") { server, program in
                for number in 1...4 { try server.put("m\(number)", Self.message("\(number)")) }
                try server.put("m2", Self.message("2", "REFUSE"))
                try server.put("m3", Self.message("3", "EMPTY"))
                let report = try #require(try await program.json([PullDocument].self, ["pull"], codes: [3]).first)
                #expect(report.isBalanced && report.archived == 2, "\(report)")
                #expect(Set(report.quarantined.map(\.reason)) == ["server-refused", "empty-body"])
                for name in ["m2", "m3"] { try server.put(name, Self.message(name)) }
                try await program.run(["pull"])
                try await Self.expectHeld(server, program)
            }
        }

        @Test("a maildrop that somebody else has open is code 8, and the password is not blamed")
        func inUse() async throws {
            try await withScriptedMaildrop("in-use") { _, program in
                let result = try await program.run(["pull"], codes: [8])
                #expect(result.errors.contains("IN-USE"), "\(result.errors)")
            }
        }

        @Test("account test tells what the server offers and what is used")
        func offers() async throws {
            try await withScriptedMaildrop("no-uidl,slow") { _, program in
                let result = try await program.run(["account", "test", "test"], opens: false)
                #expect(result.output.contains("offers: TOP, USER, RESP-CODES, IMPLEMENTATION scripted 1"))
                #expect(result.output.contains("no UIDL") && result.output.contains("USER and PASS"))
                struct Document: Decodable {
                    struct Result: Decodable { let offers, uses: [String] }
                    let result: Result
                }
                let json = try await program.run(["account", "test", "test", "--json"], opens: false)
                let report = try JSONDecoder().decode(Document.self, from: Data(json.standardOutput)).result
                #expect(report.offers.count == 4 && report.uses.first == "no encryption")
            }
        }
    }
}
