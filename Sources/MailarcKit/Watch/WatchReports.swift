/// What `watch` is to do.
public struct WatchRequest: Sendable {
    /// How changes are noticed.
    public enum Method: String, Sendable, CaseIterable { case notify, idle, poll }

    /// Names with `*` as wildcard; empty means all.
    public var mailboxes: [String] = []
    /// `nil`: the best each server has.
    public var method: Method?
    /// From one look to the next where the server does not tell of changes.
    public var interval = Duration.seconds(60)
    public var compressionLevel: Int?

    public init() {}
}

/// One line of what `watch` does.
public struct WatchEvent: Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The connection stands, and changes are noticed by ``method``.
        case watching
        /// Changes of ``mailbox`` are in the archive, durably.
        case archived
        /// Changes of ``mailbox`` were made on ``WatchEvent/side``, durably.
        case synced
        /// Deletions that a guard refused.
        case held
        /// ``mailbox`` was renamed, is no longer on the server, or has something else to be known once.
        case noted
        /// A message could not be taken.
        case quarantined
        /// A mailbox, or a run, failed.
        case problem
        /// The connection broke; another follows.
        case disconnected
        /// Another process writes to the archive.
        case waiting
        /// It was told to stop, and everything is durable.
        case stopped
    }
    /// RFC 3339, UTC.
    public var time: String
    /// Of a sync between two stores: both ends.
    public var account: String
    public var event: Kind
    public var mailbox: String?
    /// Of a sync between two stores: `source` or `destination`.
    public var side: String?
    /// What happened, for people; never mail content.
    public var text: String
    /// `notify`, `idle` or `poll`; of files `inotify` or `poll`.
    public var method: String?
    public var new: Int?
    public var flagChanges: Int?
    public var expunged: Int?
    public var moved: Int?
    public var uid: UInt32?
    /// Seconds until the next attempt.
    public var retryAfter: Double?

    init(_ account: String, _ event: Kind, mailbox: String? = nil, _ text: String) {
        (time, self.account, self.event) = (Clock.text(Clock.now()), account, event)
        (self.mailbox, self.text) = (mailbox, text)
    }

    /// What is noticed by `method` from now on.
    init(_ account: String, side: String? = nil, by method: String) {
        self.init(account, .watching, side.map { "the \($0) is watched by \(method)" } ?? "watching by \(method)")
        (self.method, self.side) = (method, side)
    }

    /// What is tried again in `delay`.
    init(_ account: String, _ event: Kind, _ text: String, retryAfter delay: Duration) {
        let seconds = Double(delay.components.seconds) + Double(delay.components.attoseconds) / 1e18
        self.init(account, event, "\(text) (again in \(Int(seconds.rounded(.up))) s)")
        retryAfter = seconds
    }

    /// True for what an operator has to know of also where all goes well is not told.
    public var isTrouble: Bool { [.quarantined, .problem, .disconnected, .held].contains(event) }
}

/// Takes the lines of a watch as they come.
public typealias WatchHandler = @Sendable (WatchEvent) -> Void

extension WatchEvent {
    /// What a pull changed in one mailbox; `nil` for nothing.
    init?(_ account: String, _ outcome: MailboxOutcome) {
        let counts = [
            (outcome.new, "new"), (outcome.flagChanges, "re-flagged"), (outcome.expunged, "gone"),
            (outcome.moved, "moved"),
        ]
        let told = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        guard !told.isEmpty else { return nil }
        self.init(account, .archived, mailbox: outcome.mailbox, told.joined(separator: ", "))
        (new, flagChanges) = (outcome.new, outcome.flagChanges)
        (expunged, moved) = (outcome.expunged, outcome.moved)
    }
}
