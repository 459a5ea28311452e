import MailCore

/// Fetches batches, gives the messages to the destination and their places to the committer.
struct FetchLane: Sendable {
    let number: Int
    let source: SyncSource
    let destination: any HistoryDestination
    let committer: GroupCommitter
    let ledger: RunLedger
    let policy: SyncPolicy

    /// What a batch has come to.
    private struct Progress {
        var wanted: [UID: MessageSummary]
        var refused: [UID: Refusal] = [:]
        var consumerError: (any Error)?
    }

    /// Fetches `batch`; what concerns its mailbox or messages only is recorded there.
    ///
    /// - Throws: a `StoreError` that ends the run; errors of the destination and the state.
    func fetch(_ batch: FetchBatch) async throws {
        var progress = Progress(
            wanted: Dictionary(batch.summaries.map { ($0.uid, $0) }) { first, _ in first })
        // LIMIT: a store that says "at once" is believed twice.
        for attempt in 1...3 {
            guard let error = try await fetchOnce(batch.work, &progress) else { break }
            if error.retry == .now, attempt < 3 { continue }
            if error.endsRun { throw error }
            batch.work.fail(error)
            return try await quarantine(progress.refused, batch, isFinished: false)
        }
        for (uid, _) in progress.wanted where progress.refused[uid] == nil {
            progress.refused[uid] = Refusal(.notDelivered, detail: "listed, and not sent")
        }
        try await quarantine(progress.refused, batch, isFinished: true)
    }

    private func fetchOnce(_ work: MailboxWork, _ progress: inout Progress) async throws -> StoreError? {
        let rest = progress.wanted.values.sorted { $0.uid < $1.uid }
        guard !rest.isEmpty else { return nil }
        do {
            let report = try await source.store.fetch(rest, from: work.name, uidValidity: work.validity) { message in
                guard progress.wanted[message.uid] != nil else { return }
                do {
                    try await take(message, work, &progress)
                } catch {
                    progress.consumerError = error
                    throw error
                }
            }
            for (uid, refusal) in report.refused where progress.wanted[uid] != nil {
                progress.refused[uid] = refusal
            }
            return nil
        } catch {
            if let consumerError = progress.consumerError { throw consumerError }
            return error
        }
    }

    private func take(
        _ message: any IncomingMessage, _ work: MailboxWork, _ progress: inout Progress
    ) async throws {
        let uid = message.uid
        guard let summary = progress.wanted[uid] else { return }
        let tracked = TrackedMessage(message) { ledger.advance(work.name, messages: 0, octets: $0) }
        let ingested: IngestedMessage
        do {
            ingested = try await destination.ingest(
                tracked, channel: source.channel, fidelity: summary.fidelity ?? source.fidelity, lane: number)
        } catch let refused as MessageRefused {
            progress.refused[uid] = refused.refusal
            return
        } catch {
            guard let failure = tracked.failure else { throw error }
            // The store knows that its own stream broke: it sends the message again or refuses it.
            progress.refused[uid] = Refusal(failure.refusalReason, detail: failure.message)
            return
        }
        guard tracked.failure == nil else { return }
        progress.wanted[uid] = nil
        progress.refused[uid] = nil
        try await committer.add(settle(summary, ingested, work))
        ledger.advance(work.name, messages: 1, octets: tracked.unreported)
    }

    private func settle(
        _ summary: MessageSummary, _ ingested: IngestedMessage, _ work: MailboxWork
    ) -> [StateChange] {
        let placing = Placing(source: source, policy: policy, ledger: ledger)
        return placing.changes(summary, ingested.message, work, isNew: ingested.isNew, octets: ingested.octetCount)
    }

    private func quarantine(_ refused: [UID: Refusal], _ batch: FetchBatch, isFinished: Bool) async throws {
        let work = batch.work
        var changes: [StateChange] = []
        for summary in batch.summaries {
            guard let refusal = refused[summary.uid] else { continue }
            let address = OccurrenceAddress(
                account: source.account, mailbox: work.name, uidValidity: work.validity, uid: summary.uid)
            let before = work.quarantine[summary.uid]
            if refusal.reason == .expunged {
                ledger.update(work.name) { $0.serverCount -= 1 }
                guard before != nil else { continue }
                changes.append(
                    StateChange(
                        .dropQuarantine(summary.uid, mailbox: work.name, validity: work.validity),
                        event: .gone(at: address, movedTo: nil)))
                continue
            }
            // Not sent because the fetch broke off is no refusal of the message.
            guard isFinished || refusal.reason != .notDelivered else { continue }
            let entry = QuarantineEntry(
                summary: summary, refusal: refusal, attempts: (before?.attempts ?? 0) + 1)
            let isToldAlready = before?.refusal.reason == refusal.reason
            changes.append(
                StateChange(
                    .quarantine(entry, mailbox: work.name, validity: work.validity),
                    event: isToldAlready ? nil : .quarantined(at: address, refusal: refusal)))
        }
        try await committer.add(changes)
    }
}

extension StoreError {
    /// Why a message whose stream ended in this error could not be taken.
    fileprivate var refusalReason: Refusal.Reason {
        switch kind {
        case .ioFailed: .unreadable
        case .connectionLost: .connectionLost
        default: .garbled
        }
    }
}

/// An incoming message that remembers whether its stream broke, and counts.
private final class TrackedMessage: IncomingMessage {
    private let message: any IncomingMessage
    private let report: (Int64) -> Void
    private(set) var failure: StoreError?
    /// Octets since the last report.
    private(set) var unreported: Int64 = 0

    init(_ message: any IncomingMessage, report: @escaping (Int64) -> Void) {
        (self.message, self.report) = (message, report)
    }

    var uid: UID { message.uid }
    var announcedOctetCount: Int? { message.announcedOctetCount }

    func next() async throws(StoreError) -> [UInt8]? {
        do {
            let chunk = try await message.next()
            unreported += Int64(chunk?.count ?? 0)
            // LIMIT: progress inside a message each MiB.
            if unreported >= 1 << 20 {
                report(unreported)
                unreported = 0
            }
            return chunk
        } catch {
            failure = error
            throw error
        }
    }
}
