import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `account add` and `account remove` in a configuration that people wrote.
    @Suite("the configuration file")
    struct ConfigurationTests {
        private static let written = """
            # Mail of the office. Ask Anna before you change it.
            [unlock]
            identity-file = '/etc/mailarc/id'   # not on the backup

            # The old server; to be gone by spring.
            [accounts.old]
            host = 'old.example.org'
            user = 'me'
            # twice a day is enough

            # Everybody's.
            [ accounts . "shared mail" ]
            host = 'imap.example.org'
            user = 'all'

            """

        @Test("what is written there stays as it is, comments and order too")
        func comments() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try program.folder.write("config/mailarc/config.toml", Self.written, mode: 0o600)
            let add = ["account", "add", "new", "--host", "new.example.org", "--user", "me", "--connections", "2"]
            try await program.run(add, opens: false)
            var text = try Self.text(program)
            #expect(text.hasPrefix(Self.written))
            #expect(
                text.hasSuffix(
                    "[accounts.new]\nconnections = 2\nhost = 'new.example.org'\nport = 993\nsecurity = 'tls'\nuser = 'me'\n"
                ))
            try await program.run(["account", "remove", "old"], opens: false)
            text = try Self.text(program)
            #expect(!text.contains("old.example.org") && !text.contains("[accounts.old]"))
            for line in [
                "# Mail of the office", "id'   # not on the backup", "# The old server", "# Everybody's.\n[ accounts",
            ] {
                #expect(text.contains(line), "\(line): \(text)")
            }
            try await program.run(["account", "remove", "new"], opens: false)
            try await program.run(["account", "remove", "shared mail"], opens: false)
            #expect(
                try await program.run(["account", "list"], opens: false, codes: [0, 12]).output.contains("new") == false
            )
            #expect(try Self.text(program).contains("[unlock]"))
        }

        @Test("accounts that are written otherwise are left alone, with a word")
        func otherwise() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let written = "accounts.old = { host = 'old.example.org', user = 'me' }\n"
            try program.folder.write("config/mailarc/config.toml", written, mode: 0o600)
            for arguments in [["remove", "old"], ["add", "old", "--host", "x", "--user", "y"]] {
                let result = try await program.run(["account"] + arguments, opens: false, codes: [64])
                #expect(result.errors.contains("edit it by hand") || result.errors.contains("old"), "\(result.errors)")
                #expect(try Self.text(program) == written)
            }
        }

        private static func text(_ program: MailarcProgram) throws -> String {
            try String(contentsOfFile: program.folder.file("config/mailarc/config.toml"), encoding: .utf8)
        }
    }
}
