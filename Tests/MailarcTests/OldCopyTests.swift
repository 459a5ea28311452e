import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The core property: with outside anchors no older copy of the folder, with every key there ever was, gives back
    /// what was erased; and nothing else is lost.
    @Suite("erasure and older copies", .tags(.heavy), .timeLimit(.minutes(8)))
    struct OldCopyTests {
        @Test(
            "no copy of any stage with any key and today's anchors opens what was erased; today's vault opens the rest")
        func coreProperty() async throws {
            try await withArchive { program in
                let world = try await World(program)
                let mail = try MarkedMail(in: program.folder)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let first = try world.copy("first")
                try await program.run(["key", "rotate", "--log"])
                let more = try MarkedMail(in: program.folder, erasedCount: 2, keptCount: 3)
                try await program.run(["import", "maildir:\(more.path)", "--account", "more"])
                let second = try world.copy("second")
                let kept = try await program.exported("subject:here", label: "before")
                #expect(kept.count == mail.keptCount + more.keptCount)
                for copy in [first, second] {
                    for key in world.keys { #expect(try await world.opens(copy, key), "\(copy): a copy opens before") }
                }
                let report = try await program.json(EraseDocument.self, ["erase", mail.query, "--yes"])
                #expect(report.plan.messages == mail.erasedCount + more.erasedCount && !report.isPending)
                for copy in [first, second] {
                    for key in world.keys {
                        for anchor in world.anchors {
                            try await world.expectShut(copy, key, anchor: anchor, marks: mail.marks)
                        }
                    }
                }
                try await world.expectClean(program, mail, kept)
                try await program.run(["compact"])
                try await world.expectClean(program, mail, kept)
                // One lost anchor is survived, and says so.
                try FileManager.default.removeItem(atPath: world.anchors[0])
                try await world.expectClean(program, mail, kept)
                let list = try await program.run(["anchor", "list"], codes: [13])
                #expect(list.output.contains("one"))
            }
        }

        @Test(
            "on an empty machine the folder opens with passphrase and kit, or with the passphrase where the secret is inside"
        )
        func emptyMachine() async throws {
            try await withArchive { program in
                let world = try await World(program)
                let mail = try MarkedMail(in: program.folder, erasedCount: 2, keptCount: 3)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                try await program.run(["erase", mail.query, "--yes"])
                let kept = try await program.exported("subject:here")
                let kit = try await program.run(["anchor", "kit"]).output
                let machine = try MailarcProgram()
                defer { machine.remove() }
                try FileManager.default.copyItem(atPath: program.archive, toPath: machine.archive)
                try machine.folder.write("kit", kit)
                for anchor in world.anchors { try FileManager.default.removeItem(atPath: anchor) }
                let passphrase = ["-a", machine.archive, "--passphrase-file", program.folder.file("passphrase")]
                try await machine.run(["search", "here"] + passphrase, opens: false, codes: [13])
                try await machine.run(
                    [
                        "export", "subject:here", "--to", "maildir:\(machine.folder.file("out"))", "--recovery-kit",
                        machine.folder.file("kit"),
                    ] + passphrase, opens: false)
                expectEqual(try await Dump.maildir(machine.folder.file("out")), kept)
            }
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder, erasedCount: 2, keptCount: 3)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let kept = try await program.exported("subject:here")
                let machine = try MailarcProgram()
                defer { machine.remove() }
                try FileManager.default.copyItem(atPath: program.archive, toPath: machine.archive)
                expectEqual(try await machine.exported("subject:here"), kept)
            }
        }

        @Test(
            "dying while the secret changes places, the next command finishes",
            arguments: [
                "vault-shards", "anchor-pending", "vault-root", "current-flip", "anchor-destroy", "vault-unlink",
            ])
        func dies(step: String) async throws {
            try await withArchive { program in
                let world = try await World(program)
                let mail = try MarkedMail(in: program.folder, erasedCount: 3, keptCount: 4)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let copy = try world.copy("copy")
                let kept = try await program.exported("subject:here")
                var command = program.command(["erase", mail.query, "--yes"])
                command.environment["MAILARC_FAULT"] = "\(step):1"
                let result = try await command.run()
                #expect(result.isKilled, "the step \(step) was not passed: \(result.ending) \(result.errors)")
                let hits = try await program.json(SearchDocument.self, ["search", mail.query])
                #expect(hits.total == 0)
                #expect(!FileManager.default.fileExists(atPath: program.archive + "/vault/erasing"))
                try await world.expectClean(program, mail, kept)
                for anchor in world.anchors {
                    try await world.expectShut(copy, world.keys[0], anchor: anchor, marks: mail.marks)
                    #expect(
                        try FileManager.default.subpathsOfDirectory(atPath: anchor).filter { $0.contains(".") }.count
                            <= 1)
                }
            }
        }

        @Test("whoever reads meanwhile neither fails nor sees damage")
        func readers() async throws {
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let kept = try await program.exported("subject:here")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<3 {
                        group.addTask {
                            for round in 0..<6 {
                                let target = program.folder.file("reader-\(number)-\(round)")
                                let result = try await program.run(
                                    ["export", "subject:here", "--to", "maildir:\(target)"], codes: [0, 7, 12])
                                #expect(!result.output.contains("PROBLEM"), "\(result.output)")
                                if result.exitCode == 0 { expectEqual(try await Dump.maildir(target), kept) }
                            }
                        }
                    }
                    group.addTask { try await program.run(["erase", mail.query, "--yes"], codes: [0]) }
                    try await group.waitForAll()
                }
                try await program.expectClean()
            }
        }
    }

    /// An archive with two outside anchors, three keys, and a hand that tries every copy with each of them.
    struct World {
        let program: MailarcProgram
        let anchors: [String]
        /// Options that unlock.
        let keys: [[String]]

        init(_ program: MailarcProgram) async throws {
            self.program = program
            anchors = ["one", "two"].map { program.folder.file($0) }
            try program.folder.write("second", String(repeating: "cd", count: 32), mode: 0o600)
            try program.folder.write("passphrase", "correct horse battery staple\n", mode: 0o600)
            try await program.run(["key", "add", "--new-key-file", program.folder.file("second")])
            try await program.run(["key", "add", "--new-passphrase-file", program.folder.file("passphrase")])
            for anchor in anchors { try await program.run(["anchor", "add", "directory", anchor]) }
            keys = [
                ["--key-file", program.folder.file("key")], ["--key-file", program.folder.file("second")],
                ["--passphrase-file", program.folder.file("passphrase")],
            ]
        }

        func copy(_ name: String) throws -> String {
            let target = program.folder.file("copy-\(name)")
            try FileManager.default.copyItem(atPath: program.archive, toPath: target)
            return target
        }

        func opens(_ archive: String, _ key: [String]) async throws -> Bool {
            try await program.run(["stats", "-a", archive] + key, opens: false, codes: [0, 13]).exitCode == 0
        }

        /// The copy stays shut with the anchor as it is now, and with its newest secret put inside.
        func expectShut(_ archive: String, _ key: [String], anchor: String, marks: [String]) async throws {
            let tried = program.folder.file("tried")
            try? FileManager.default.removeItem(atPath: tried)
            try FileManager.default.copyItem(atPath: archive, toPath: tried)
            for command in [["search", "goes"], ["stats"], ["check"], ["rebuild-catalog"], ["list"]] {
                let result = try await program.run(
                    command + ["-a", tried] + key, opens: false, codes: [4, 13])
                #expect(!marks.contains { result.output.contains($0) })
            }
            let secrets = try FileManager.default.subpathsOfDirectory(atPath: anchor).filter { path in
                let type = try? FileManager.default.attributesOfItem(atPath: "\(anchor)/\(path)")[.type]
                return type as? FileAttributeType == .typeRegular
            }
            for secret in secrets {
                try? FileManager.default.removeItem(atPath: "\(tried)/keys/anchors")
                try? FileManager.default.removeItem(atPath: "\(tried)/keys/erasure")
                try FileManager.default.copyItem(atPath: "\(anchor)/\(secret)", toPath: "\(tried)/keys/erasure")
                let result = try await program.run(
                    ["search", "goes", "-a", tried] + key, opens: false, codes: [4, 13])
                #expect(!marks.contains { result.output.contains($0) })
            }
        }

        /// Everything that was kept is there, nothing that was erased, nothing is wrong.
        func expectClean(_ program: MailarcProgram, _ mail: MarkedMail, _ kept: [String]) async throws {
            expectEqual(try await program.exported("subject:here"), kept)
            try await program.expectClean()
            let hits = try await program.json(SearchDocument.self, ["search", mail.query])
            #expect(hits.total == 0)
        }
    }
}
