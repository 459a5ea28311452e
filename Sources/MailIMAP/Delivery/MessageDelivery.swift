import MailCore
import MailIMAPCore
import MailTransport
import NIOCore

/// One `deliver` call: APPENDs out, as many in flight as the server allows, and each message's outcome told.
///
/// Used by one task. After an error the session is not at rest, and nobody knows what became of messages in flight.
final class MessageDelivery {
    typealias Next = () async throws -> (any OutgoingMessage)?
    typealias Each = (any OutgoingMessage, DeliveryOutcome) async throws -> Void

    /// LIMIT: commands in flight; more gain nothing.
    private static let windowCount = 20
    /// LIMIT: octets in flight; also what a MULTIAPPEND holds, whose refusal costs all of it.
    private static let windowOctetCount = 4 << 20
    /// LIMIT: messages of a MULTIAPPEND.
    private static let groupCount = 50
    /// LIMIT: what is gathered before it is handed to the kernel.
    private static let outboxOctetCount = 1 << 18
    /// LIMIT: how often a call waits for a server that wants to be left alone, and for how long at most.
    static let pauses = 3
    static let patience = Duration.seconds(5)

    /// What goes out with one APPEND.
    struct Batch {
        var messages: [any OutgoingMessage] = []
        var octetCount = 0
        var tag = ""
        var attempts = 0
        var isPipelined = false
        /// In what it is sent otherwise than it is; of one message.
        var change = DeliveryChange()
        /// Changes that were refused, too.
        var refusedChanges: Set<DeliveryChange> = []
    }

    let mailbox: MailboxName
    let session: IMAPSession
    private let traits: DeliveryTraits
    var inFlight: [Batch] = []
    /// To be sent again, the last one first.
    var again: [Batch] = []
    var sendsGroups: Bool
    /// The server wants to be asked slowly.
    var isSlow = false
    var isOverQuota = false
    /// Messages refused by a code that may be about the server, since one was taken.
    var doubtfulCount = 0
    var hasCreated = false
    var pauseCount = 0
    /// Completions that came while something else was waited for.
    var early: [Response] = []
    private var held: (any OutgoingMessage)?
    private var isAtEnd = false
    private var outbox = ByteBuffer()

    init(to mailbox: MailboxName, _ traits: DeliveryTraits, _ session: IMAPSession) {
        (self.mailbox, self.traits, self.session) = (mailbox, traits, session)
        sendsGroups = session.capabilities.hasMultiAppend
    }

    func run(_ next: Next, _ each: Each) async throws(StoreError) {
        while true {
            while hasRoom, let batch = try await nextBatch(next, each) { try await send(batch) }
            guard !inFlight.isEmpty else { return }
            let response = early.isEmpty ? try await session.nextResponse() : early.removeFirst()
            guard case .tagged(let tag, let status) = response,
                let index = inFlight.firstIndex(where: { $0.tag == tag })
            else { continue }
            try await complete(inFlight.remove(at: index), status, each)
        }
    }

    private var hasRoom: Bool {
        guard !inFlight.isEmpty else { return true }
        guard !isSlow, session.pipelining != .refused, inFlight.count < Self.windowCount else { return false }
        return inFlight.reduce(0) { $0 + $1.octetCount } < Self.windowOctetCount
    }

    // MARK: What goes next

    private func nextBatch(_ next: Next, _ each: Each) async throws(StoreError) -> Batch? {
        if let batch = again.popLast() {
            guard isOverQuota else { return batch }
            for message in batch.messages { try await tell(message, .refused(Self.overQuota), each) }
            return try await nextBatch(next, each)
        }
        var batch = Batch()
        while let message = try await nextMessage(next, each) {
            let isAlone = message.octetCount >= Self.windowOctetCount / 4 || message.traits.isFragile
            if !batch.messages.isEmpty, isAlone || batch.octetCount + message.octetCount > Self.windowOctetCount {
                held = message
                break
            }
            batch.messages.append(message)
            batch.octetCount += message.octetCount
            if isAlone || !sendsGroups || batch.messages.count == Self.groupCount { break }
        }
        return batch.messages.isEmpty ? nil : batch
    }

    /// The next message that is worth sending.
    private func nextMessage(_ next: Next, _ each: Each) async throws(StoreError) -> (any OutgoingMessage)? {
        while true {
            guard let message = try await pull(next) else { return nil }
            if let refusal = refusal(of: message) {
                try await tell(message, .refused(refusal), each)
            } else {
                return message
            }
        }
    }

