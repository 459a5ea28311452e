import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc-NAME` on PATH, manual pages and completions.
    @Suite("plug-ins and manual", .timeLimit(.minutes(2)))
    struct PlugInTests {
        private func world(_ program: MailarcProgram) throws -> [String: String] {
            let plugIn = """
                #!/bin/sh
                [ "$1" = --mailarc-summary ] && { echo "greets people"; exit 0; }
                echo "hello $* from $MAILARC_PROGRAM in $MAILARC_ARCHIVE"; exit 42
                """
            try program.folder.write("bin/mailarc-hello", plugIn, mode: 0o700)
            try program.folder.write("bin/mailarc-init", plugIn, mode: 0o700)
            try program.folder.write("bin/mailarc-anchor-x", plugIn, mode: 0o700)
            try program.folder.write("bin/mailarc-plain", "no program", mode: 0o600)
            return ["PATH": program.folder.file("bin") + ":/usr/bin:/bin", "MAILARC_ARCHIVE": "/somewhere"]
        }

        @Test("a plug-in gets arguments and environment, and its exit status is mailarc's; none shadows a command")
        func plugIns() async throws {
            try #require(MailarcProgram.isPresent)
            let program = try MailarcProgram()
            let world = try world(program)
            let hello = try await program.run(
                ["hello", "-a", "b c"], opens: false, codes: [42], environment: world)
            #expect(hello.output.hasPrefix("hello -a b c from "))
            #expect(hello.output.hasSuffix("in /somewhere\n"))
            let list = try await program.run(["plugins"], opens: false, environment: world)
            #expect(list.output.contains("greets people"))
            #expect(!list.output.contains("anchor-x") && !list.output.contains("init"))
            let help = try await program.run(["help"], opens: false, environment: world)
            #expect(help.output.contains("hello") && help.output.contains("PLUG-INS"))
            #expect(!help.output.contains("greets"), "help runs no plug-in")
            try await program.run(["init", "--help"], opens: false, environment: world)
            try await program.run(["nothing-of-the-kind"], opens: false, codes: [64], environment: world)
            try await program.run(["plain"], opens: false, codes: [64], environment: world)
        }

        @Test("what make install puts down: pages that groff reads without a warning, completions that shells parse")
        func installation() async throws {
            let binary = try #require(MailarcProgram.path)
            let folder = try TestFolder("install")
            let script = Repository.script("install-tree")
            let result = try await ProcessCommand(script, [binary, folder.file("usr")]).run()
            #expect(result.exitCode == 0, "\(result.errors)")
            let pages = try FileManager.default.contentsOfDirectory(atPath: folder.file("usr/share/man/man1"))
            #expect(
                pages.contains("mailarc.1") && pages.contains("mailarc-pull.1") && pages.contains("mailarc-key-add.1"))
            let overview = try String(contentsOfFile: folder.file("usr/share/man/man1/mailarc.1"), encoding: .utf8)
            #expect(
                overview.contains("EXIT CODES")
                    && overview.contains("mailarc\\-erase") == pages.contains("mailarc-erase.1"))
            if FileManager.default.isExecutableFile(atPath: "/usr/bin/groff") {
                for page in pages {
                    let lint = try await ProcessCommand(
                        "/usr/bin/groff", ["-man", "-Tutf8", "-ww", "-z", folder.file("usr/share/man/man1/\(page)")]
                    ).run()
                    #expect(lint.exitCode == 0 && lint.errors.isEmpty, "\(page): \(lint.errors)")
                }
            } else {
                print("not run: groff is not installed")
            }
            let bash = folder.file("usr/share/bash-completion/completions/mailarc")
            #expect(try await ProcessCommand("/bin/bash", ["-n", bash]).run().exitCode == 0)
            for file in ["usr/share/zsh/site-functions/_mailarc", "usr/share/fish/vendor_completions.d/mailarc.fish"] {
                #expect(try String(contentsOfFile: folder.file(file), encoding: .utf8).contains("mailarc"))
            }
        }
    }
}
