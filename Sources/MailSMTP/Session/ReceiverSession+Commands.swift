extension ReceiverSession {
    mutating func perform(_ command: SMTPCommand, _ actions: inout [Action]) {
        switch command {
        case .hello(let kind, let name): greet(kind, name, &actions)
        case .mail(let path, let parameters): begin(path, parameters, &actions)
        case .recipient(let path, let parameters): add(path, parameters, &actions)
        case .data: data(&actions)
        case .chunk(let count, let isLast): chunk(count, isLast, &actions)
        case .reset:
            abandon(&actions)
            idle(.ok, &actions)
        case .noop: idle(.ok, &actions)
        case .verify: idle(SMTPReply(252, "2.5.2", "Send mail to it, and see"), &actions)
        case .help: idle(SMTPReply(214, "2.0.0", "RFC \(mailProtocol == .lmtp ? "2033" : "5321")"), &actions)
        case .quit:
            end(with: SMTPReply(221, "2.0.0", "Bye"), &actions)
        case .startTLS: startTLS(&actions)
        case .unserved(let name): refuse(SMTPReply(502, "5.5.1", "\(name) is not served here"), &actions)
        case .unknown: refuse(SMTPReply(500, "5.5.2", "The command is not known"), &actions)
        }
    }

    private mutating func greet(_ kind: SMTPCommand.Hello, _ name: String, _ actions: inout [Action]) {
        guard (kind == .lhlo) == (mailProtocol == .lmtp) else {
            refuse(
                SMTPReply(500, "5.5.1", mailProtocol == .lmtp ? "This is LMTP: say LHLO" : "This is SMTP: say EHLO"),
                &actions)
            return
        }
        // RFC 5321 §4.1.4: EHLO in the middle of a session is a RSET, too.
        abandon(&actions)
        hello = (kind, name)
        guard kind != .helo else {
            idle(SMTPReply(250, nil, hostName), &actions)
            return
        }
        var lines = [hostName, "PIPELINING", "SIZE \(limits.messageSize)", "ENHANCEDSTATUSCODES", "8BITMIME"]
        lines += ["SMTPUTF8", "CHUNKING"]
        if offersTLS, tls == nil { lines.append("STARTTLS") }
        idle(SMTPReply(250, nil, lines: lines), &actions)
    }

    private mutating func startTLS(_ actions: inout [Action]) {
        guard tls == nil else { return refuse(SMTPReply(503, "5.5.1", "TLS stands already"), &actions) }
        guard offersTLS else { return refuse(SMTPReply(502, "5.5.1", "STARTTLS is not offered"), &actions) }
        guard input.isEmpty else {
            // What was sent in the clear must not count as said under TLS (CVE-2011-0411).
            end(with: SMTPReply(554, "5.5.0", "Nothing may come behind STARTTLS before TLS"), &actions)
            return
        }
        abandon(&actions)
        actions.append(.send(SMTPReply(220, "2.0.0", "Begin")))
        actions.append(.startTLS)
        phase = .waitingForTLS
    }

    // MARK: Transactions

    private mutating func begin(_ path: SMTPPath, _ parameters: [SMTPParameter], _ actions: inout [Action]) {
        guard let hello else {
            let name = mailProtocol == .lmtp ? "LHLO" : "EHLO"
            return refuse(SMTPReply(503, "5.5.1", "Say \(name) first"), &actions)
        }
        guard tls != nil || !requiresTLS else {
            return refuse(SMTPReply(530, "5.7.0", "Issue STARTTLS first"), &actions)
        }
        guard transaction == nil else { return refuse(SMTPReply(503, "5.5.1", "MAIL was said already"), &actions) }
        if let unavailable { return delay(unavailable, &actions) }
        var transaction = Transaction(sender: path)
        for parameter in parameters {
            if let refusal = apply(parameter, isExtended: hello.kind != .helo, &transaction) {
                return refuse(refusal, &actions)
            }
        }
        guard transaction.isSMTPUTF8 || path.isASCII else {
            return refuse(SMTPReply(553, "5.6.7", "The address needs SMTPUTF8"), &actions)
        }
        guard transaction.announcedSize <= limits.messageSize else { return refuse(.tooLarge, &actions) }
        self.transaction = transaction
        actions.append(.send(SMTPReply(250, "2.1.0", "Ok")))
    }

    /// Says that it cannot be now; that is not the client's error. A 421 ends the session (RFC 5321 §3.8).
    private mutating func delay(_ reply: SMTPReply, _ actions: inout [Action]) {
        guard reply.code == 421 else { return idle(reply, &actions) }
        end(with: reply, &actions)
    }

    private func apply(
        _ parameter: SMTPParameter, isExtended: Bool, _ transaction: inout Transaction
    ) -> SMTPReply? {
        guard isExtended else { return SMTPReply(555, "5.5.4", "HELO has no parameters") }
        switch (parameter.keyword, parameter.value) {
        case ("SIZE", let value?):
            guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), (1...20).contains(value.utf8.count) else {
                return SMTPReply(501, "5.5.4", "SIZE takes a number")
            }
            // RFC 1870 §4 has twenty digits: more than any octets there are.
            transaction.announcedSize = Int(value) ?? .max
        case ("BODY", let value?) where ["7BIT", "8BITMIME"].contains(value.uppercased()): break
        case ("SMTPUTF8", nil): transaction.isSMTPUTF8 = true
        default: return SMTPReply(555, "5.5.4", "\(parameter.keyword) is not known, or not so")
        }
        return nil
    }

    private mutating func add(_ path: SMTPPath, _ parameters: [SMTPParameter], _ actions: inout [Action]) {
        guard let transaction, !transaction.isChunked else {
            return refuse(SMTPReply(503, "5.5.1", "Say MAIL first"), &actions)
        }
        if let parameter = parameters.first(where: { !Self.saysNothing($0) }) {
            return refuse(SMTPReply(555, "5.5.4", "\(parameter.keyword) is not known, or not so"), &actions)
        }
        guard transaction.recipients.count < limits.recipients else {
            return idle(SMTPReply(452, "4.5.3", "Too many recipients"), &actions)
        }
        guard path.isASCII || transaction.isSMTPUTF8 else {
            return refuse(SMTPReply(553, "5.6.7", "The address needs SMTPUTF8"), &actions)
        }
        candidate = path
        phase = .waitingForRecipient
        actions.append(.checkRecipient(path, sender: transaction.sender))
    }

    /// QUIRK: Dovecot's LMTP proxy tells the original recipient though nobody offered DSN; only a report, which is never
    /// sent from here, would repeat it. RFC 3461 §4.2
    private static func saysNothing(_ parameter: SMTPParameter) -> Bool {
        guard parameter.keyword == "ORCPT", let value = parameter.value else { return false }
        let parts = value.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
    }

    mutating func answer(recipient reply: SMTPReply, _ actions: inout [Action]) {
        // The session may have ended meanwhile.
        guard phase == .waitingForRecipient, let candidate else { return }
        phase = .command
        self.candidate = nil
        guard reply.isPositive else { return reply.isTemporary ? delay(reply, &actions) : refuse(reply, &actions) }
        transaction?.recipients.append(candidate)
        actions.append(.send(reply))
    }
}
