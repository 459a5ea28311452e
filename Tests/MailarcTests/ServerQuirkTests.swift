import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The quirks of Documentation/Servers.md, each shown by a scripted server to the real binary.
    @Suite("server quirks", .timeLimit(.minutes(15)))
    struct ServerQuirkTests {
        @Test("a source: nothing is lost, doubled or deleted, and the next run goes on", arguments: ServerQuirk.sources)
        func source(_ quirk: ServerQuirk) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for strategy in ["backup", "two-way", "copy"] {
                    group.addTask { try await Scene.with(quirk, strategy) { try await $0.follow() } }
                }
                group.addTask { try await Scene.with(quirk, "pull") { try await $0.pull() } }
                try await group.waitForAll()
            }
        }

        @Test(
            "a destination: what it does not take is told, and comes once it is taken",
            arguments: ServerQuirk.destinations)
        func destination(_ quirk: ServerQuirk) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for strategy in ["backup", "two-way", "copy"] {
                    group.addTask { try await ServerPair.with(quirk, strategy) { try await $0.follow() } }
                }
                try await group.waitForAll()
            }
        }
    }
}

/// One server, one destination, and the runs between them.
private struct Scene {
    let quirk: ServerQuirk
    let strategy: String
    let server: ScriptedIMAPServer
    let program: MailarcProgram

    static func with(_ quirk: ServerQuirk, _ strategy: String, _ body: (Scene) async throws -> Void) async throws {
        try await ScriptedIMAPServer.with(quirk.model) { server in
            let program = try MailarcProgram()
            defer { program.remove() }
            try await program.addAccount(port: server.port)
            let scene = Scene(quirk: quirk, strategy: strategy, server: server, program: program)
            try await body(scene)
            quirk.proves(server)
        }
    }

    private var label: String { "\(quirk.name), \(strategy)" }
    private var codesAtFirst: Set<Int32> { quirk.isLate ? [0] : quirk.codes }

    // MARK: Between stores

