extension ReceiverSession {
    // MARK: DATA

    mutating func data(_ actions: inout [Action]) {
        guard let transaction, !transaction.isChunked, !transaction.recipients.isEmpty else {
            // RFC 2033 §4.2: without an accepted recipient DATA is refused as out of order.
            let isBehindChunks = transaction?.isChunked == true
            let text = isBehindChunks ? "DATA does not go with BDAT" : "No recipient was accepted"
            return refuse(SMTPReply(503, "5.5.1", text), &actions)
        }
        guard input.isEmpty else {
            // RFC 2920 §3.1: DATA is the last of a group; what is behind it was meant for another server.
            return end(with: SMTPReply(554, "5.5.0", "Nothing may come behind DATA before its answer"), &actions)
        }
        beginMessage(&actions)
        actions.append(.send(SMTPReply(354, nil, "End with <CRLF>.<CRLF>")))
        content = ContentDecoder(acceptsBareCR: limits.acceptsBareCR)
        phase = .content
    }

    mutating func takeContent(_ actions: inout [Action]) {
        var octets: [UInt8] = []
        octets.reserveCapacity(input.count)
        let outcome = content.decode(&input, into: &octets)
        append(octets, &actions)
        switch outcome {
        case .more: break
        case .end: endMessage(&actions)
        case .bareLineEnd(let end): smuggled(end, &actions)
        }
    }

    // MARK: BDAT

    mutating func chunk(_ count: Int, _ isLast: Bool, _ actions: inout [Action]) {
        if transaction?.recipients.isEmpty != false {
            // The octets come whatever is answered (RFC 3030 §4.1): they are read and thrown away.
            var failed = transaction ?? Transaction(sender: SMTPPath(""))
            failed.failure = SMTPReply(503, "5.5.1", "No recipient was accepted")
            transaction = failed
        } else if transaction?.isChunked == false {
            beginMessage(&actions)
        }
        transaction?.isChunked = true
        phase = .chunk(remaining: count, isLast: isLast)
    }

    mutating func takeChunk(_ remaining: Int, _ isLast: Bool, _ actions: inout [Action]) {
        let piece = Array(input.prefix(remaining))
        input = input.dropFirst(piece.count)
        append(piece, &actions)
        guard phase != .closed else { return }
        guard piece.count == remaining else {
            phase = .chunk(remaining: remaining - piece.count, isLast: isLast)
            return
        }
        phase = .command
        guard !isLast else { return endMessage(&actions) }
        if let failure = transaction?.failure {
            refuse(failure, &actions)
        } else {
            actions.append(.send(.ok))
        }
    }

    // MARK: Both

    private mutating func beginMessage(_ actions: inout [Action]) {
        guard let open = transaction, let hello else { return }
        transaction?.hasBegun = true
        actions.append(
            .beginMessage(
                ReceivedEnvelope(
                    sender: open.sender, recipients: open.recipients, helloName: hello.name,
                    transport: transport(hello.kind, isSMTPUTF8: open.isSMTPUTF8), tls: tls,
                    announcedSize: open.announcedSize)))
    }

    /// The name in the registry of mail transmission types: RFC 3848, RFC 6531 §4.3.
    private func transport(_ hello: SMTPCommand.Hello, isSMTPUTF8: Bool) -> String {
        let secure = tls == nil ? "" : "S"
        if mailProtocol == .lmtp { return (isSMTPUTF8 ? "UTF8LMTP" : "LMTP") + secure }
        if hello == .helo { return "SMTP" }
        return (isSMTPUTF8 ? "UTF8SMTP" : "ESMTP") + secure
    }

    private mutating func append(_ octets: [UInt8], _ actions: inout [Action]) {
        guard !octets.isEmpty, transaction != nil else { return }
        transaction?.octetCount += octets.count
        let total = transaction?.octetCount ?? 0
        if total > limits.messageSize, transaction?.failure == nil {
            if transaction?.hasBegun == true { actions.append(.abandonMessage) }
            transaction?.hasBegun = false
            transaction?.failure = .tooLarge
        }
        guard transaction?.failure == nil else {
            if total - limits.messageSize > limits.overrun { end(with: .tooLarge, &actions) }
            return
        }
        actions.append(.content(octets))
    }

    private mutating func endMessage(_ actions: inout [Action]) {
        guard let transaction else { return }
        if let failure = transaction.failure {
            let count = mailProtocol == .lmtp ? max(1, transaction.recipients.count) : 1
            self.transaction = nil
            phase = .command
            for _ in 0..<count where phase != .closed { refuse(failure, &actions) }
            return
        }
        phase = .waitingForStorage
        actions.append(.endMessage)
    }

    mutating func answer(stored replies: [SMTPReply], _ actions: inout [Action]) {
        guard phase == .waitingForStorage, let transaction else { return }
        precondition(replies.count == transaction.recipients.count, "one reply for each recipient")
        (self.transaction, phase, idleCommandCount) = (nil, .command, 0)
        if mailProtocol == .lmtp {
            // RFC 2033 §4.2: one reply for each recipient that was accepted, in order.
            actions += replies.map(Action.send)
        } else {
            // What not all have is not there: the client sends it again, and who has it takes it once.
            let first = replies.first { $0.isTemporary } ?? replies.first { !$0.isPositive } ?? replies.first
            actions.append(.send(first ?? .ok))
        }
    }
}
