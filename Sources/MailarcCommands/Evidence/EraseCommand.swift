import ArgumentParser
import Glibc
import MailarcKit

/// `mailarc erase`
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase messages for ever, and say so in the ledger.",
        discussion: """
            Destroys the keys of the messages, of attachments no other message has, and of everything that was derived \
            from them. Shows first what will go and asks; without a terminal it wants --yes. Killed on the way, the next \
            command goes on. The messages stay on the mail server and are not taken again. \
            What it proves and what not: Documentation/Erasure.md.
            EXAMPLES:
              mailarc erase -a ~/mail.archive from:anna@example.org --dry-run
              mailarc erase -a ~/mail.archive from:anna@example.org --basis gdpr-17
              mailarc erase -a ~/mail.archive --id 5b1d0c --yes
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Erase the message with this id or unique prefix; may be given several times.") var id: [String] = []
    @Option(
        help: ArgumentHelp(
            "Why, one word for the ledger: gdpr-17, retention, court, request, …", valueName: "word"))
    var basis = "request"
    @Flag(help: "Show what would be erased, and do nothing.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Leave no tombstones: the next pull takes again what is still on the server.") var forget = false
    @Argument(help: "The query, as for search; several arguments are one query.") var query: [String] = []

    func validate() throws {
        guard !query.isEmpty || !id.isEmpty else { throw ValidationError("name the messages: a query, or --id") }
        let isWord = basis.utf8.allSatisfy { octet in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) || octet == UInt8(ascii: "-")
        }
        guard isWord, (1...64).contains(basis.utf8.count) else {
            throw ValidationError("--basis takes one word of a-z, 0-9 and -")
        }
    }

    func run() async throws {
        let text = query.isEmpty ? nil : query.joined(separator: " ")
        let (ids, output) = (id, output.output)
        let report: ErasureReport? = try await archive.with { workspace throws(KitError) in
            let selection = try await workspace.planErasure(query: text, ids: ids)
            guard !dryRun else {
                try render(selection.report, output)
                return nil
            }
            if !yes { try confirm(selection.report) }
            return try await workspace.erase(selection, basis: basis, forgets: forget)
        }
        guard let report else { return }
        try output.render(report, command: "erase", text: Self.lines)
        if report.isPending { throw Outcome(status: .incomplete) }
    }

    private func render(_ plan: ErasurePlanReport, _ output: Output) throws(KitError) {
        do {
            try output.render(plan, command: "erase") { Self.lines($0) + ["nothing was erased (--dry-run)"] }
        } catch { throw KitError(.internalError, "the plan cannot be shown", cause: error) }
    }

    /// Shows the plan on the terminal and wants the number of messages typed.
    private func confirm(_ plan: ErasurePlanReport) throws(KitError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw KitError(
                .usage, "\(Format.plural(plan.messages, "message")) would be erased for ever; nothing was",
                hint: "look first with --dry-run, then give --yes")
        }
        let question = Self.lines(plan) + ["", "This cannot be undone. To go on type the number of messages: "]
        Output.write(Array(Output.printable(question.joined(separator: "\n")).utf8), to: STDERR_FILENO)
        let answer = readLine()?.filter { !$0.isWhitespace && $0 != "," }
        guard answer == String(plan.messages) else {
            throw KitError(.cancelled, "nothing was erased")
        }
    }

    static func lines(_ plan: ErasurePlanReport) -> [String] {
        var lines = MessageText.lines(plan.sample)
        if plan.messages > plan.sample.count { lines.append("… and \(plan.messages - plan.sample.count) more") }
        lines += [
            "",
            "\(Format.plural(plan.messages, "message")), \(Format.octets(plan.octets)), "
                + "in \(Format.plural(plan.occurrences, "occurrence")):",
        ]
        lines += plan.mailboxes.map { place in
            "  \(place.account):\(place.mailbox)  \(Format.count(place.occurrences))"
                + (place.goes ? "  (nothing else was ever in it: its name goes, too)" : "")
        }
        lines.append(
            "parts that go: \(Format.count(plan.dyingParts)); parts that stay because other messages have them: "
                + Format.count(plan.sharedParts))
        lines.append(
            "event records written again: \(Format.count(plan.eventRecords)); octets without a key afterwards: "
                + Format.octets(plan.deadOctets))
        if plan.onServer > 0 {
            lines.append(
                "\(Format.count(plan.onServer)) of the occurrences may still be on the mail server; erase "
                    + "never touches a server")
        }
        lines.append(
            plan.anchors.isEmpty
                ? "The erasure secret lies inside this folder: an older copy of the folder still opens with its "
                    + "passphrase. To change that: mailarc anchor add"
                : "Anchors: \(plan.anchors.joined(separator: ", ")). Older copies of the folder will not open any more."
        )
        return lines
    }

    static func lines(_ report: ErasureReport) -> [String] {
        if report.isPending {
            return [
                "PENDING: \(Format.plural(report.plan.messages, "message")) hidden, keys not yet destroyed: "
                    + (report.reason ?? "an anchor cannot be reached"),
                "the next command that reaches all anchors goes on by itself",
            ]
        }
        var lines = [
            "Erased: \(Format.plural(report.plan.messages, "message")), \(Format.plural(report.keys, "key")), "
                + "ledger leaf \(report.intent), epoch \(report.epoch)"
        ]
        lines += report.anchors.map { "  anchor \($0)" }
        lines.append(
            "what remains: compact gives back \(Format.octets(report.plan.deadOctets)); copies of this folder "
                + (report.plan.anchors.isEmpty ? "still hold the messages until they are refreshed" : "do not open"))
        lines.append(
            report.plan.onServer > 0
                ? "the mail server may still hold \(Format.plural(report.plan.onServer, "copy")); "
                    + (report.isForgotten ? "the next pull takes them again" : "they will not be taken again")
                : "other systems (exports, mail servers, printed mail) are not touched")
        lines += report.writerHosts.map {
            "copies of what the host \($0.name) sealed since \($0.opensSince) open with the archive's keys until a later "
                + "week of it is adopted: destroy them"
        }
        return lines
    }
}
