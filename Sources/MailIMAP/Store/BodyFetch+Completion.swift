import MailCore
import MailIMAPCore

/// What the end of a FETCH means for the messages it asked for.
extension BodyFetch {
    func complete(_ tag: String, _ status: StatusResponse) async throws(StoreError) {
        guard let index = inFlight.firstIndex(where: { $0.tag == tag }) else {
            throw StoreError(.protocolViolation, "The server answered with a wrong tag", mailbox: mailbox)
        }
        let batch = inFlight.remove(at: index)
        if batch.kind == .existence, status.condition == .ok {
            return completeExistence(batch, status)
        }
        guard !batch.pending.isEmpty else { return }
        if case .messageLimit? = status.code, batch.pending.count < batch.askedCount {
            queue.append(batch)
            return
        }
        guard status.condition == .ok else {
            if status.asksForPatience { return try await pause(batch, status) }
            // QUIRK: Gmail says so when the day's octets are used up: nothing more is to be had today.
            if status.code == .overQuota { throw .throttled(status, mailbox: mailbox) }
            if status.condition == .bad, batch.isPipelined, try session.pipelining == .assumed {
                // Whether the command or its haste was refused shows when it is sent alone.
                try session.pipelining = .refused
                queue.append(batch)
                return
            }
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

    /// Those left out that still exist are asked for once more, alone. RFC 9738: what lies below the limit's UID was
    /// not looked at.
    private func completeExistence(_ batch: BodyBatch, _ status: StatusResponse) {
        var undecided: [UID] = []
        if case .messageLimit(_, let lowest?)? = status.code { undecided = batch.pending.filter { $0.value < lowest } }
        for uid in batch.pending.dropFirst(undecided.count).reversed() {
            if stillThere.contains(uid) || hasUnnamedRows {
                queue.append(BodyBatch(kind: .alone, pending: [uid]))
            } else {
                report.refused[uid] = Refusal(.expunged)
            }
        }
        if undecided.count == batch.pending.count {
            for uid in undecided { report.refused[uid] = Refusal(.notDelivered, detail: status.text) }
        } else if !undecided.isEmpty {
            queue.append(BodyBatch(kind: .existence, pending: undecided))
        }
        stillThere.removeAll()
        hasUnnamedRows = false
    }

    /// Waits as the server wishes, then asks for half as much.
    ///
    /// - Throws: `.throttled` when it wishes too much or still refuses.
    private func pause(_ batch: BodyBatch, _ status: StatusResponse) async throws(StoreError) {
        queue += batch.halves.reversed()
        // What was sent before the last pause says nothing about now.
        guard batch.pauseCount == pauseCount else { return }
        pauseCount += 1
        await pool.strain()
        let error = StoreError.throttled(status, mailbox: mailbox)
        guard try await patience.wait(error) else { throw error }
    }
}
