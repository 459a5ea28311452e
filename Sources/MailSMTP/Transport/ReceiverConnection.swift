import MailTransport

/// Drives a ``ReceiverSession`` over a connection until either ends.
struct ReceiverConnection {
    private let channel: ReceiverChannel
    private let limits: ReceiverLimits
    private let tls: ReceiverTLS?
    private let handler: any MailHandler
    private let client: ClientFacts
    private var session: ReceiverSession
    private var sink: (any MailSink)?
    private var patience: Patience
    private var isTLSPending = false

    init(_ channel: ReceiverChannel, _ options: MailReceiver.Options, handler: any MailHandler) {
        (self.channel, limits, tls, self.handler) = (channel, options.limits, options.tls, handler)
        client = ClientFacts(address: channel.address, mailProtocol: channel.mailProtocol)
        session = ReceiverSession(
            channel.mailProtocol, hostName: options.hostName, limits: options.limits, offersTLS: options.tls != nil,
            requiresTLS: options.requiresTLS)
        patience = Patience(options.limits)
    }

    mutating func run() async {
        await exchange()
        sink?.abandon()
        await channel.close()
    }

    private mutating func exchange() async {
        guard (try? await perform(.connected)) != nil else { return }
        while !session.isClosed {
            let timeout = isTLSPending ? limits.handshakeTime : patience.next(session)
            do {
                guard let octets = try await channel.read(within: timeout) else { return tellLoss() }
                if isTLSPending {
                    isTLSPending = false
                    try await perform(.secured(try await channel.tlsVersion()))
                }
                patience.took(octets.count)
                try await perform(.received(octets))
            } catch is InletTimeout {
                _ = try? await perform(.timedOut)
            } catch is CancellationError {
                _ = try? await perform(.stopping)
            } catch { return tellLoss() }
        }
    }

    /// A connection that ended where it should not have.
    private func tellLoss() {
        if isTLSPending {
            handler.refused(SMTPReply(454, "4.7.0", "TLS did not come about"), client: client)
        } else if session.isInContent {
            handler.refused(
                SMTPReply(421, "4.4.2", "The connection ended in the middle of a message"), client: client)
        }
    }

    /// Hands an event to the session and does what it says, and what follows from that.
    private mutating func perform(_ event: ReceiverSession.Event) async throws {
        session.unavailable = handler.unavailable()
        var actions = session.handle(event)[...]
        var replies: [UInt8] = []
        while let action = actions.popFirst() {
            switch action {
            case .send(let reply):
                // The end of the service is no refusal of anything.
                if !reply.isPositive, reply != .stopping { handler.refused(reply, client: client) }
                replies += reply.octets
            case .checkRecipient(let path, let sender):
                let verdict = handler.check(path, sender: sender, client: client)
                actions += session.handle(.recipient(verdict))
            case .beginMessage(let envelope):
                sink = handler.begin(envelope, client: client)
                patience.begin()
            case .content(let octets): await sink?.append(octets)
            case .abandonMessage:
                sink?.abandon()
                sink = nil
            case .endMessage:
                // What was said before is known before the wait.
                try await flush(&replies)
                let verdicts = await sink?.finish() ?? []
                sink = nil
                actions += session.handle(.stored(verdicts))
            case .startTLS:
                try await flush(&replies)
                guard let tls else { preconditionFailure("STARTTLS was not offered") }
                try await channel.startTLS(tls)
                isTLSPending = true
            case .close: try await flush(&replies)
            }
        }
        try await flush(&replies)
    }

    private func flush(_ replies: inout [UInt8]) async throws {
        guard !replies.isEmpty else { return }
        let octets = replies
        replies = []
        try await channel.write(octets, within: limits.idleTime)
    }
}

/// How long the next octets are waited for: each wait has an end, and so has each command and each message.
private struct Patience {
    private let limits: ReceiverLimits
    private var commandStart: ContinuousClock.Instant?
    private var contentStart = ContinuousClock.now
    private var contentCount = 0

    init(_ limits: ReceiverLimits) { self.limits = limits }

    mutating func begin() { (contentStart, contentCount) = (.now, 0) }
    mutating func took(_ count: Int) { contentCount += count }

    mutating func next(_ session: ReceiverSession) -> Duration {
        let now = ContinuousClock.now
        if session.isInContent {
            commandStart = nil
            let rounds = 1 + contentCount / max(1, limits.contentRate)
            return max(.zero, min(limits.idleTime, contentStart + limits.contentTime * rounds - now))
        }
        guard session.isInMiddle else {
            commandStart = nil
            return limits.idleTime
        }
        let start = commandStart ?? now
        commandStart = start
        return max(.zero, min(limits.idleTime, start + limits.commandTime - now))
    }
}
