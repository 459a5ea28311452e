package import MailCore

/// FETCH responses as what they tell of messages.
extension MessageSummary {
    /// Stands for "FLAGS was not sent" until rows are merged; no server can send it.
    package static let unknownFlags: FlagSet = [Flag("\\\u{0}")]

    package init(_ uid: UID, _ fetch: FetchResponse) {
        self.init(
            uid: uid, flags: fetch.flags ?? Self.unknownFlags,
            internalDate: fetch.internalDate.map(InternalDate.init(imap:)), octetCount: fetch.octetCount,
            modSeq: fetch.modSeq, objectID: fetch.objectID)
    }
}

extension [MessageSummary] {
    /// Ascending by UID, later ones laid over earlier ones of the same message.
    package func merged() -> [MessageSummary] {
        let isAscending = zip(self, dropFirst()).allSatisfy { $0.uid < $1.uid }
        guard !isAscending else { return self }
        var result: [MessageSummary] = []
        let ordered = enumerated().sorted { ($0.element.uid, $0.offset) < ($1.element.uid, $1.offset) }
        for (_, row) in ordered {
            guard let last = result.last, last.uid == row.uid else {
                result.append(row)
                continue
            }
            result[result.count - 1] = MessageSummary(
                uid: row.uid, flags: row.flags == MessageSummary.unknownFlags ? last.flags : row.flags,
                internalDate: row.internalDate ?? last.internalDate, octetCount: row.octetCount ?? last.octetCount,
                modSeq: row.modSeq ?? last.modSeq, objectID: row.objectID ?? last.objectID)
        }
        return result
    }
}
