import Foundation
import MailarcTesting
import Testing

extension EndToEnd.ImportTests {
    /// The places of a sample, as the script that made it says, without the dates.
    private func expected(_ name: String, _ program: MailarcProgram) throws -> [String] {
        try String(contentsOfFile: program.folder.file("samples/\(name).expected"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    @Test(
        "mail of other programs comes in as it lay there",
        arguments: [
            "emlx:emlx", "mh:mh", "zip:zip.zip", "zip:stored.zip", "tar:tar.tar", "tar:tar.tar.gz", "tar:tar.tar.zst",
            "takeout:takeout.mbox", "takeout:takeout", "takeout:takeout.zip", "takeout:takeout.tgz",
        ])
    func otherPrograms(_ place: String) async throws {
        let halves = place.split(separator: ":").map(String.init)
        try await withArchive { program in
            let samples = try await makeSamples(program)
            guard FileManager.default.fileExists(atPath: "\(samples)/\(halves[1])") else {
                return print("not run: no \(halves[1]) was made")
            }
            let arguments = ["import", "\(halves[0]):\(samples)/\(halves[1])", "--account", "other"]
            let text = try await program.run(arguments).output
            let lines = try expected(halves[1], program)
            #expect(text.contains("counts: in \(lines.count) = archived \(lines.count) + not taken 0"), "\(text)")
            let found = try await program.exported().map { line in
                line.split(separator: "\t", omittingEmptySubsequences: false).dropLast().joined(separator: "\t")
            }
            expectEqual(found.sorted(), lines.sorted(), place)
            let again = try await program.json(PullDocument.self, arguments)
            #expect(again.newMessages == 0 && again.isUnchanged)
            let contents = try await program.json(StatisticsDocument.self, ["stats"])
            #expect(contents.messages == Set(lines.map { $0.split(separator: "\t")[1] }).count)
            try await program.expectClean()
        }
    }

    private func makeSamples(_ program: MailarcProgram) async throws -> String {
        let path = program.folder.file("samples")
        // Debian's own Python has the module for zstd.
        let python = FileManager.default.fileExists(atPath: "/usr/bin/python3") ? "/usr/bin/python3" : "python3"
        try await ProcessCommand(python, [Repository.script("make-import-samples"), path]).runSuccessfully()
        return path
    }

    @Test("what cannot be taken is told of one by one, and the rest comes")
    func errors() async throws {
        try await withArchive { program in
            try program.folder.write("A.mbox/Messages/1.emlx", "7\nA: b\n\nx<plist/>")
            try program.folder.write("A.mbox/Messages/2.partial.emlx", "7\nA: c\n\nx<plist/>")
            try program.folder.write("A.mbox/Messages/3.emlx", "70\nA: d\n\nx<plist/>")
            let errors = program.folder.file("errors.jsonl")
            let text = try await program.run(
                ["import", "emlx:\(program.folder.file("A.mbox"))", "--errors", errors], codes: [3]
            ).output
            #expect(text.contains("counts: in 3 = archived 1 + not taken 2"), "\(text)")
            struct Line: Decodable {
                let place: String, mailbox: String, reason: String, detail: String
            }
            let lines = try String(contentsOfFile: errors, encoding: .utf8).split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            #expect(lines.map(\.reason) == ["unreadable", "unreadable"] && lines.allSatisfy { $0.mailbox == "A" })
            #expect(Set(lines.map { $0.place.split(separator: "/").last ?? "" }) == ["2.partial.emlx", "3.emlx"])
            #expect(lines.contains { $0.detail.contains("partial") })
        }
    }

    @Test("quoting is undone when asked for, and recorded")
    func fidelity() async throws {
        try await withArchive { program in
            let text =
                "From a@b Thu Nov 20 10:00:00 2003\nA: b\n\n>From x\n>>From y\n\n"
                + "From a@b Thu Nov 20 10:00:01 2003\nA: c\n\nx\n\n"
            try program.folder.write("box", text)
            let place = "mbox:\(program.folder.file("box"))"
            let exact = try await program.run(["import", place, "--account", "exact"]).output
            #expect(exact.contains("fidelity of what is new: 2 exact") && exact.contains("box: mboxrd"), "\(exact)")
            let other = try await program.run(["import", place, "--account", "plain", "--unescape-from"]).output
            #expect(other.contains("fidelity of what is new: 1 exact, 1 From_-unescaped"), "\(other)")
            let ids = try await program.json(SearchDocument.self, ["search", "account:plain"]).messages.map(\.id)
            var shown = ""
            for id in ids { shown += try await program.run(["show", id]).output }
            #expect(shown.contains(", by mbox, unescaped\n") && shown.contains(", by mbox\n"), "\(shown)")
            let statistics = try await program.json(StatisticsDocument.self, ["stats"])
            #expect(statistics.messages == 3)
            try await program.run(["import", "mh:\(program.folder.path)", "--unescape-from"], codes: [64])
        }
    }

    @Test("an import that was killed goes on where it was", arguments: ["mbox:big", "tar:big.tar.gz"])
    func resumed(_ place: String) async throws {
        try await withArchive { program in
            let text = (1...3_000).map { number in
                "From a@b Thu Nov 20 10:00:00 2003\nMessage-ID: <\(number)@x>\n\nbody \(number)\n\n"
            }
            try program.folder.write("big", text.joined())
            try await ProcessCommand(
                "tar", ["-C", program.folder.path, "-czf", program.folder.file("big.tar.gz"), "big"]
            ).runSuccessfully()
            let halves = place.split(separator: ":")
            let arguments = ["import", "\(halves[0]):\(program.folder.file(String(halves[1])))", "--account", "big"]
            var killed = program.command(arguments)
            killed.environment["MAILARC_FAULT"] = "catalog:2"
            let result = try await killed.run()
            #expect(!result.isSuccess)
            let report = try await program.json(PullDocument.self, arguments)
            #expect(report.isBalanced && report.archived == 3_000)
            print("resumed \(place): \(report.newMessages) of 3000 were left")
            #expect(report.newMessages < 3_000)
            #expect(try await program.exported().count == 3_000)
            try await program.expectClean()
        }
    }

    @Test(
        "what is not of its kind is refused in one line",
        arguments: [
            "zip", "tar", "takeout", "pst", "emlx", "mh", "eml", "maildir",
        ])
    func notOfItsKind(_ kind: String) async throws {
        try await withArchive { program in
            try program.folder.write("file", "hello")
            for path in [program.folder.file("file"), program.folder.file("none")] {
                let result = try await program.run(["import", "\(kind):\(path)"], codes: [11])
                #expect(result.errors.split(separator: "\n").count <= 2 && result.output.isEmpty, "\(result.errors)")
            }
        }
    }

    @Test("a PST goes through readpst, and leaves nothing behind")
    func outlook() async throws {
        try await withArchive { program in
            try program.folder.write("mail.pst", "!BDN and more")
            let place = "pst:\(program.folder.file("mail.pst"))"
            // Nothing of that name on PATH: the package is named.
            let missing = try await program.run(
                ["import", place], codes: [11], environment: ["PATH": program.folder.file("nowhere")])
            #expect(missing.errors.contains("pst-utils"), "\(missing.errors)")
            // A stand-in: what matters is what becomes of what it writes.
            try program.folder.write("bin/readpst", Self.standIn, mode: 0o755)
            let path = program.folder.file("bin") + ":/usr/bin:/bin"
            let environment = ["PATH": path, "STAND_IN_LOG": program.folder.file("log")]
            let first = try await program.run(
                ["import", place, "--account", "outlook"], codes: [3], environment: environment)
            #expect(first.output.contains("fidelity of what is new: 2 reconstructed"), "\(first.output)")
            #expect(first.output.contains("PROBLEM readpst left out 4 items of \"Inbox\""), "\(first.output)")
            #expect(first.output.contains("1 other file left alone"), "\(first.output)")
            // Its boundary is another one each time, and the messages are known all the same.
            let second = try await program.run(
                ["import", place, "--account", "outlook"], codes: [3], environment: environment)
            #expect(second.output.contains("counts: in 2 = archived 2 + not taken 0"), "\(second.output)")
            let statistics = try await program.json(StatisticsDocument.self, ["stats"])
            #expect(statistics.messages == 2)
            for folder in try String(contentsOfFile: program.folder.file("log"), encoding: .utf8).split(separator: "\n")
            {
                #expect(!FileManager.default.fileExists(atPath: String(folder)))
                #expect(folder.hasPrefix("/dev/shm/") || folder.hasPrefix(program.folder.path))
            }
            let dump = try await program.exported()
            #expect(dump.contains { $0.hasPrefix("Top.Inbox\t") && $0.contains("\\Seen\t1600000000") }, "\(dump)")
            try program.folder.write("bin/readpst", "#!/bin/sh\nexit 1\n", mode: 0o755)
            let failed = try await program.run(["import", place], codes: [11], environment: environment)
            #expect(failed.errors.contains("exit code 1"), "\(failed.errors)")
        }
    }

    private static let standIn = """
        #!/bin/sh
        while [ "$1" != -o ]; do shift; done
        echo "$2" >> "$STAND_IN_LOG"
        [ "$(stat -c %a "$2")" = 700 ] || exit 9
        mkdir -p "$2/Top/Inbox" && cd "$2/Top/Inbox" || exit 8
        for n in 1 2; do
            printf 'Message-ID: <%s@x>\\nDate: Sun, 13 Sep 2020 12:26:40 +0000\\nStatus: RO\\nContent-Type: multipart/mixed;\\n\\tboundary="--boundary-LibPST-iamunique-%s_-_-"\\n\\nx\\n' $n $$ > $n.eml
        done
        echo contact > 1.vcf
        printf '\\t"Inbox" - 2 items done, 4 items skipped.\\n'
        """
}
