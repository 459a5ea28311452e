import Foundation
import MailarcTesting
import Testing

/// A server without quirks, one with, and the runs from the one to the other.
struct ServerPair {
    let quirk: ServerQuirk
    let strategy: String
    let origin: ScriptedIMAPServer
    let server: ScriptedIMAPServer
    let program: MailarcProgram

    static func with(_ quirk: ServerQuirk, _ strategy: String, _ body: (ServerPair) async throws -> Void) async throws {
        var source = ServerQuirk("").model
        source.change("INBOX") { $0.messages[0].flags = ["\\Seen", "$Label"] }
        quirk.origin(&source)
        var target = ScriptedIMAPServer.Model(
            capabilities: quirk.capabilities, mailboxes: [.init("INBOX", uidValidity: 20)])
        quirk.makes(&target)
        try await ScriptedIMAPServer.with(source) { origin in
            try await ScriptedIMAPServer.with(target) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount("from", port: origin.port)
                try await program.addAccount("to", port: server.port)
                try await body(
                    ServerPair(quirk: quirk, strategy: strategy, origin: origin, server: server, program: program))
                quirk.proves(server)
            }
        }
    }

    private var label: String { "\(quirk.name), \(strategy)" }

    func follow() async throws {
        let before = Self.subjects(origin).sorted()
        let first = try await sync(quirk.codes)
        for word in quirk.words { #expect(first.contains(word), "\(label): \(first)") }
        let later = quirk.laterCodes ?? quirk.codes
        var arrived = before.filter { !quirk.held.contains($0) }
        if quirk.laterCodes == nil { expectMail(arrived, "first: \(first)") }
        let second = try await sync(later)
        expectMail(arrived, "second: \(second)")
        if quirk.laterCodes != nil {
            _ = try await sync(later)
        } else {
            #expect(quirk.isRestless || later != [0] || second.contains("nothing to do"), "\(label): \(second)")
        }
        expectOrigin(before)
        origin.update { model in
            model.change("INBOX") { mailbox in
                mailbox.expunge(2)
                mailbox.setFlags(5, ["\\Flagged", "$Other"])
                mailbox.append(ServerQuirk.message("INBOX new"))
            }
        }
        let third = try await sync(later)
        if strategy != "copy", !quirk.keepsGone { arrived.removeAll { $0 == "INBOX 2" } }
        arrived += ["INBOX new"].filter { !quirk.held.contains($0) }
        expectMail(arrived, "third: \(third)")
        if !quirk.keepsFlags, arrived.contains("INBOX 5"), !quirk.held.contains("INBOX 5") {
            #expect(flags("INBOX 5", server).contains("\\Flagged"), "\(label): \(third)")
        }
        try await heal()
    }

    /// The server is as it should be again: everything is there once, and nothing was lost at the other end.
    private func heal() async throws {
        server.update { model in
            (model.faults, model.quirks, model.quota) = (.init(), .init(), nil)
            model.capabilities = Array(Set(model.capabilities.filter { !$0.hasPrefix("APPENDLIMIT") } + ["UIDPLUS"]))
        }
        let last: Set<Int32> = quirk.heldForGood.isEmpty ? [0] : quirk.codes
        _ = try await sync(last)
        _ = try await sync(last)
        let end = try await sync(last)
        #expect(last != [0] || end.contains("nothing to do"), "\(label): \(end)")
        let (here, there) = (Self.subjects(server).sorted(), Self.subjects(origin).sorted())
        let wanted = there.filter { !quirk.heldForGood.contains($0) }
        #expect(Set(here).count == here.count, "\(label): \(here)")
        #expect(
            strategy == "copy" || quirk.keepsGone ? Set(wanted).isSubset(of: here) : here == wanted,
            "\(label): \(here) \(wanted)")
        #expect(flags("INBOX 1", origin).contains("$Label"), "\(label): a keyword is lost")
        #expect(flags("INBOX 5", origin).contains("$Other"), "\(label): a keyword is lost")
        let keeps = quirk.keepsKeywords && !quirk.held.contains("INBOX 1")
        #expect(!keeps || flags("INBOX 1", server).contains("$Label"), "\(label): a keyword did not arrive")
    }

    private func sync(_ codes: Set<Int32>) async throws -> String {
        let result = try await program.run(
            ["sync", "from", "to", "--strategy", strategy], opens: false, codes: codes,
            environment: ["XDG_STATE_HOME": program.folder.file("state"), "NO_COLOR": "1"])
        return result.output + result.errors
    }

    // MARK: Mail

    private static func subjects(_ server: ScriptedIMAPServer) -> [String] {
        server.model.mailboxes.flatMap { $0.messages.map { ServerQuirk.subject($0.octets) } }
    }

    private func flags(_ subject: String, _ server: ScriptedIMAPServer) -> [String] {
        server.model.mailboxes.lazy.flatMap(\.messages).first { ServerQuirk.subject($0.octets) == subject }?.flags ?? []
    }

    private func expectMail(_ expected: [String], _ when: String) {
        #expect(Self.subjects(server).sorted() == expected.sorted(), "\(label), \(when)")
        let sent = Dictionary(
            origin.model.mailboxes.flatMap(\.messages).map { (ServerQuirk.subject($0.octets), $0.octets) }
        ) { first, _ in first }
        for message in server.model.mailboxes.flatMap(\.messages) {
            let subject = ServerQuirk.subject(message.octets)
            guard let octets = sent[subject], octets != message.octets, !quirk.altered.contains(subject) else {
                continue
            }
            Issue.record("\(label), \(when): \(subject) has other octets")
        }
    }

    private func expectOrigin(_ before: [String]) {
        #expect(Self.subjects(origin).sorted() == before, "\(label): the source was changed")
    }
}
