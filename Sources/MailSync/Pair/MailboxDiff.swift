package import MailCore

/// Compares one mailbox of one side with the ends that links have there. Pure; holds the look, not the links.
package struct MailboxDiff: Sendable {
    package let row: Int64
    /// The look leaves no message out.
    package let look: MailboxHalf.Look
    package let status: MailboxStatus
    private let messages: [MessageSummary]
    private let vanished: UIDSet?
    /// Of the whole mailbox, where ``messages`` are a part of it.
    private let census: UIDSet?
    private let isVolatile: Bool
    private var isVisited: [Bool]
    private var presentCount = 0

    package init(row: Int64, observation: MailboxObservation, hasPersistentUIDs: Bool) {
        (self.row, status) = (row, observation.status)
        isVolatile = !hasPersistentUIDs || observation.status.uidValidity.value == 0
        var isComplete = observation.isComplete
        switch observation.content {
        case .full(let summaries):
            // QUIRK: servers that cap a listing without saying so (Yahoo "limited mode") list fewer than EXISTS.
            isComplete = isComplete && summaries.count >= observation.status.messageCount
            (messages, vanished) = (summaries, nil)
        case .delta(let changed, let vanished): (messages, self.vanished) = (changed, vanished)
        }
        census = nil
        look = isVolatile ? .volatile : isComplete ? .complete : .incomplete
        isVisited = Array(repeating: false, count: messages.count)
    }

    /// Compares a part of a large mailbox: the ends whose UIDs are among those of `messages`.
    package init(row: Int64, part messages: [MessageSummary], of census: MailboxCensus) {
        (self.row, status, self.messages, self.census) = (row, census.status, messages, census.uids)
        (vanished, isVolatile) = (nil, census.status.uidValidity.value == 0)
        look = isVolatile ? .volatile : census.isComplete ? .complete : .incomplete
        isVisited = Array(repeating: false, count: messages.count)
    }

    /// What became of `end`; `nil` when it is as it was.
    package mutating func visit(_ end: LinkEnd) -> EndStatus? {
        guard let uid = end.uid else { return EndStatus.none }
        guard end.uidValidity == status.uidValidity else { return .stale }
        guard let position = position(of: uid) else {
            if let vanished, !vanished.contains(uid) {
                presentCount += 1
                return nil
            }
            // It was counted and not described: it may have gone meanwhile.
            if census?.contains(uid) ?? false { return .unknown }
            return isVolatile ? .stale : look == .complete ? .gone : .unknown
        }
        let message = messages[position]
        if isVolatile, !isSame(message, end) { return .stale }
        isVisited[position] = true
        presentCount += 1
        return message.flags == end.flags ? nil : .present(message.flags)
    }

    /// Without persistent UIDs a number alone says nothing.
    ///
    /// LIMIT: another message of equal size and internal date under the same UID is taken for the old one.
    private func isSame(_ message: MessageSummary, _ end: LinkEnd) -> Bool {
        guard message.internalDate != nil, message.octetCount != nil else { return false }
        return message.internalDate == end.internalDate && message.octetCount == end.octetCount
    }

    /// Those no link names, ascending; `nil` when the delta contradicts what is known.
    package var fresh: [MessageSummary]? {
        let fresh = messages.indices.filter { !isVisited[$0] }.map { messages[$0] }
        if vanished != nil, presentCount + fresh.count != status.messageCount { return nil }
        return fresh
    }

    private func position(of uid: UID) -> Int? {
        var low = 0
        var high = messages.count
        while low < high {
            let middle = (low + high) / 2
            if messages[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low < messages.count && messages[low].uid == uid ? low : nil
    }
}
