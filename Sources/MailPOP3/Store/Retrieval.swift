import MailCore

/// One `fetch` call: messages one after the other, and what broke asked for again.
///
/// Used by one task.
final class Retrieval {
    /// LIMIT: times one message may break the connection before it is given up, and times the connection may break
    /// before a message has begun.
    private static let attempts = 3

    private let store: POP3Store
    private let uidValidity: UIDValidity
    /// Not dealt with yet, ascending.
    private var rest: ArraySlice<UID>
    private var report = FetchReport()
    private var breaks: [UID: Int] = [:]
    private var emptyBreakCount = 0

    init(_ messages: [MessageSummary], uidValidity: UIDValidity, store: POP3Store) {
        (self.store, self.uidValidity) = (store, uidValidity)
        rest = messages.map(\.uid).sorted()[...]
    }

    func run(_ consume: (any IncomingMessage) async throws -> Void) async throws(StoreError) -> FetchReport {
        while !rest.isEmpty {
            let session = try await store.connection.lease()
            do throws(StoreError) {
                try await retrieve(on: session, consume)
                await store.connection.giveBack(session)
            } catch {
                await store.connection.discard(session)
                // They come in order: what broke off is the first that is not dealt with.
                try recover(from: error, in: session.isReceiving ? rest.first : nil)
            }
        }
        return report
    }

    private func retrieve(
        on session: POP3Session, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        let drop = try await store.maildrop(of: session)
        guard drop.uidValidity == uidValidity else { throw .otherUIDs }
        let known = rest.compactMap { drop[$0] }
        for uid in rest where drop[uid] == nil { report.refused[uid] = Refusal(.expunged) }
        rest = known.map(\.uid)[...]
        try await session.retrieve(known.map { ($0.number, $0.octetCount) }) {
            (index, arrival) async throws(StoreError) in
            let uid = known[index].uid
            switch arrival {
            case .refused(let refusal): refuse(uid, refusal)
            case .content(let content): try await hand(content, uid, consume)
            }
        }
    }

    private func hand(
        _ content: RetrievedContent, _ uid: UID, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        do {
            try await consume(RetrievedMessage(uid: uid, content: content))
        } catch {
            if let failure = content.failure { throw failure }
            if error is CancellationError || Task.isCancelled {
                throw StoreError(.cancelled, "The fetch was cancelled", mailbox: POP3Store.inbox, cause: error)
            }
            throw StoreError(.consumerFailed, "A message could not be taken", cause: error)
        }
        // What was left of it is read before it counts: only then is it known to be whole.
        try await content.finish()
        report.delivered.insert(uid)
        settle(uid)
        emptyBreakCount = 0
    }

    private func refuse(_ uid: UID, _ refusal: Refusal) {
        report.refused[uid] = refusal
        settle(uid)
    }

    private func settle(_ uid: UID) {
        if rest.first == uid { rest.removeFirst() } else { rest.removeAll { $0 == uid } }
    }

    /// - Throws: `error` where another connection does not help.
    private func recover(from error: StoreError, in uid: UID?) throws(StoreError) {
        if (error.cause as? POP3ProtocolError)?.kind == .garbled, let uid {
            return refuse(uid, Refusal(.garbled, detail: error.message))
        }
        guard error.kind == .connectionLost, error.retry == .now else { throw error }
        guard let uid else {
            emptyBreakCount += 1
            guard emptyBreakCount < Self.attempts else { throw error }
            return
        }
        breaks[uid, default: 0] += 1
        if breaks[uid, default: 0] >= Self.attempts { refuse(uid, Refusal(.connectionLost, detail: error.message)) }
    }
}

/// A message on its way in.
final class RetrievedMessage: IncomingMessage {
    let uid: UID
    /// What LIST announces is a hint only.
    let announcedOctetCount: Int? = nil
    private let content: RetrievedContent

    init(uid: UID, content: RetrievedContent) { (self.uid, self.content) = (uid, content) }

    func next() async throws(StoreError) -> [UInt8]? { try await content.next() }
}

extension StoreError {
    /// UIDs the register never gave, or gave before it was lost.
    static let otherUIDs = StoreError(
        .uidValidityChanged, "The UIDs are of another UIDVALIDITY", mailbox: POP3Store.inbox, retry: .later)
}
