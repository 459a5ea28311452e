import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Where the erasure secret is, with the real binary.
    @Suite("anchors", .tags(.heavy), .timeLimit(.minutes(3)))
    struct AnchorTests {
        private struct Report: Decodable {
            struct Anchor: Decodable { let name, kind, state: String }
            let epoch: Int
            let anchors: [Anchor]
            let warnings: [String]
        }

        /// An `ssh` that runs the command in a home of its own, as a far host would.
        private func farHost(_ program: MailarcProgram) throws -> [String: String] {
            let home = program.folder.file("far")
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            try program.folder.write(
                "bin/ssh",
                """
                #!/bin/sh
                while [ "$1" != -- ]; do shift; done
                [ "$2" = far.example.org ] || exit 255
                HOME='\(home)'; export HOME; cd "$HOME" && exec sh -c "$3"
                """, mode: 0o700)
            try program.folder.write(
                "bin/mailarc-anchor-box",
                """
                #!/bin/sh
                d='\(program.folder.file("box"))'; mkdir -p "$d"
                case $1 in
                list) for f in "$d/$2".*; do [ -f "$f" ] && echo "${f##*.}"; done; exit 0;;
                read) [ -f "$d/$2.$3" ] || exit 44; cat "$d/$2.$3";;
                store) cat > "$d/$2.$3";;
                keep) for f in "$d/$2".*; do [ "$f" = "$d/$2.$3" ] || rm -f "$f"; done;;
                esac
                """, mode: 0o700)
            return ["PATH": program.folder.file("bin") + ":/usr/local/bin:/usr/bin:/bin"]
        }

        private func fill(_ program: MailarcProgram) async throws {
            try FileManager.default.createDirectory(
                atPath: program.folder.file("mail/INBOX"), withIntermediateDirectories: true)
            try program.folder.write("mail/INBOX/1.eml", "From: a@example.org\r\nSubject: one\r\n\r\nbody\r\n")
            try await program.run(["import", "eml:\(program.folder.file("mail"))", "--account", "old"])
        }

        private func report(
            _ program: MailarcProgram, _ arguments: [String], _ environment: [String: String], codes: Set<Int32> = [0]
        ) async throws -> Report {
            struct Document: Decodable { let result: Report }
            let result = try await program.run(arguments + ["--json"], codes: codes, environment: environment)
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        @Test("the secret moves to a directory, a far host and a program; one of them is enough, and back inside again")
        func kinds() async throws {
            try await withArchive { program in
                let world = try farHost(program)
                try await fill(program)
                let plan = try await report(
                    program, ["anchor", "add", "directory", program.folder.file("one"), "--dry-run"], world)
                #expect(plan.epoch == 0)
                let first = try await report(
                    program, ["anchor", "add", "directory", program.folder.file("one")], world)
                #expect(first.epoch == 1)
                #expect(first.warnings.count == 1)
                _ = try await report(program, ["anchor", "add", "ssh", "far.example.org:deep/er place"], world)
                let all = try await report(program, ["anchor", "add", "exec", "box", "--name", "safe"], world)
                #expect(all.anchors.map(\.name) == ["one", "far.example.org", "safe"])
                #expect(all.warnings.isEmpty)
                #expect(!FileManager.default.fileExists(atPath: program.archive + "/keys/erasure"))
                let test = try await report(program, ["anchor", "test"], world)
                #expect(test.anchors.map(\.state) == ["works", "works", "works"])

                for (lost, name) in [("one", "one"), ("far", "far.example.org"), ("box", "safe")] {
                    try FileManager.default.moveItem(
                        atPath: program.folder.file(lost), toPath: program.folder.file("lost"))
                    if lost == "far" {
                        try FileManager.default.createDirectory(
                            atPath: program.folder.file(lost), withIntermediateDirectories: false)
                    }
                    try await program.run(["check"], environment: world)
                    let list = try await report(program, ["anchor", "list"], world, codes: [13])
                    #expect(list.anchors.filter { $0.state != "ready" }.map(\.name) == [name])
                    try? FileManager.default.removeItem(atPath: program.folder.file(lost))
                    try FileManager.default.moveItem(
                        atPath: program.folder.file("lost"), toPath: program.folder.file(lost))
                }
                for name in ["one", "far.example.org", "safe"] {
                    try await program.run(["anchor", "remove", name], environment: world)
                }
                try await program.run(["check"])
                #expect(FileManager.default.fileExists(atPath: program.archive + "/keys/erasure"))
                #expect(!FileManager.default.fileExists(atPath: program.archive + "/keys/anchors"))
            }
        }

        @Test("the folder and a kit open elsewhere when all anchors are lost, until the next epoch")
        func kit() async throws {
            try await withArchive { program in
                try await fill(program)
                let one = program.folder.file("one")
                try await program.run(["anchor", "add", "directory", one])
                let kit = try await program.run(["anchor", "kit", "--svg", program.folder.file("kit.svg")])
                try program.folder.write("kit", kit.output)
                let copy = program.folder.file("copy")
                try FileManager.default.copyItem(atPath: program.archive, toPath: copy)
                try FileManager.default.moveItem(atPath: one, toPath: one + ".lost")
                let shut = try await program.run(["search", "one"], codes: [13])
                #expect(shut.errors.contains("no anchor gives the erasure secret"))
                let open = try await program.run(["search", "one", "--recovery-kit", program.folder.file("kit")])
                #expect(open.output.contains("one"))
                // A slip of the pen is found, and named.
                let slip = kit.output.replacingOccurrences(of: "line 3:  ", with: "line 3:  0")
                try program.folder.write("slip", slip)
                let wrong = try await program.run(
                    ["search", "one", "--recovery-kit", program.folder.file("slip")], codes: [64])
                #expect(wrong.errors.contains("line 3"))
                try await program.run(["anchor", "recover", "--recovery-kit", program.folder.file("kit")])
                try await program.run(["check"])
                try await program.run(["anchor", "add", "directory", program.folder.file("two")])
                // A new epoch: the old folder stays shut, whatever anchors and kit are there.
                var old = program
                old.archive = copy
                try await old.run(["search", "one"], codes: [13])
                let late = try await old.run(
                    ["search", "one", "--recovery-kit", program.folder.file("kit")], codes: [0, 13])
                #expect(late.exitCode == 0, "a kit opens the copies of its own epoch, which is why it is destroyed")
                try await program.run(["search", "one"])
                try await program.run(["anchor", "remove", "nobody"], codes: [12])
                try await program.run(["anchor", "add", "directory", program.archive + "/x"], codes: [64])
                try await program.run(["anchor", "add", "ssh", "-oProxyCommand=x"], codes: [13, 64])
            }
        }
    }
}
