import MailCore
import MailIMAPCore

/// One `fetch` call: batches out, two in flight, each message handed on as it comes, and what broke asked for again.
///
/// Used by one task.
final class BodyFetch {
    /// LIMIT: times one message may break the connection before it is given up.
    static let attempts = 3
    private static let windowCount = 2

    let mailbox: MailboxName
    let uidValidity: UIDValidity
    let configuration: IMAPConfiguration
    private let pool: ConnectionPool
    private let announced: [UID: Int]
    private var lent: IMAPSession?

    private var queue: [BodyBatch]
    private(set) var inFlight: [BodyBatch] = []
    private var report = FetchReport()
    private var breaks: [UID: Int] = [:]
    private var emptyBodies: Set<UID> = []
    private var current: UID?

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
                    guard Self.isWorthReconnecting(error) else { throw error }
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

    // MARK: Opening and recovering

    /// Leases a session and opens the mailbox there, unless it is open.
    func open() async throws(StoreError) {
        if let lent { await pool.discard(lent) }
        lent = nil
        let leased = try await pool.lease(for: mailbox)
        lent = leased
        if let selected = leased.selected, selected.name == mailbox, selected.uidValidity == uidValidity { return }
        do throws(StoreError) {
            try await examine(leased)
        } catch {
            // A session that lay idle may be dead without anybody's fault.
            guard error.kind == .connectionLost else { throw error }
            await pool.discard(leased)
            lent = nil
            let fresh = try await pool.lease(for: mailbox)
            lent = fresh
            try await examine(fresh)
        }
    }

    private func examine(_ session: IMAPSession) async throws(StoreError) {
        var found: UInt32?
        session.selected = nil
        let status = try await session.run(.examine(WireName(mailbox, isUTF8: session.isUTF8))) {
            response throws(StoreError) in
            if case .status(let status) = response, case .uidValidity(let value)? = status.code { found = value }
        }
        guard status.condition == .ok else {
            throw StoreError(.noSuchMailbox, "The server refused EXAMINE: \(status.text)", mailbox: mailbox)
        }
        guard (found ?? 0) == uidValidity.value else {
            throw StoreError(
                .uidValidityChanged, "UIDVALIDITY is \(found ?? 0), not \(uidValidity)", mailbox: mailbox, retry: .later
            )
        }
        session.selected = (mailbox, uidValidity)
    }

    private static func isWorthReconnecting(_ error: StoreError) -> Bool {
        error.kind == .connectionLost || error.kind == .protocolViolation
    }

    /// Blames the message the connection broke in, puts the rest back, and opens a new connection.
    private func recover(from error: StoreError) async throws(StoreError) {
        let suspect = current ?? inFlight.first?.pending.first
        current = nil
        guard let suspect else {
            try await open()
            return
        }
        breaks[suspect, default: 0] += 1
        let isGarbled = (error.cause as? ProtocolError)?.kind == .garbled
        let isGivenUp = isGarbled || breaks[suspect, default: 0] >= Self.attempts
        if isGivenUp {
            report.refused[suspect] = Refusal(isGarbled ? .garbled : .connectionLost, detail: error.message)
        }
        for batch in inFlight.reversed() {
            var rest = batch
            rest.pending.removeAll { $0 == suspect }
            if !rest.pending.isEmpty { queue.append(rest) }
            if batch.pending.contains(suspect), !isGivenUp {
                queue.append(BodyBatch(kind: batch.kind == .partial ? .partial : .bodies, pending: [suspect]))
            }
        }
        inFlight = []
        try await open()
    }

    // MARK: One step

    private func step(_ consume: (any IncomingMessage) async throws -> Void) async throws(StoreError) {
        while inFlight.count < Self.windowCount, let next = queue.last {
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
        case .response(.tagged(let tag, let status)): try complete(tag, status)
        case .response, .literalOctets, .literalEnd: break
        }
    }

    private func send(_ batch: BodyBatch) async throws(StoreError) {
        var sent = batch
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
        guard let uid = literal.uid ?? onlyPending, literal.item == "BODY[]", isExpected(uid) else { return }
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

    /// Bodies that came as NIL or between quotes.
    private func receive(
        _ fetch: FetchResponse, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        guard let uid = fetch.uid else { return }
        if inFlight.first?.kind == .existence {
            stillThere.insert(uid)
            return
        }
        guard let body = fetch.bodies["BODY[]"], isExpected(uid) else { return }
        guard case .string(let octets) = body, !octets.isEmpty || announced[uid, default: 0] == 0 else {
            if case .streamed = body {} else { emptyBodies.insert(uid) }
            return
        }
        try await hand(WholeMessage(uid, octets), to: consume)
        delivered(uid)
    }

    func delivered(_ uid: UID) {
        current = nil
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

    // MARK: Completion

    private var stillThere: Set<UID> = []

    private func complete(_ tag: String, _ status: StatusResponse) throws(StoreError) {
        guard let index = inFlight.firstIndex(where: { $0.tag == tag }) else {
            throw StoreError(.protocolViolation, "The server answered with a wrong tag", mailbox: mailbox)
        }
        let batch = inFlight.remove(at: index)
        if batch.kind == .existence { return completeExistence(batch) }
        guard !batch.pending.isEmpty else { return }
        guard status.condition == .ok else {
            if let uid = batch.pending.first, batch.pending.count == 1 {
                report.refused[uid] = Refusal(.refusedByServer, detail: status.text)
            } else {
                queue += batch.halves.reversed()
            }
            return
        }
        guard batch.kind == .alone, let uid = batch.pending.first else {
            queue.append(BodyBatch(kind: .existence, pending: batch.pending))
            return
        }
        report.refused[uid] =
            emptyBodies.contains(uid)
            ? Refusal(.emptyBody, detail: "\(announced[uid, default: 0]) octets were announced")
            : Refusal(.notDelivered, detail: status.text)
    }

    /// Those left out that still exist are asked for once more, alone.
    private func completeExistence(_ batch: BodyBatch) {
        for uid in batch.pending.reversed() {
            if stillThere.contains(uid) {
                queue.append(BodyBatch(kind: .alone, pending: [uid]))
            } else {
                report.refused[uid] = Refusal(.expunged)
            }
        }
        stillThere.removeAll()
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
