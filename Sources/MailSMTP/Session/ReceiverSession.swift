/// One connection of a receiver as a value: what comes in goes in, what is to be done comes out.
///
/// SMTP (RFC 5321) and LMTP (RFC 2033) with PIPELINING (2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), CHUNKING
/// (3030), ENHANCEDSTATUSCODES (2034) and STARTTLS (3207). After an action that asks something (``Action/checkRecipient``,
/// ``Action/endMessage``, ``Action/startTLS``) nothing more is done of the input until the answer came as an event.
/// Memory: the input of the last event, a command line, an envelope.
package struct ReceiverSession: Sendable {
    package enum Event: Sendable {
        case connected
        case received([UInt8])
        /// The answer to ``Action/checkRecipient``: a positive reply accepts.
        case recipient(SMTPReply)
        /// The answer to ``Action/endMessage``: one reply for each recipient of the envelope, in its order.
        case stored([SMTPReply])
        /// TLS stands; its version.
        case secured(String)
        /// Nothing came in time.
        case timedOut
        /// The receiver stops.
        case stopping
    }

    package enum Action: Sendable, Hashable {
        case send(SMTPReply)
        case checkRecipient(SMTPPath, sender: SMTPPath)
        case beginMessage(ReceivedEnvelope)
        /// More of the message that was begun, as it is archived.
        case content([UInt8])
        /// All of it is there: make it durable, then answer.
        case endMessage
        /// It will not end: throw it away.
        case abandonMessage
        /// After the replies before it, TLS begins.
        case startTLS
        /// After the replies before it, the connection ends.
        case close
    }

    enum Phase: Hashable {
        case command
        /// Behind DATA, up to the final dot.
        case content
        /// Octets of a BDAT chunk that are still to come.
        case chunk(remaining: Int, isLast: Bool)
        case waitingForRecipient, waitingForStorage, waitingForTLS
        case closed
    }

    struct Transaction {
        var sender: SMTPPath
        var recipients: [SMTPPath] = []
        var isSMTPUTF8 = false
        var announcedSize = 0
        /// Chunks have come.
        var isChunked = false
        /// The message was begun and can be abandoned.
        var hasBegun = false
        var octetCount = 0
        /// Why no more of the content is taken.
        var failure: SMTPReply?
    }

    let mailProtocol: MailProtocol
    let hostName: String
    let limits: ReceiverLimits
    let offersTLS: Bool
    let requiresTLS: Bool
    /// Why no transaction can begin now; set from outside before an event.
    package var unavailable: SMTPReply?

    var phase = Phase.command
    var input: ArraySlice<UInt8> = []
    var commands: CommandDecoder
    var content: ContentDecoder
    var hello: (kind: SMTPCommand.Hello, name: String)?
    var tls: String?
    var transaction: Transaction?
    /// A recipient that waits for its verdict.
    var candidate: SMTPPath?
    var errorCount = 0
    var idleCommandCount = 0

    package init(
        _ mailProtocol: MailProtocol, hostName: String, limits: ReceiverLimits = ReceiverLimits(),
        offersTLS: Bool = false, requiresTLS: Bool = false
    ) {
        (self.mailProtocol, self.hostName, self.limits) = (mailProtocol, hostName, limits)
        (self.offersTLS, self.requiresTLS) = (offersTLS, requiresTLS)
        commands = CommandDecoder(limit: limits.commandLength)
        content = ContentDecoder(acceptsBareCR: limits.acceptsBareCR)
    }

    /// What is to be done, in order.
    package mutating func handle(_ event: Event) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .connected:
            let name = mailProtocol == .lmtp ? "LMTP" : "ESMTP"
            actions.append(.send(SMTPReply(220, nil, "\(hostName) \(name) mailarc")))
        case .received(let octets):
            input = input.isEmpty ? octets[...] : input + octets
        case .recipient(let reply): answer(recipient: reply, &actions)
        case .stored(let replies): answer(stored: replies, &actions)
        case .secured(let version):
            precondition(phase == .waitingForTLS, "TLS was not asked for")
            // RFC 3207 §4.2: what was said in the clear is forgotten.
            (tls, hello, transaction, phase) = (version, nil, nil, .command)
        case .timedOut: end(with: .timedOut, &actions)
        case .stopping: end(with: .stopping, &actions)
        }
        while step(&actions) {}
        return actions
    }

    /// True when the content of a message is on its way, or a command line is not complete.
    package var isInMiddle: Bool { isInContent || !commands.isEmpty }
    package var isInContent: Bool {
        switch phase {
        case .content, .chunk: true
        default: false
        }
    }
    package var isClosed: Bool { phase == .closed }

    private mutating func step(_ actions: inout [Action]) -> Bool {
        switch phase {
        case .closed:
            input = []
            return false
        case .waitingForRecipient, .waitingForStorage, .waitingForTLS: return false
        case .command:
            guard !input.isEmpty, let element = commands.next(&input) else { return false }
            take(element, &actions)
        case .content:
            guard !input.isEmpty else { return false }
            takeContent(&actions)
        case .chunk(let remaining, let isLast):
            guard remaining == 0 || !input.isEmpty else { return false }
            takeChunk(remaining, isLast, &actions)
        }
        return true
    }

    private mutating func take(_ element: CommandDecoder.Element, _ actions: inout [Action]) {
        switch element {
        case .line(let line):
            do throws(SMTPSyntaxError) { perform(try SMTPCommand(parsing: line), &actions) } catch {
                refuse(error.reply, &actions)
            }
        case .tooLong: refuse(SMTPReply(500, "5.5.2", "The line is too long"), &actions)
        case .bareLineEnd(let end): smuggled(end, &actions)
        }
    }

    // MARK: Ends

    /// Refuses a command, and the client after too many.
    mutating func refuse(_ reply: SMTPReply, _ actions: inout [Action]) {
        errorCount += 1
        guard errorCount < limits.errors else {
            end(with: SMTPReply(421, "4.7.0", "Too many errors"), &actions)
            return
        }
        actions.append(.send(reply))
    }

    /// Counts a command that brings no message nearer.
    mutating func idle(_ reply: SMTPReply, _ actions: inout [Action]) {
        idleCommandCount += 1
        guard idleCommandCount <= limits.idleCommands else {
            end(with: SMTPReply(421, "4.7.0", "Too many commands without a message"), &actions)
            return
        }
        actions.append(.send(reply))
    }

    /// What is behind half a line end may be somebody else's message: nothing of it is looked at.
    mutating func smuggled(_ bare: BareLineEnd, _ actions: inout [Action]) {
        end(with: SMTPReply(550, "5.5.2", "A bare \(bare.rawValue) is not accepted"), &actions)
    }

    mutating func end(with reply: SMTPReply, _ actions: inout [Action]) {
        guard phase != .closed else { return }
        abandon(&actions)
        actions.append(.send(reply))
        actions.append(.close)
        (phase, input) = (.closed, [])
    }

    /// The transaction ends without a message.
    mutating func abandon(_ actions: inout [Action]) {
        if transaction?.hasBegun == true { actions.append(.abandonMessage) }
        (transaction, candidate) = (nil, nil)
    }
}
