import MailCore
import MailIMAPCore

/// One `fetch` call: batches out, two in flight, each message handed on as it comes, and what broke asked for again.
///
/// Used by one task.
final class BodyFetch {
    /// LIMIT: times one message may break the connection before it is given up.
    static let attempts = 3
    /// LIMIT: connections that break in a row before a message has begun, until the server is to blame and no message.
    static let emptyBreaks = 9
    private static let windowCount = 2

    let mailbox: MailboxName
    let uidValidity: UIDValidity
    let configuration: IMAPConfiguration
    let pool: ConnectionPool
    let announced: [UID: Int]
    var lent: IMAPSession?

    var queue: [BodyBatch]
    var inFlight: [BodyBatch] = []
    var report = FetchReport()
    var breaks: [UID: Int] = [:]
    var emptyBodies: Set<UID> = []
    var current: UID?
    var stillThere: Set<UID> = []
    /// A row came without its UID where the server was asked which messages exist.
    var hasUnnamedRows = false
    var pauseCount = 0
    var patience = Patience()
    var emptyBreakCount = 0

    init(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ configuration: IMAPConfiguration, _ pool: ConnectionPool
    ) {
        (self.mailbox, self.uidValidity, self.configuration, self.pool) = (mailbox, uidValidity, configuration, pool)
        announced = Dictionary(messages.map { ($0.uid, $0.octetCount ?? 0) }, uniquingKeysWith: { $1 })
        queue = BodyBatch.plan(messages, configuration).reversed()
    }

    func run(_ consume: (any IncomingMessage) async throws -> Void) async throws(StoreError) -> FetchReport {
        do throws(StoreError) {
            try await open()
            while !queue.isEmpty || !inFlight.isEmpty {
                do throws(StoreError) {
                    try await step(consume)
                } catch {
                    guard await isWorthReconnecting(error) else { throw error }
                    try await recover(from: error)
                }
            }
        } catch {
            if let lent { await pool.discard(lent) }
            throw error
        }
        if let lent { await pool.giveBack(lent) }
        return report
    }

    /// The session in use.
    var session: IMAPSession {
        get throws(StoreError) {
            guard let lent else { throw StoreError(.connectionLost, "No connection is open", retry: .now) }
            return lent
        }
    }

    // MARK: One step

    private func step(_ consume: (any IncomingMessage) async throws -> Void) async throws(StoreError) {
        let window = try session.pipelining == .refused ? 1 : Self.windowCount
        while inFlight.count < window, let next = queue.last {
            if next.kind == .partial {
                guard inFlight.isEmpty else { break }
                queue.removeLast()
                inFlight = [next]
                return try await fetchInParts(next, consume)
            }
            try await send(queue.removeLast())
        }
        switch try await session.nextEvent() {
        case .literalBegin(let literal): try await receive(literal, consume)
        case .response(.fetch(let fetch)): try await receive(fetch, consume)
        case .response(.tagged(let tag, let status)): try await complete(tag, status)
        case .response, .literalOctets, .literalEnd: break
        }
    }

    private func send(_ batch: BodyBatch) async throws(StoreError) {
        var sent = batch
        (sent.isPipelined, sent.pauseCount, sent.askedCount) = (!inFlight.isEmpty, pauseCount, batch.pending.count)
        inFlight.append(sent)
        let items: [FetchItem] = batch.kind == .existence ? [.uid] : [.uid, .body]
        sent.tag = try await session.send(.uidFetch(UIDSet(batch.pending).description, items))
        inFlight[inFlight.count - 1] = sent
    }

    private func isExpected(_ uid: UID) -> Bool {
        inFlight.contains { $0.kind != .existence && $0.pending.contains(uid) }
    }

    /// QUIRK: some servers name the UID behind the body; asked for alone, a message needs no name.
    private var onlyPending: UID? {
        guard let first = inFlight.first, first.kind != .existence, first.pending.count == 1 else { return nil }
        return first.pending.first
    }

    private func settle(_ uid: UID) {
        for index in inFlight.indices {
            if let place = inFlight[index].pending.firstIndex(of: uid) { inFlight[index].pending.remove(at: place) }
        }
    }

    private func receive(
        _ literal: StreamedLiteral, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        guard literal.item == "BODY[]" else { return }
        guard let uid = literal.uid ?? onlyPending else { return try await receiveUnnamed(literal, consume) }
        guard isExpected(uid) else { return }
        if literal.octetCount == 0, announced[uid, default: 0] > 0 {
            emptyBodies.insert(uid)
            return
        }
        current = uid
        let message = StreamedMessage(uid, announcedOctetCount: literal.octetCount, session: try session)
        try await hand(message, to: consume)
        try await message.finish()
        delivered(uid)
    }

    /// QUIRK: a body whose UID comes behind it is kept until that; one beyond a batch's size is asked for alone.
    private func receiveUnnamed(
        _ literal: StreamedLiteral, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        guard literal.octetCount <= configuration.bodyBatchOctetCount else { return }
        let session = try session
        var octets: [UInt8] = []
        octets.reserveCapacity(literal.octetCount)
        while true {
            switch try await session.nextEvent() {
            case .literalOctets(let range): octets += session.octets(range)
            case .literalBegin, .literalEnd: continue
            case .response(.fetch(let fetch)):
                guard let uid = fetch.uid, isExpected(uid) else { return }
                guard !octets.isEmpty || announced[uid, default: 0] == 0 else {
                    emptyBodies.insert(uid)
                    return
                }
                try await hand(WholeMessage(uid, octets), to: consume)
                return delivered(uid)
            case .response(let response):
                guard case .tagged(let tag, let status) = response else { continue }
                return try await complete(tag, status)
            }
        }
    }

    /// Bodies that came as NIL or between quotes.
    private func receive(
        _ fetch: FetchResponse, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        if inFlight.first?.kind == .existence {
            if let uid = fetch.uid { stillThere.insert(uid) } else if fetch.flags == nil { hasUnnamedRows = true }
            return
        }
        guard let body = fetch.bodies["BODY[]"], let uid = fetch.uid ?? onlyPending, isExpected(uid) else { return }
        guard case .string(let octets) = body, !octets.isEmpty || announced[uid, default: 0] == 0 else {
            if case .streamed = body {} else { emptyBodies.insert(uid) }
            return
        }
        try await hand(WholeMessage(uid, octets), to: consume)
        delivered(uid)
    }

    func delivered(_ uid: UID) {
        (current, emptyBreakCount) = (nil, 0)
        patience.reward()
        settle(uid)
        report.delivered.insert(uid)
    }

    /// Lets `consume` work; its own errors end the fetch, the connection's go on to recovery.
    func hand(
        _ message: some FailableMessage, to consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        do {
            try await consume(message)
        } catch {
            if let failure = message.failure { throw failure }
            if error is CancellationError || Task.isCancelled {
                throw StoreError(.cancelled, "The fetch was cancelled", mailbox: mailbox, cause: error)
            }
            throw StoreError(
                .consumerFailed, "UID \(message.uid) could not be taken: \(error)", mailbox: mailbox, cause: error)
        }
        if let failure = message.failure { throw failure }
    }

    // MARK: Large messages

    private func fetchInParts(
        _ batch: BodyBatch, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        guard let uid = batch.pending.first else { return }
        current = uid
        let message = PartialMessage(uid, announcedOctetCount: announced[uid], fetch: self)
        if try await message.begin() {
            try await hand(message, to: consume)
            try await message.finish()
            inFlight = []
            delivered(uid)
        } else {
            inFlight = []
            current = nil
            report.refused[uid] = message.refusal
        }
    }
}
