import ArgumentParser
import Glibc
import MailarcKit

/// `mailarc deliver`
struct DeliverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliver", abstract: "Archive one message from standard input.",
        discussion: """
            For Postfix pipe(8), procmail, Sieve and .forward. Returns 0 only when the message is durable in the archive; \
            75 tells the caller to keep it and try again: no room, other commands write for too long, a wrong key, no \
            archive. Many may run at once: each waits for its turn. The octets are archived as they come; a From_ line in \
            front of them (procmail, .forward) is taken off and gives the sender where --from does not.
            Routes, accounts and rules are those of 'mailarc receive' (Documentation/Capture.md); --explain prints which \
            rule decides for the message, and archives nothing.

            EXIT CODES: 0 archived (or skipped by a rule, which the ledger counts), 64 command line, 65 empty or too large, 67 no route, 75 try again, 77 not on the list.

            EXAMPLES:
              mailarc deliver -a ~/mail.archive --key-file ~/.mailarc.key --account me < message.eml
              mailarc deliver -a ~/mail.archive --explain --account me < message.eml
              # master.cf of Postfix:
              mailarc unix - n n - 4 pipe flags=q user=mailarc argv=/usr/bin/mailarc deliver \\
                -a /srv/mail.archive --key-file /etc/mailarc/key --from ${sender} --to ${recipient}
              # ~/.procmailrc
              :0 c w
              | mailarc deliver -a $HOME/mail.archive --key-file $HOME/.mailarc.key --account me
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup(title: "Write-only host") var sealing: OutboxOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: [.customShort("f"), .long], parsing: .unconditional,
        help: ArgumentHelp("The envelope sender; empty or MAILER-DAEMON for none.", valueName: "address"))
    var from: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Envelope recipients (default: the user's name).", valueName: "address"))
    var to: [String] = []
    @OptionGroup var capture: CaptureOptions
    @Option(help: ArgumentHelp("Seconds to wait for other commands that write (default: 120).", valueName: "n"))
    var lockTimeout = 120
    @Flag(help: "Print where the message would go and which rule decides; archive nothing.") var explain = false
    @OptionGroup var compression: CompressionOptions

    func validate() throws {
        guard (0...86_400).contains(lockTimeout) else {
            throw ValidationError("--lock-timeout takes 0 to 86400 seconds")
        }
    }

    func run() async throws {
        // A pipe that is closed early must not end us before the code is said.
        _ = signal(SIGPIPE, SIG_IGN)
        do throws(KitError) {
            let (message, request) = try read()
            if explain {
                try render(try await message.explain(request), Self.lines)
            } else if let outbox = try sealing.outbox(command: "mailarc deliver") {
                try render(try await outbox.deliver(message, request), Self.lines)
            } else {
                let workspace = try await Workspace.waiting(for: lockTimeout) { () throws(KitError) in
                    try await archive.open()
                }
                try render(try await workspace.deliver(message, request), Self.lines)
            }
        } catch {
            Output.report(error)
            throw Outcome(status: Self.status(error))
        }
    }

    private func render<Report: Encodable>(_ report: Report, _ lines: (Report) -> [String]) throws(KitError) {
        do { try output.output.render(report, command: "deliver", text: lines) } catch {
            throw KitError(.ioFailed, "the report cannot be written", cause: error)
        }
    }

    /// All of standard input, and what is to become of it.
    private func read() throws(KitError) -> (DeliveredMessage, DeliverRequest) {
        let file = try ReceiveConfiguration(configuration.file())
        var request = DeliverRequest()
        (request.routes, request.rules, request.scanner) = (capture.routes(file), file.rules, file.scanner)
        request.allowedRecipients = try capture.recipients(file)
        request.maximumMessageSize = try capture.messageSize(file)
        request.recipients = to.isEmpty ? [Self.userName] : to
        request.client = "uid \(getuid())"
        (request.lockSeconds, request.compressionLevel) = (lockTimeout, compression.level())
        var input = MessageInput()
        let first = try input.first()
        let sealed = try sealing.folder()
        let folder = if let spool = capture.spool ?? sealed { spool } else { try archive.path() }
        let message = try DeliveredMessage(spoolFolder: folder, limit: request.maximumMessageSize) {
            () throws(KitError) in try input.next()
        }
        guard input.octetCount > 0 else { throw KitError(.unacceptable, "standard input holds no message") }
        // What pipe(8) says for the null reverse-path, and what a From_ line does.
        let sender = from ?? first ?? ""
        request.sender = sender == "MAILER-DAEMON" ? "" : sender
        return (message, request)
    }

    private static var userName: String {
        Secrets.variable("LOGNAME") ?? Secrets.variable("USER") ?? String(getuid())
    }

    /// What has no code of its own may pass, or be put right while the message waits.
    private static func status(_ error: KitError) -> ExitStatus {
        switch error.kind {
        case .unacceptable: .dataError
        case .notFound: .noUser
        case .notPermitted: .notPermitted
        default: .temporary
        }
    }

    private static func lines(_ explanation: DeliverExplanation) -> [String] {
        explanation.decisions.map { decision in
            let time = decision.keep.map { ", for \(Format.period(seconds: $0))" } ?? ""
            let rule = (decision.rule ?? "no rule") + ": \(decision.action)" + time
            return "\(decision.account):\(decision.mailbox) <\(decision.sender)> → "
                + "\(decision.recipients.joined(separator: ", ")): \(rule)"
        } + (explanation.note.map { [$0] } ?? []) + lines(explanation.scan)
    }

    private static func lines(_ scan: CaptureScan?) -> [String] {
        guard let scan else { return [] }
        guard let isSpam = scan.isSpam else { return ["not scanned: \(scan.reason ?? "")"] }
        return ["scanner: \(isSpam ? "spam" : "no spam")" + (scan.score.map { ", \($0) points" } ?? "")]
    }

    static func lines(_ report: DeliverReport) -> [String] {
        let skipped = (report.skipped ?? []).map { "not kept in \($0.account):\($0.mailbox): rule \($0.rule ?? "")" }
        guard let id = report.id, report.isSealed || report.isRepeated || !report.places.isEmpty else { return skipped }
        let places = report.places.map { "\($0.account):\($0.mailbox) UID \($0.uid)" }
        let place = report.isSealed ? "sealed" : report.isRepeated ? "there already" : places.joined(separator: ", ")
        var lines = ["\(place), \(id)" + (report.original.map { ", journal of \($0)" } ?? "")] + skipped
        if let note = report.note { lines.append(note) }
        if let reason = report.scan?.reason { lines.append("not scanned: \(reason)") }
        return lines
    }
}

/// Standard input, without a From_ line.
private struct MessageInput {
    private var held: [UInt8]?
    private(set) var octetCount = 0

    /// LIMIT: a From_ line is an address and a date; a longer line is none.
    private static let lineLimit = 1_024

    /// Reads the beginning; the sender that a From_ line names.
    mutating func first() throws(KitError) -> String? {
        var head: [UInt8] = []
        while head.count < Self.lineLimit, !head.contains(0x0A), let octets = try Self.read() { head += octets }
        held = head.isEmpty ? nil : head
        guard head.starts(with: Array("From ".utf8)), let end = head.firstIndex(of: 0x0A), end < Self.lineLimit else {
            return nil
        }
        held = end + 1 < head.count ? Array(head[(end + 1)...]) : nil
        return String(decoding: head[5..<end].prefix { $0 != 0x20 }, as: UTF8.self)
    }

    /// The next octets; `nil` at the end.
    mutating func next() throws(KitError) -> [UInt8]? {
        let octets = if let held { held } else { try Self.read() }
        held = nil
        octetCount += octets?.count ?? 0
        return octets
    }

    private static func read() throws(KitError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw KitError(.ioFailed, "standard input cannot be read: \(Secrets.describe(errno))")
            }
            return count == 0 ? nil : Array(buffer.prefix(count))
        }
    }
}
