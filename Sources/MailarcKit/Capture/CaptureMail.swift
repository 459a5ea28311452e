import MailCore
import MailSMTP
import MailSync

/// Mail that a receiver takes, as deliveries to a store.
final class CaptureMail: MailHandler {
    private let routing: CaptureRouting
    private let rules: CaptureRules
    private let scanner: SpamScanner?
    private let queue: CaptureQueue
    private let condition: CaptureCondition
    private let spooling: any PairSpooling
    private let handler: CaptureHandler
    /// LIMIT: octets of small messages in memory, over all connections.
    private let budget = SpoolBudget(24 << 20)

    init(
        routing: CaptureRouting, rules: CaptureRules, scanner: SpamScanner?, queue: CaptureQueue,
        condition: CaptureCondition, spooling: any PairSpooling, handler: @escaping CaptureHandler
    ) {
        (self.routing, self.rules, self.scanner, self.queue) = (routing, rules, scanner, queue)
        (self.condition, self.spooling, self.handler) = (condition, spooling, handler)
    }

    func unavailable() -> SMTPReply? { condition.error.map(SMTPReply.init) }

    func check(_ recipient: SMTPPath, sender: SMTPPath, client: ClientFacts) -> SMTPReply {
        do throws(CaptureRouting.Refusal) {
            _ = try routing.place(of: recipient.text)
            return SMTPReply(250, "2.1.5", "Ok")
        } catch {
            return switch error {
            case .notAllowed: SMTPReply(550, "5.7.1", "This recipient is not served here")
            case .noRoute: SMTPReply(550, "5.1.1", "No route takes this recipient")
            }
        }
    }

    func begin(_ envelope: ReceivedEnvelope, client: ClientFacts) -> any MailSink {
        CaptureSink(envelope, client, CaptureSpool(budget, spooling), self)
    }

    func refused(_ reply: SMTPReply, client: ClientFacts) {
        var event = CaptureEvent(.refused, reply.lines.joined(separator: " "))
        (event.protocol, event.client) = (client.mailProtocol.rawValue, client.address)
        (event.code, event.status) = (reply.code, reply.status)
        handler(event)
    }

    /// Stores a whole message and answers for each recipient.
    fileprivate func store(_ spool: CaptureSpool, _ envelope: ReceivedEnvelope, _ client: ClientFacts) async
        -> [SMTPReply]
    {
        var targets: [CapturedMessage.Target] = []
        for recipient in envelope.recipients {
            // Was checked when it was named.
            guard let place = try? routing.place(of: recipient.text) else { continue }
            targets.add([recipient.text], at: place)
        }
        let message = CapturedMessage(
            spool: spool, channel: client.mailProtocol == .lmtp ? .lmtp : .smtp, targets: targets,
            sender: envelope.sender.text, client: client.address, helloName: envelope.helloName,
            transport: envelope.transport, tls: envelope.tls ?? "", time: Clock.now())
        do throws(KitError) {
            let bundle: CapturedBundle
            do throws(StoreError) { bundle = try await message.bundle(rules, scanner) } catch {
                throw KitError(storing: error, at: "/")
            }
            let deliveries = try await queue.store(bundle.messages).get()
            tell(deliveries, bundle)
            return Self.replies(deliveries, bundle, envelope, client)
        } catch {
            let reply = SMTPReply(error)
            return envelope.recipients.map { _ in reply }
        }
    }

    /// One for each recipient; SMTP gives the client the first, which tells of what is archived where anything is.
    private static func replies(
        _ deliveries: [ArchivedDelivery], _ bundle: CapturedBundle, _ envelope: ReceivedEnvelope, _ client: ClientFacts
    ) -> [SMTPReply] {
        let kept = Set(bundle.messages[0].targets.flatMap(\.recipients))
        let verb = deliveries[0].isSealed ? "Sealed in" : "Archived as"
        let archived = SMTPReply(250, "2.0.0", "\(verb) \(deliveries[0].name)")
        let skipped = SMTPReply(250, "2.0.0", "Not kept, as a rule says")
        guard client.mailProtocol == .lmtp || kept.isEmpty else { return envelope.recipients.map { _ in archived } }
        return envelope.recipients.map { kept.contains($0.text) ? archived : skipped }
    }

