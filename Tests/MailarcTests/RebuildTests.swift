import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `catalog/` is a cache and `state/` can be lost.
    @Suite("lost caches")
    struct RebuildTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        /// Every field the catalog gives, as text.
        private func everything(_ program: MailarcProgram) async throws -> [String] {
            var lines: [String] = []
            for arguments in [
                ["list", "--json"], ["search", "report", "--json", "--limit", "1000"],
                ["search", "会議", "--json", "--limit", "1000"],
                ["search", "has:attachment", "--json", "--limit", "1000"],
            ] {
                lines.append(try await program.run(arguments).output)
            }
            for id in Set(lines.joined().matches(of: /"id"\s*:\s*"([0-9a-f]{32})"/).map { String($0.output.1) })
                .sorted()
            {
                lines.append(try await program.run(["show", id, "--json"]).output)
                if lines.count > 60 { break }
            }
            return lines + (try await program.exported())
        }

        @Test("a deleted catalog is rebuilt field by field", .enabled(if: canRunDovecot))
        func catalog() async throws {
            try await withSampleServer { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await program.run(["pull"])
                    let before = try await everything(program)
                    try FileManager.default.removeItem(atPath: program.archive + "/catalog")
                    try await program.run(["rebuild-catalog"])
                    expectEqual(try await everything(program), before, "fields")
                    try await program.expectClean()
                    let again = try await program.json([PullDocument].self, ["pull"])
                    #expect(again.allSatisfy { $0.isBalanced && $0.newMessages == 0 })
                }
            }
        }

        @Test("a deleted state is re-paired: nothing doubled, nothing lost", .enabled(if: canRunDovecot))
        func state() async throws {
            try await withSampleServer { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await program.run(["pull"])
                    let before = try await program.json(StatisticsDocument.self, ["stats"])
                    try FileManager.default.removeItem(atPath: program.archive + "/state")
                    let again = try await program.json([PullDocument].self, ["pull"])
                    #expect(again.allSatisfy { $0.isBalanced })
                    let after = try await program.json(StatisticsDocument.self, ["stats"])
                    #expect(after.messages == before.messages)
                    #expect(after.occurrences == before.occurrences)
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                    try await program.expectClean()
                }
            }
        }
    }
}
