import MailCore

/// What one FETCH of bodies asks for.
struct BodyBatch {
    enum Kind {
        case bodies
        /// Asked for alone, after the server left it out.
        case alone
        /// Which of them still exist.
        case existence
        /// In parts, for it is large.
        case partial
    }

    var kind: Kind
    /// Not yet answered, ascending.
    var pending: [UID]
    var tag = ""
    /// Sent before the one before was answered.
    var isPipelined = false
    var askedCount = 0
    /// How often the call had waited for the server when this was sent.
    var pauseCount = 0

    /// LIMIT: Exchange refuses commands of about 40 kB; 8,000 octets pass everywhere.
    static let commandOctetCount = 8_000

    /// `messages` cut into batches by announced octets, by number, and by the length of the command.
    static func plan(_ messages: [MessageSummary], _ configuration: IMAPConfiguration) -> [BodyBatch] {
        var batches: [BodyBatch] = []
        var pending: [UID] = []
        var octetCount = 0
        var textCount = 0
        func cut() {
            if !pending.isEmpty { batches.append(BodyBatch(kind: .bodies, pending: pending)) }
            (pending, octetCount, textCount) = ([], 0, 0)
        }
        for message in messages {
            let size = message.octetCount ?? 0
            guard size <= configuration.partialFetchThreshold else {
                cut()
                batches.append(BodyBatch(kind: .partial, pending: [message.uid]))
                continue
            }
            let isRun = pending.last?.successor == message.uid
            if !pending.isEmpty,
                octetCount + size > configuration.bodyBatchOctetCount
                    || pending.count >= configuration.bodyBatchMessageCount || textCount > commandOctetCount - 100
            {
                cut()
            }
            pending.append(message.uid)
            octetCount += size
            textCount += isRun ? 1 : 22
        }
        cut()
        return batches
    }

    /// Two halves, or itself when there is nothing to cut.
    var halves: [BodyBatch] {
        guard pending.count > 1 else { return [self] }
        let middle = pending.count / 2
        return [
            BodyBatch(kind: .bodies, pending: Array(pending[..<middle])),
            BodyBatch(kind: .bodies, pending: Array(pending[middle...])),
        ]
    }
}