    /// Runs before, while and after things change.
    func follow() async throws {
        let before = subjects.sorted()
        let first = try await sync(codesAtFirst)
        for word in quirk.words { #expect(first.contains(word), "\(label): \(first)") }
        let arrived = before.filter { quirk.isLate || !isHeld($0) }
        try expectMail(arrived, "first")
        let second = try await sync(codesAtFirst)
        try expectMail(arrived, "second")
        #expect(quirk.isRestless || codesAtFirst != [0] || second.contains("nothing to do"), "\(label): \(second)")
        #expect(subjects.sorted() == before, "\(label): the server was changed")
        change()
        let third = try await sync(quirk.codes)
        var expected = arrived + ["INBOX new"].filter { !quirk.held.contains($0) }
        if strategy != "copy", !quirk.keepsGone { expected.removeAll { $0 == "INBOX 2" } }
        let isWaiting = quirk.waits && strategy != "copy"
        try expectMail(expected + (isWaiting ? ["INBOX 2"] : []), "third: \(third)")
        if isWaiting {
            for _ in 0..<5 { _ = try await sync(quirk.codes) }
            try expectMail(expected, "once nothing waits any more")
        }
        if !quirk.keepsFlags { #expect(try isFlagged("INBOX 5"), "\(label): \(third)") }
        if strategy == "two-way" { try await comeBack(&expected) }
        try await heal()
    }

    /// What changes in the Maildir goes to the server.
    private func comeBack(_ expected: inout [String]) async throws {
        let gone = try mail().first { $0.subject == "INBOX 4" }
        if let gone { try FileManager.default.removeItem(atPath: gone.path) }
        for part in ["cur", "new", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        try Data(ServerQuirk.message("from B")).write(to: URL(fileURLWithPath: folder + "/new/1.fromB.host"))
        let text = try await sync(quirk.codes)
        let isGone = gone != nil && !subjects.contains("INBOX 4")
        #expect(isGone != (quirk.keepsGoneThere ?? quirk.keepsGone), "\(label): \(text)")
        #expect(subjects.contains("from B") != quirk.held.contains("from B"), "\(label): \(text)")
    }

    /// The server is as it should be again: both ends are equal, and then nothing is left to do.
    private func heal() async throws {
        server.update { model in
            (model.faults, model.quirks, model.messageLimit) = (.init(), .init(), nil)
        }
        _ = try await sync([0])
        let last = try await sync([0])
        #expect(last.contains("nothing to do"), "\(label): \(last)")
        let (here, there) = (try mail().map(\.subject).sorted(), subjects.sorted())
        #expect(Set(here).count == here.count && Set(there).count == there.count, "\(label): \(here) \(there)")
        #expect(strategy == "copy" ? Set(there).isSubset(of: here) : here == there, "\(label): \(here) \(there)")
    }

    private func change() {
        server.update { model in
            model.change(quirk.inbox) { mailbox in
                mailbox.expunge(2)
                mailbox.setFlags(5, ["\\Seen", "\\Flagged"])
                mailbox.append(ServerQuirk.message("INBOX new"))
            }
            quirk.later(&model)
        }
    }

    private func sync(_ codes: Set<Int32>) async throws -> String {
        try await text(["sync", "test", "maildir:" + folder, "--strategy", strategy], codes, opens: false)
    }

    private func text(_ arguments: [String], _ codes: Set<Int32>, opens: Bool) async throws -> String {
        let result = try await program.run(
            arguments, opens: opens, codes: codes,
            environment: ["XDG_STATE_HOME": program.folder.file("state"), "NO_COLOR": "1"])
        return result.output + result.errors
    }

    // MARK: Into an archive

    func pull() async throws {
        try await program.create()
        let before = subjects.sorted()
        let arrived = before.filter { quirk.isLate || !isHeld($0) }
        for when in ["first", "second"] {
            _ = try await pullOnce(codesAtFirst)
            try await expectArchived(arrived, when)
        }
        #expect(subjects.sorted() == before, "\(label): the server was changed")
        change()
        _ = try await pullOnce(quirk.codes)
        server.update { ($0.faults, $0.quirks, $0.messageLimit) = (.init(), .init(), nil) }
        _ = try await pullOnce([0])
        let last = try await pullOnce([0])
        #expect(last.contains("nothing changed"), "\(label): \(last)")
        try await expectArchived(subjects, "last")
        try await program.expectClean()
    }

    private func pullOnce(_ codes: Set<Int32>) async throws -> String { try await text(["pull"], codes, opens: true) }

    private func expectArchived(_ expected: [String], _ when: String) async throws {
        let target = program.folder.file("export-\(UInt32.random(in: 0...UInt32.max))")
        try await program.run(["export", "", "--to", "maildir:\(target)"], codes: expected.isEmpty ? [0, 12] : [0])
        let found = try Self.mail(in: target).map(\.subject).sorted()
        #expect(found == expected.sorted(), "\(label), \(when)")
    }

    // MARK: Mail

    private struct Mail {
        var folder: String
        var path: String
        var subject: String
        var octets: [UInt8]
    }

    private var folder: String { program.folder.file("B") }

    private func isHeld(_ subject: String) -> Bool { quirk.held.contains(subject) }

    /// Of all messages on the server.
    private var subjects: [String] {
        server.model.mailboxes.flatMap { $0.messages.map { ServerQuirk.subject($0.octets) } }
    }

    private func mail() throws -> [Mail] { try Self.mail(in: folder) }

    private static func mail(in root: String) throws -> [Mail] {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: root) else { return [] }
        return try ([""] + names.filter { $0.hasPrefix(".") }.sorted()).flatMap { name in
            try ["cur", "new"].flatMap { part -> [Mail] in
                let path = "\(root)/\(name)/\(part)"
                return try (try? files.contentsOfDirectory(atPath: path))?.map { file in
                    let octets = try Array(Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")))
                    return Mail(
                        folder: name, path: "\(path)/\(file)", subject: ServerQuirk.subject(octets), octets: octets)
                } ?? []
            }
        }
    }

    /// Exactly these are in the Maildir, octet for octet, in the folders they belong to.
    private func expectMail(_ expected: [String], _ when: String) throws {
        let mail = try mail()
        #expect(mail.map(\.subject).sorted() == expected.sorted(), "\(label), \(when)")
        for item in mail where item.octets != ServerQuirk.message(item.subject) {
            Issue.record("\(label), \(when): \(item.subject) has other octets")
        }
        let folders = Set(mail.map(\.folder)).subtracting([""])
        if !mail.isEmpty { #expect(folders.isSubset(of: quirk.folders), "\(label), \(when): \(folders)") }
    }

    private func isFlagged(_ subject: String) throws -> Bool {
        try mail().contains { $0.subject == subject && $0.path.split(separator: ",").last?.contains("F") == true }
    }
}
