import MailCore
import MailIMAPCore

/// What the server's answer to an APPEND means.
extension MessageDelivery {
    /// LIMIT: times one message is sent before a refusal that may be temporary is final.
    private static let attempts = 3

    func complete(_ batch: Batch, _ status: StatusResponse, _ each: Each) async throws(StoreError) {
        guard status.condition != .ok else { return try await delivered(batch, status, each) }
        if status.code == .tryCreate || status.code == .nonExistent, batch.attempts < Self.attempts {
            try await create(after: status)
            again.append(batch)
        } else if let doubt = Doubt(status.code), pauseCount >= doubt.pauses {
            try await refuse(doubtful: batch, doubt, status, each)
        } else if status.isTemporary {
            try await pause(after: status)
            again.append(batch)
        } else if status.condition == .bad, batch.isPipelined {
            // Is it the command, or that it did not wait?
            session.pipelining = .refused
            again.append(batch)
        } else if batch.messages.count > 1 {
            // All or nothing (RFC 3502): which one was it?
            if status.condition == .bad { sendsGroups = false }
            sendOneByOne(batch)
        } else if let other = otherwise(batch, status) {
            again.append(other)
        } else {
            let refusal = Self.refusal(status)
            if refusal.reason == .overQuota { isOverQuota = true }
            for message in batch.messages { try await tell(message, .refused(refusal), each) }
        }
    }

    private func sendOneByOne(_ batch: Batch) {
        for message in batch.messages.reversed() {
            again.append(Batch(messages: [message], octetCount: message.octetCount))
        }
    }

    /// A code that may be about one message or about all. RFC 9051 §7.1
    private struct Doubt {
        /// How often the server is left alone before it is taken for the message's.
        var pauses: Int
        /// LIMIT: so many messages are refused by it one after the other; with the next one it is about all.
        var messages: Int

        init?(_ code: ResponseCode?) {
            switch code {
            // Dovecot's of a message that is too large, and others' of how much comes.
            case .limit?: (pauses, messages) = (1, 20)
            // Dovecot's of a full disk, and of a message that its index cannot take.
            case .serverBug?: (pauses, messages) = (MessageDelivery.pauses, 1)
            default: return nil
            }
        }
    }

    /// Leaving the server alone did not help: it is the message, and the others go on.
    private func refuse(
        doubtful batch: Batch, _ doubt: Doubt, _ status: StatusResponse, _ each: Each
    ) async throws(StoreError) {
        guard let message = batch.messages.first, batch.messages.count == 1 else { return sendOneByOne(batch) }
        doubtfulCount += 1
        guard doubtfulCount <= doubt.messages else { throw .throttled(status, mailbox: mailbox) }
        try await tell(message, .refused(Self.refusal(status)), each)
    }

    /// A message that was refused without a reason, as some servers take it.
    ///
    /// QUIRK: Yahoo wants the last line to have an end; others refuse keywords that their PERMANENTFLAGS allow.
    private func otherwise(_ batch: Batch, _ status: StatusResponse) -> Batch? {
        guard let message = batch.messages.first, Self.refusal(status).reason == .refusedByServer else { return nil }
        let keywords = keywords(of: message)
        var changes: [DeliveryChange] = []
        for addsLineEnd in [message.traits.lacksLineEnd, false] {
            for leavesOut in [FlagSet(), keywords] {
                var change = DeliveryChange()
                (change.addsLineEnd, change.leavesOut) = (addsLineEnd, leavesOut)
                changes.append(change)
            }
        }
        var other = batch
        other.attempts = 0
        other.refusedChanges.insert(batch.change)
        guard let change = changes.first(where: { !other.refusedChanges.contains($0) }) else { return nil }
        other.change = change
        return other
    }

    private func delivered(_ batch: Batch, _ status: StatusResponse, _ each: Each) async throws(StoreError) {
        doubtfulCount = 0
        var validity: UIDValidity?
        var uids: [UID?] = batch.messages.map { _ in nil }
        if case .appendUID(let value, let set)? = status.code, set.count == batch.messages.count {
            validity = value
            uids = set.uids.map { $0 }
        }
        if let message = batch.messages.first, !batch.change.isNone { message.wasChanged(batch.change) }
        for (message, uid) in zip(batch.messages, uids) {
            try await tell(message, .delivered(validity, uid), each)
        }
    }

    private static func refusal(_ status: StatusResponse) -> DeliveryRefusal {
        let reason: DeliveryRefusal.Reason =
            switch status.code {
            case .tooBig?: .tooBig
            case .overQuota?: .overQuota
            case .noPermission?, .readOnly?: .noPermission
            case .tryCreate?, .nonExistent?: .noMailbox
            case .other("UNKNOWN-CTE", _)?: .nulOctets
            default: .refusedByServer
            }
        return DeliveryRefusal(reason, detail: status.text)
    }

    /// Makes the mailbox, once.
    private func create(after status: StatusResponse) async throws(StoreError) {
        guard !hasCreated else { return }
        hasCreated = true
        let result = try await runBetween(.create(WireName(mailbox, isUTF8: session.isUTF8)))
        guard result.condition == .ok || result.code == .alreadyExists else {
            throw StoreError(.noSuchMailbox, "The server refused to create it: \(result.text)", mailbox: mailbox)
        }
    }

    /// Runs a command while APPENDs are in flight; their completions are kept.
    private func runBetween(_ command: Command) async throws(StoreError) -> StatusResponse {
        var others: [Response] = []
        let status = try await session.run(command) { response throws(StoreError) in
            if case .tagged = response { others.append(response) }
        }
        early += others
        return status
    }

    private func pause(after status: StatusResponse) async throws(StoreError) {
        isSlow = true
        pauseCount += 1
        let time = status.suggestedBackoff ?? .seconds(1 << min(pauseCount - 1, 2))
        guard pauseCount <= Self.pauses, time <= Self.patience else { throw .throttled(status, mailbox: mailbox) }
        do { try await Task.sleep(for: time) } catch {
            throw StoreError(.cancelled, "The delivery was cancelled", mailbox: mailbox, cause: error)
        }
    }
}
