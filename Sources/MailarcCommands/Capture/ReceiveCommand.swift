import ArgumentParser
import MailarcKit

/// `mailarc receive`
struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Take mail over LMTP or SMTP, from Postfix or any other mail server.",
        discussion: """
            A message is answered with 250 only after it is durable in the archive (fsync; messages of many connections \
            share one). What cannot be stored now (no room, another command writes, the end of the service) is answered \
            with 4xx, and the mail server keeps it. A message that is sent again is archived once. The octets are \
            archived as they came; sender, recipients, client, time and TLS are kept beside them ('mailarc show').
            Recipients are routed to accounts by [[receive.route]] in the configuration; --account takes the rest. The \
            archive is open only while mail is stored: pull, check and search work beside it. SIGTERM ends it cleanly.
            A route with 'journal = true' takes journal reports of Exchange and Microsoft 365 apart: the report goes to \
            the mailbox Journal, the message in it where the route says. [[capture.rule]] files spam in the mailbox Junk, or \
            skips mail: the ledger counts it under the rule's name.
            With --outbox and --credential this machine needs no archive and no key: it seals mail for the owner of one \
            ('mailarc writer'), and can read none of it.
            Documentation/Capture.md has the lines for Postfix, a systemd unit and every guarantee.

            EXAMPLES:
              mailarc receive -a ~/mail.archive --lmtp 127.0.0.1:2424 --account everything
              mailarc receive -a /srv/mail.archive --lmtp unix:/var/spool/postfix/mailarc/lmtp --json
              mailarc receive -a /srv/mail.archive --smtp 192.0.2.1:25 --allow-network 192.0.2.0/24 \\
                --tls-certificate /etc/mailarc/cert.pem --tls-key /etc/mailarc/key.pem --require-tls
              mailarc receive --outbox /var/lib/mailarc/outbox --credential /etc/mailarc/credential \\
                --lmtp unix:/var/spool/postfix/mailarc/lmtp --account everything

            CONFIGURATION, ~/.config/mailarc/config.toml:
              [[receive.route]]
              recipient = "*_rcv@archive.example.org"
              account = "{1}"
              direction = "received"
              [[receive.route]]
              recipient = "*_snd@archive.example.org"
              account = "{1}"
              direction = "sent"
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup(title: "Write-only host") var sealing: OutboxOptions
    @Flag(help: "Print one JSON document a line (schema in Documentation/JSON.md).") var json = false
    @Flag(name: [.customShort("q"), .long], help: "Print trouble only.") var quiet = false
    @Option(
        help: ArgumentHelp(
            "Take LMTP at unix:/path, 127.0.0.1:PORT or [::1]:PORT; may be repeated.", valueName: "address")
    )
    var lmtp: [String] = []
    @Option(help: ArgumentHelp("Take SMTP there; may be repeated.", valueName: "address")) var smtp: [String] = []
    @OptionGroup var capture: CaptureOptions
    @Option(
        help: ArgumentHelp(
            "Serve TCP clients of this network (default: this machine); may be repeated.", valueName: "network"))
    var allowNetwork: [String] = []
    @Option(help: ArgumentHelp("PEM file with the certificate for STARTTLS.", valueName: "file"))
    var tlsCertificate: String?
    @Option(help: ArgumentHelp("PEM file with its key.", valueName: "file")) var tlsKey: String?
    @Flag(help: "Take no mail in the clear.") var requireTls = false
    @Option(help: "The name it greets with (default: the machine's).") var hostname: String?
    @Option(help: ArgumentHelp("Who may connect to a unix socket, octal (default: 660).", valueName: "mode"))
    var socketMode: String?
    @Option(help: ArgumentHelp("Connections at once (default: 2000).", valueName: "n")) var maxConnections = 2_000
    @Option(help: ArgumentHelp("Close what says nothing for so many seconds (default: 300).", valueName: "n"))
    var idleTimeout = 300
    @Option(
        help: ArgumentHelp(
            "Seconds mail waits for another command that writes, before 4xx (default: 30).", valueName: "n"))
    var lockTimeout = 30
    @Flag(help: "Keep a CR without LF in a message instead of refusing the message.") var acceptBareCr = false
    @OptionGroup var compression: CompressionOptions

    func validate() throws {
        guard (1...100_000).contains(maxConnections), (1...86_400).contains(idleTimeout),
            (0...3_600).contains(lockTimeout)
        else { throw ValidationError("--max-connections, --idle-timeout or --lock-timeout is out of range") }
        if let socketMode, Int(socketMode, radix: 8).map({ (0...0o777).contains($0) }) != true {
            throw ValidationError("--socket-mode takes an octal number such as 660")
        }
    }

    func run() async throws {
        let request = try request()
        let (output, isQuiet) = (Output(isJSON: json, isQuiet: false), quiet)
        let handler: CaptureHandler = { event in
            guard !isQuiet || event.isTrouble else { return }
            try? output.render(event, command: "receive") { [CaptureText.line($0)] }
        }
        if let outbox = try sealing.outbox(command: "mailarc receive") {
            return try await StopSignals.cancelling { () throws(KitError) in
                try await outbox.receive(request, handler)
            }
        }
        let workspace = try await archive.open()
        try await StopSignals.cancelling { () throws(KitError) in try await workspace.receive(request, handler) }
    }

    private func request() throws(KitError) -> ReceiveRequest {
        let file = try ReceiveConfiguration(configuration.file())
        var request = ReceiveRequest()
        request.lmtp = lmtp.isEmpty && smtp.isEmpty ? try file.texts("lmtp") : lmtp
        request.smtp = lmtp.isEmpty && smtp.isEmpty ? try file.texts("smtp") : smtp
        guard !request.lmtp.isEmpty || !request.smtp.isEmpty else {
            throw KitError(
                .usage, "nothing says where to listen",
                hint: "--lmtp unix:/path or 127.0.0.1:PORT, --smtp ADDRESS, or [receive] in the configuration")
        }
        (request.routes, request.rules, request.scanner) = (capture.routes(file), file.rules, file.scanner)
        request.allowedRecipients = try capture.recipients(file)
        request.networks = allowNetwork.isEmpty ? try file.texts("networks") : allowNetwork
        request.maximumMessageSize = try capture.messageSize(file)
        request.certificateFile = tlsCertificate ?? file.text("tls-certificate")
        request.keyFile = tlsKey ?? file.text("tls-key")
        request.requiresTLS = requireTls || file.flag("require-tls")
        guard (request.certificateFile == nil) == (request.keyFile == nil) else {
            throw KitError(.usage, "a certificate and its key go together: --tls-certificate and --tls-key")
        }
        guard !request.requiresTLS || request.certificateFile != nil else {
            throw KitError(.usage, "--require-tls needs --tls-certificate and --tls-key")
        }
        request.hostName = hostname ?? file.text("hostname")
        if let mode = socketMode ?? file.text("socket-mode") {
            guard let bits = UInt32(mode, radix: 8), bits <= 0o777 else {
                throw KitError(.usage, "socket-mode is an octal number such as 660, not \(mode)")
            }
            request.socketMode = bits
        }
        (request.spoolFolder, request.maximumConnections) = (capture.spool, maxConnections)
        (request.idleSeconds, request.lockSeconds) = (idleTimeout, lockTimeout)
        (request.acceptsBareCR, request.compressionLevel) = (acceptBareCr, compression.level())
        return request
    }
}

/// An event as one line of a log.
enum CaptureText {
    static func line(_ event: CaptureEvent) -> String {
        let client = event.client.map { " \($0)" } ?? ""
        let recipients = event.recipients?.joined(separator: ", ") ?? ""
        switch event.event {
        case .archived, .repeated, .sealed:
            let places = (event.places ?? []).map { "\($0.account):\($0.mailbox) UID \($0.uid)" }.joined(
                separator: ", ")
            let place =
                switch event.event {
                case .repeated: "sent again, there already"
                case .sealed: "sealed for \(event.text)"
                default: places
                }
            return "\(event.time)\(client) <\(event.sender ?? "")> → \(recipients): \(place), "
                + "\(Format.octets(event.octets ?? 0)), \(event.id ?? "")"
                + (event.original.map { ", journal of \($0)" } ?? "") + (event.note.map { "; \($0)" } ?? "")
                + (event.scan?.reason.map { "; not scanned: \($0)" } ?? "")
        case .skipped:
            return "\(event.time)\(client) <\(event.sender ?? "")> → \(recipients): not kept in \(event.text): "
                + "rule \(event.rule ?? ""), \(Format.octets(event.octets ?? 0))"
        case .refused:
            return "\(event.time)\(client): refused: \(event.code ?? 0) \(event.status ?? "") \(event.text)"
        case .listening, .problem, .stopped: return "\(event.time) \(event.event.rawValue): \(event.text)"
        }
    }
}
