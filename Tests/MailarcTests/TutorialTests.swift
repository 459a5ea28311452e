import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `Documentation/Tutorials.md`, command by command, on a machine that looks like an empty one.
    @Suite("tutorials", .timeLimit(.minutes(5)), .enabled(if: TutorialMachine.canRun, "no root, Postfix or overlays"))
    struct TutorialTests {
        private func run(_ heading: String) async throws -> String {
            let folder = try TestFolder("tutorial", in: "/tmp")
            defer { folder.remove() }
            var command = ProcessCommand(
                "bash",
                [
                    Repository.script("tutorial-machine"), "\(Repository.root)/Documentation/Tutorials.md", heading,
                    try #require(MailarcProgram.path), folder.path,
                ])
            command.timeout = .seconds(240)
            let result = try await command.run()
            #expect(result.isSuccess, "\(result.ending)\n\(result.output.suffix(6_000))\(result.errors)")
            return result.output
        }

        @Test("an internal mail server: both copies archived once, the skipped ones counted")
        func inside() async throws {
            let output = try await run("An internal mail server")
            for line in [
                "\n1 message\n", "\nanna     Sent            1 ", "\nbert     INBOX           1 ",
                "\nskipped      2 cron\n",
                "\nclean, level 3: ", "/etc/postfix: all of it is there\n", "\nmessages     1 in 2 occurrences\n",
            ] {
                #expect(output.contains(line), "\(line) in \(output)")
            }
        }

        @Test("an external mail server: what comes is fetched, what goes is archived and relayed with the login")
        func outside() async throws {
            let output = try await run("An external mail server")
            for line in [
                "anna-provider: server 1 = archived 1 + quarantined 0; 1 new", "\nanna-provider  INBOX ", "\nanna ",
                "+ [mail.example.net]:587 ********\n", "\nrelayed: anna anna@example.org friend@example.com\n",
                "\nclean, level 3: ",
            ] {
                #expect(output.contains(line), "\(line) in \(output)")
            }
        }
    }
}

/// `tutorial-machine`: namespaces of its own, which need root and a kernel that has them.
private enum TutorialMachine {
    static let canRun: Bool = {
        guard PostfixServer.reasonNotRunnable == nil, findExecutable("dovecot") != nil else { return false }
        let overlay =
            "mount -t tmpfs none /mnt && cd /mnt && mkdir a b c"
            + " && mount -t overlay -o lowerdir=/usr,upperdir=$PWD/a,workdir=$PWD/b none c"
        let namespaces = ProcessCommand(
            "unshare", ["--mount", "--net", "--uts", "--pid", "--fork", "sh", "-c", overlay])
        return (try? namespaces.runBlocking())?.isSuccess ?? false
    }()
}
