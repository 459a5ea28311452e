import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// With encryption on, no word of the mail is anywhere on disk.
    @Suite("leaks")
    struct LeakTests {
        /// 100 words that occur nowhere else, shared out over every place a message has.
        static let markers = (0..<100).map { number in
            "Qz\(String(UInt64(number) &* 0x9e37_79b9_7f4a_7c15 | 1 << 63, radix: 36))mk\(number)"
        }

        @Test("100 markers are found nowhere in archive, temporary files and logs")
        func markers() async throws {
            try await withArchive { program in
                let source = try fillMaildir(in: program.folder)
                try await program.run(["import", "maildir:\(source)", "--account", "import"])
                for marker in Self.markers.prefix(5) { try await program.run(["search", marker]) }
                try await program.run(["rebuild-catalog"])
                // Killed in the middle: what a crash leaves behind must not tell either.
                var command = program.command(["rebuild-catalog"])
                command.killAfter = .milliseconds(40)
                _ = try await command.run()
                try FileManager.default.removeItem(atPath: source)
                try expectNoMarkers(below: program.folder.path)
            }
        }

        @Test("a sync with an account of the archive writes no word of the mail, nor does one that is killed")
        func synced() async throws {
            try await withArchive { program in
                let source = try fillMaildir(in: program.folder)
                // Outside of what is looked through: the other end is mail in the clear.
                let target = try TestFolder("leak")
                defer { target.remove() }
                let environment = ["XDG_STATE_HOME": program.folder.file("home")]
                for ends in [["maildir:\(source)", "archive:kept"], ["archive:kept", "maildir:\(target.path)/m"]] {
                    let line = ["sync"] + ends + ["--strategy", "two-way"]
                    var command = program.command(line)
                    command.environment.merge(environment) { $1 }
                    command.environment["MAILARC_FAULT"] = "catalog:4"
                    _ = try await command.run()
                    try await program.run(line, environment: environment)
                    let again = try await program.run(line, environment: environment)
                    #expect(again.output.contains("nothing to do"), "\(again.output)")
                }
                let states = TestFolder.files(below: program.archive + "/state")
                #expect(states.filter { $0.hasPrefix("pair-") && $0.hasSuffix(".db") }.count == 2, "\(states)")
                try FileManager.default.removeItem(atPath: source)
                try expectNoMarkers(below: program.folder.path)
            }
        }

        @Test("a search with a marker finds its message, so the markers were really archived")
        func found() async throws {
            try await withArchive { program in
                let source = try fillMaildir(in: program.folder)
                try await program.run(["import", "maildir:\(source)", "--account", "import"])
                let bodies = Self.markers.enumerated().filter { $0.offset % 5 == 1 }
                for (_, marker) in bodies.prefix(6) {
                    #expect(try await program.run(["search", marker]).output.contains("marked"), "\(marker)")
                }
            }
        }

        @Test("a wrong passphrase is one line and exit code 5")
        func wrongPassphrase() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try program.folder.write("right", "correct horse\n", mode: 0o600)
            try program.folder.write("wrong", "incorrect horse\n", mode: 0o600)
            let archive = ["-a", program.archive, "--passphrase-file"]
            try await program.run(["init"] + archive + [program.folder.file("right")], opens: false)
            let result = try await program.run(
                ["stats"] + archive + [program.folder.file("wrong")], opens: false, codes: [5])
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            #expect(!result.errors.contains("incorrect horse"))
            try await program.run(["stats"] + archive + [program.folder.file("right")], opens: false)
        }

        private func fillMaildir(in folder: TestFolder) throws -> String {
            let maildir = try MaildirFiller(root: folder.file("source"))
            for number in 0..<20 {
                let words = Self.markers[(number * 5)..<(number * 5 + 5)].map { $0 }
                let attachment = Data("attached \(words[2])\n".utf8).base64EncodedString()
                let text = """
                    From: \(words[0]) <\(words[3])@example.org>
                    Subject: marked \(words[0])
                    Content-Type: multipart/mixed; boundary=b

                    --b
                    Content-Type: text/plain

                    marked \(words[1])
                    --b
                    Content-Type: text/plain; name="\(words[4]).txt"
                    Content-Transfer-Encoding: base64

                    \(attachment)
                    --b--

                    """
                try maildir.add(Array(text.utf8), to: number % 2 == 0 ? "INBOX" : "box-\(words[3])", number: number)
            }
            return maildir.root
        }

        /// Looks for every marker as UTF-8, UTF-16 (both orders) and base64 (three alignments) in files and names.
        private func expectNoMarkers(below path: String) throws {
            let needles = Self.markers.flatMap(forms)
            for file in TestFolder.files(below: path) {
                let octets = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"))
                for (form, needle) in needles where octets.range(of: needle) != nil {
                    Issue.record("\(file) holds a marker as \(form)")
                }
                for marker in Self.markers { #expect(!file.contains(marker)) }
            }
        }

        private func forms(_ marker: String) -> [(String, Data)] {
            var forms: [(String, Data)] = [
                ("UTF-8", Data(marker.utf8)), ("lower case", Data(marker.lowercased().utf8)),
            ]
            for (name, encoding) in [("UTF-16LE", String.Encoding.utf16LittleEndian), ("UTF-16BE", .utf16BigEndian)] {
                if let octets = marker.data(using: encoding) { forms.append((name, octets)) }
            }
            for shift in 0..<3 {
                let coded = (Data(repeating: 0x41, count: shift) + Data(marker.utf8)).base64EncodedString()
                // The first and last group depend on the neighbours: compare the middle.
                forms.append(("base64", Data(coded.dropFirst(4).dropLast(4).utf8)))
            }
            return forms
        }
    }
}
