import MailCore
import MailIMAPCore

/// Opening the mailbox, and opening it again.
extension BodyFetch {
    /// Leases a session and opens the mailbox there.
    func open() async throws(StoreError) {
        if let lent { await pool.discard(lent) }
        lent = nil
        let leased = try await pool.lease(for: mailbox)
        lent = leased
        do throws(StoreError) {
            try await leased.openForReading(mailbox, uidValidity)
        } catch {
            // A session that lay idle may be dead without anybody's fault.
            guard error.kind == .connectionLost else { throw error }
            await pool.discard(leased)
            lent = nil
            let fresh = try await pool.lease(for: mailbox)
            lent = fresh
            try await fresh.openForReading(mailbox, uidValidity)
        }
    }

    /// Whether another connection can help.
    func isWorthReconnecting(_ error: StoreError) async -> Bool {
        switch error.kind {
        case .connectionLost, .protocolViolation: true
        // The server ended this one for there are too many.
        case .throttled: if lent?.farewell != nil { await pool.hasOthers } else { false }
        default: false
        }
    }

    /// Blames the message the connection broke in, puts the rest back, and opens a new connection if something is left.
    func recover(from error: StoreError) async throws(StoreError) {
        // Who says goodbye had no trouble with a message.
        let isFarewell = lent?.farewell != nil
        if current == nil {
            emptyBreakCount += isFarewell ? Self.emptyBreaks / Self.attempts : 1
            guard emptyBreakCount < Self.emptyBreaks else {
                throw StoreError(
                    error.kind, error.message, mailbox: mailbox, retry: .later, cause: error.cause)
            }
        }
        let suspect = current ?? (isFarewell ? nil : inFlight.lazy.flatMap(\.pending).first)
        current = nil
        let isGarbled = (error.cause as? ProtocolError)?.kind == .garbled
        var isGivenUp = false
        if let suspect {
            breaks[suspect, default: 0] += 1
            isGivenUp = isGarbled || breaks[suspect, default: 0] >= Self.attempts
            if isGivenUp {
                report.refused[suspect] = Refusal(isGarbled ? .garbled : .connectionLost, detail: error.message)
            }
        }
        for batch in inFlight.reversed() {
            var rest = batch
            rest.pending.removeAll { $0 == suspect }
            if !rest.pending.isEmpty { queue.append(rest) }
            if let suspect, batch.pending.contains(suspect), !isGivenUp {
                queue.append(BodyBatch(kind: batch.kind == .partial ? .partial : .bodies, pending: [suspect]))
            }
        }
        // No tag of the old connection is answered on the new one, also where only the completion was missing.
        inFlight = []
        guard queue.isEmpty else { return try await open() }
        if let lent { await pool.discard(lent) }
        lent = nil
    }
}