    private func pull(_ next: Next) async throws(StoreError) -> (any OutgoingMessage)? {
        if let message = held {
            held = nil
            return message
        }
        guard !isAtEnd else { return nil }
        do {
            let message = try await next()
            isAtEnd = message == nil
            return message
        } catch { throw failure(error) }
    }

    private static let overQuota = DeliveryRefusal(.overQuota, detail: "not sent: the quota is used up")

    private func refusal(of message: any OutgoingMessage) -> DeliveryRefusal? {
        if isOverQuota { return Self.overQuota }
        if let limit = traits.octetLimit, message.octetCount > limit {
            return DeliveryRefusal(.tooBig, detail: "\(message.octetCount) octets; the server takes \(limit)")
        }
        if message.traits.hasNUL, !traits.takesNUL {
            return DeliveryRefusal(.nulOctets, detail: "the server does not offer BINARY")
        }
        if message.traits.hasNUL, message.traits.isDeclaredBinary {
            // What it makes of them could not be known again by its octets.
            return DeliveryRefusal(.nulOctets, detail: "declared binary: the server would encode it anew")
        }
        return nil
    }

    /// Keywords of `message` that are sent with it.
    func keywords(of message: any OutgoingMessage) -> FlagSet {
        FlagSet(message.flags.flags.filter { !$0.isSystemFlag && traits.keeps($0) })
    }

    func tell(_ message: any OutgoingMessage, _ outcome: DeliveryOutcome, _ each: Each) async throws(StoreError) {
        do { try await each(message, outcome) } catch { throw failure(error) }
    }

    /// An error of the caller's.
    private func failure(_ error: any Error) -> StoreError {
        if error is CancellationError { return StoreError(.cancelled, "The delivery was cancelled", cause: error) }
        return StoreError(.consumerFailed, "A message could not be read: \(error)", mailbox: mailbox, cause: error)
    }

    // MARK: Sending

    private func send(_ batch: Batch) async throws(StoreError) {
        var sent = batch
        sent.attempts += 1
        sent.isPipelined = !inFlight.isEmpty
        sent.tag = session.nextTag()
        inFlight.append(sent)
        let name = WireName(mailbox, isUTF8: session.isUTF8)
        let head = Command.appendHead(to: name).encoded(tag: sent.tag, literals: session.literals)
        for segment in head.dropLast() {
            try await flush(segment)
            guard try await session.isContinued(sent.tag) else { return }
        }
        outbox.writeBytes((head.last ?? []).dropLast(2))
        for message in sent.messages {
            guard try await send(message, sent.tag, sent.change) else { return }
        }
        try await flush([13, 10])
    }

    /// Sends one message of the command; false if the server refused the command instead.
    private func send(
        _ message: any OutgoingMessage, _ tag: String, _ change: DeliveryChange
    ) async throws(StoreError) -> Bool {
        let total = message.octetCount + (change.addsLineEnd ? 2 : 0)
        let kept = message.flags.flags.filter { traits.keeps($0) && !change.leavesOut.contains($0) }
        let item = AppendItem(
            flags: FlagSet(kept), internalDate: message.internalDate, octetCount: total, form: form(of: message))
        let isAtOnce = session.literals.sendsAtOnce(total)
        outbox.writeBytes(item.opening(isPlus: isAtOnce))
        if !isAtOnce {
            try await flush()
            guard try await session.isContinued(tag) else { return false }
        }
        let source = try message.open()
        var count = 0
        while let octets = try source.next() {
            count += octets.count
            guard count <= message.octetCount else { break }
            outbox.writeBytes(octets)
            if outbox.readableBytes >= Self.outboxOctetCount { try await flush() }
        }
        // What was announced cannot be taken back: the connection is given up.
        guard count == message.octetCount else {
            throw StoreError(.consumerFailed, "A message has another length than before", mailbox: mailbox)
        }
        if change.addsLineEnd { outbox.writeBytes([13, 10]) }
        outbox.writeBytes(item.closing)
        return true
    }

    private func form(of message: any OutgoingMessage) -> AppendItem.Form {
        if message.traits.hasOctetsInHeader, session.isUTF8, message.traits.isHeaderUTF8 { return .utf8 }
        return message.traits.hasNUL ? .binary : .text
    }

    private func flush(_ more: [UInt8] = []) async throws(StoreError) {
        outbox.writeBytes(more)
        session.meter.add(outbox.readableBytes)
        defer { outbox.clear() }
        do throws(StoreError) { try await session.transport.writeAll(outbox) } catch {
            // Perhaps the server said why.
            guard error.kind == .connectionLost else { throw error }
            while true { _ = try await session.nextResponse() }
        }
    }
}
