package import MailCore

/// How the listing of a large mailbox is cut, so that no single answer is larger than a server likes to give.
package enum ListingWindows {
    /// LIMIT: messages listed by one FETCH, where UIDs are evenly spread.
    package static let messageCount = 10_000
    /// LIMIT: FETCH commands of one listing.
    package static let windowCount = 1_000

    /// The windows for a mailbox with these counters; one over all UIDs when it is small or nothing is known.
    package static func ranges(_ status: MailboxStatus?) -> [ClosedRange<UInt32>] {
        guard let status, status.messageCount > messageCount, let next = status.uidNext?.value, next > 2 else {
            return [1...(.max)]
        }
        let count = UInt32(min((status.messageCount - 1) / messageCount + 1, windowCount))
        let span = (next - 1) / count
        guard span > 0 else { return [1...(.max)] }
        return (0..<count).map { index in
            (index * span + 1)...(index == count - 1 ? .max : (index + 1) * span)
        }
    }

    /// `range` as FETCH takes it.
    package static func text(_ range: ClosedRange<UInt32>) -> String {
        "\(range.lowerBound):" + (range.upperBound == .max ? "*" : String(range.upperBound))
    }
}