    private func tell(_ deliveries: [ArchivedDelivery], _ bundle: CapturedBundle) {
        for decision in bundle.skips { tellSkip(decision, deliveries[0], bundle) }
        let kept = zip(deliveries, bundle.messages).filter { !$1.targets.isEmpty }
        guard let (delivery, message) = kept.first else { return }
        let places = deliveries.flatMap(\.places).compactMap { $0 }
        let names = bundle.messages.flatMap(\.targets).map { "\($0.place.account):\($0.place.mailbox.text)" }
            .joined(separator: ", ")
        let kind: CaptureEvent.Kind = delivery.isSealed ? .sealed : places.isEmpty ? .repeated : .archived
        var event = CaptureEvent(kind, names)
        event.protocol = message.channel == .lmtp ? "lmtp" : "smtp"
        (event.client, event.sender, event.recipients) = (
            message.client, message.sender, message.targets.flatMap(\.recipients)
        )
        (event.id, event.octets, event.group) = (
            delivery.name, delivery.octetCount, delivery.groupSize
        )
        event.places = places.map(CapturedPlaceRow.init)
        (event.original, event.note) = (kept.dropFirst().first?.0.name, bundle.note)
        event.scan = bundle.scan
        handler(event)
    }

    private func tellSkip(
        _ decision: CapturedBundle.Decision, _ delivery: ArchivedDelivery, _ bundle: CapturedBundle
    ) {
        let message = bundle.messages[0]
        var event = CaptureEvent(.skipped, "\(decision.place.account):\(decision.place.mailbox.text)")
        event.protocol = message.channel == .lmtp ? "lmtp" : "smtp"
        (event.client, event.sender, event.recipients) = (message.client, decision.sender, decision.recipients)
        (event.octets, event.group) = (message.spool.octetCount, delivery.groupSize)
        (event.id, event.rule) = (delivery.isSealed ? delivery.name : nil, decision.rule?.name)
        event.scan = bundle.scan
        handler(event)
    }
}

/// One message of one connection.
private final class CaptureSink: MailSink {
    private let envelope: ReceivedEnvelope
    private let client: ClientFacts
    private let mail: CaptureMail
    private var spool: CaptureSpool?
    private var failure: StoreError?

    init(_ envelope: ReceivedEnvelope, _ client: ClientFacts, _ spool: CaptureSpool, _ mail: CaptureMail) {
        (self.envelope, self.client, self.spool, self.mail) = (envelope, client, spool, mail)
    }

    func append(_ octets: [UInt8]) async {
        do throws(StoreError) { try spool?.append(octets) } catch { fail(error) }
    }

    func finish() async -> [SMTPReply] {
        do throws(StoreError) { try spool?.finish() } catch { fail(error) }
        guard failure == nil, let spool else {
            let reply = SMTPReply(KitError(storing: failure ?? StoreError(.ioFailed, "nothing was kept"), at: "/"))
            return envelope.recipients.map { _ in reply }
        }
        self.spool = nil
        return await mail.store(spool, envelope, client)
    }

    func abandon() { spool = nil }

    /// What was kept so far is no use.
    private func fail(_ error: StoreError) {
        failure = failure ?? error
        spool = nil
    }
}

extension SMTPReply {
    /// What a client hears of an error of ours: always to come again.
    init(_ error: KitError) {
        switch error.kind {
        case .diskFull: self.init(452, "4.3.1", "There is no room left")
        case .busy: self.init(451, "4.3.2", "The archive is busy")
        case .usage: self.init(451, "4.3.5", "The archive is not set up for this")
        default: self.init(451, "4.3.0", "The archive cannot be written to")
        }
    }
}
