import ArgumentParser
import Glibc
import MailarcKit

/// Whether messages may go for ever.
struct ErasureConsent: ParsableArguments {
    @Flag(help: "Show what would be erased, and do nothing.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false

    /// Shows `plan` where nothing is to be done, asks where nobody said yes; false: it is not to be done.
    ///
    /// - Throws: `.usage` where nobody can be asked, `.cancelled` where the answer is another.
    func isGiven(for plan: ErasurePlanReport, command: String, _ output: Output) throws(KitError) -> Bool {
        if dryRun {
            try output.show(plan, command: command) { ErasureText.lines($0) + ["nothing was erased (--dry-run)"] }
            return false
        }
        if !yes { try Self.confirm(plan) }
        return true
    }

    /// Shows the plan on the terminal and wants the number of messages typed.
    private static func confirm(_ plan: ErasurePlanReport) throws(KitError) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw KitError(
                .usage, "\(Format.plural(plan.messages, "message")) would be erased for ever; nothing was",
                hint: "look first with --dry-run, then give --yes")
        }
        let question = ErasureText.lines(plan) + ["", "This cannot be undone. To go on type the number of messages: "]
        Output.write(Array(Output.printable(question.joined(separator: "\n")).utf8), to: STDERR_FILENO)
        let answer = readLine()?.filter { !$0.isWhitespace && $0 != "," }
        guard answer == String(plan.messages) else {
            throw KitError(.cancelled, "nothing was erased")
        }
    }
}

/// What people read of an erasure.
enum ErasureText {
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
