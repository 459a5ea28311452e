package import MailCore

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
        StoreError(.throttled, "The server cannot go on now: \(status.text)", mailbox: mailbox, retry: .later)
    }
}
