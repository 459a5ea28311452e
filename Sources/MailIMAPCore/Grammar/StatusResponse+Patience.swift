package import MailCore

extension StatusResponse {
    /// Of `set`, what the command was about, the messages the server did not work on. RFC 9738 §3
    ///
    /// It works from the highest UID down, and tells the lowest it came to; where it does not, nothing is known of any.
    package func leavesOut(of set: UIDSet) -> UIDSet {
        guard case .messageLimit(_, let lowest)? = code else { return UIDSet() }
        guard let lowest else { return set }
        return lowest <= 1 ? UIDSet() : set.intersection(UIDSet(ranges: [1...(lowest - 1)]))
    }
}

extension StatusResponse {
    /// The server is asked too much: it wants to be left alone for a while.
    ///
    /// QUIRK: Exchange has no code for it: "Request is throttled. Suggested Backoff Time: 2000 milliseconds".
    package var asksForPatience: Bool {
        guard condition != .ok else { return false }
        return code == .throttled || suggestedBackoff != nil || text.lowercased().contains("throttled")
    }

    /// Not now, but perhaps later.
    package var isTemporary: Bool {
        switch code {
        case .unavailable?, .inUse?, .limit?, .serverBug?: condition != .ok
        default: asksForPatience
        }
    }

    /// Said to a connection: there are too many of them. RFC 9051 §7.1
    ///
    /// QUIRK: Gmail has no code for it, "[ALERT] Too many simultaneous connections. (Failure)".
    package var refusesConnection: Bool {
        guard condition != .ok else { return false }
        let lower = text.lowercased()
        return isTemporary
            || ["too many", "maximum number of connections", "simultaneous", "connection limit"].contains {
                lower.contains($0)
            }
    }

    /// How long the server wants to be left alone, if it says.
    package var suggestedBackoff: Duration? {
        let lower = text.lowercased()
        guard let mark = lower.firstRange(of: "suggested backoff time:") else { return nil }
        let digits = lower[mark.upperBound...].drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        return Int64(digits).map { .milliseconds($0) }
    }
}

extension StoreError {
    /// `status` as the error of a server that cannot go on now.
    package static func throttled(_ status: StatusResponse, mailbox: MailboxName? = nil) -> StoreError {
        StoreError(
            .throttled, "The server cannot go on now: \(status.text)", mailbox: mailbox, retry: .later,
            cause: Postponement(duration: status.suggestedBackoff))
    }
}

/// Why a call was put off: how long the server wants to be left alone, if it says.
package struct Postponement: Error, Sendable, Hashable {
    package var duration: Duration?
}
