/// An account as it can be known without changing anything on its server, and what looking took.
public struct AccountSurvey: Codable, Sendable {
    /// One thing that was done.
    public struct Step: Codable, Sendable {
        /// What was done; the raw value is its name in reports.
        public enum Kind: String, Codable, Sendable, CaseIterable {
            case login
            /// The names of all mailboxes, with their counters.
            case listing
            /// UID, flags, date and size of every message.
            case metadata
            /// The same again by whoever knows the result of the first time.
            case again
            /// The Message-IDs of ``AccountSurvey/MessageIDs/looked`` messages.
            case messageIDs = "message-ids"
            /// ``AccountSurvey/sampleOctets`` of whole messages.
            case sample
        }
        public var kind: Kind
        public var seconds: Double
        public var roundTrips: Int
        /// That came from the server.
        public var octets: Int
    }

    /// What is known of Message-IDs, newest messages first.
    public struct MessageIDs: Codable, Sendable {
        public var looked = 0
        public var missing = 0
        /// Messages whose Message-ID an earlier one of the same mailbox has, too.
        public var repeated = 0

        public init() {}
    }

    public var account: String
    public var server: String?
    public var mechanism: String
    /// What the server says it can do.
    public var capabilities: [String]
    /// Median of some NOOPs.
    public var roundTripSeconds = 0.0
    public var mailboxes = 0
    public var messages = 0
    /// As the server announces them.
    public var octets = 0
    public var largestMailbox = ""
    public var largestMailboxMessages = 0
    /// Marked `\Deleted` and still there.
    public var markedDeleted = 0
    /// Mailboxes the server could not be asked about, each with its reason.
    public var unseen: [String] = []
    /// Mailboxes whose UIDs mean nothing in the next session, and those without MODSEQ. RFC 9051 §2.3.1.1, RFC 7162 §3.1.2
    public var withoutLastingUIDs: [String] = []
    public var withoutModSeq: [String] = []
    public var messageIDs = MessageIDs()
    public var sampleMessages = 0
    public var sampleOctets = 0
    public var steps: [Step] = []

    public init(account: String, server: String? = nil, mechanism: String = "", capabilities: [String] = []) {
        (self.account, self.server, self.mechanism, self.capabilities) = (account, server, mechanism, capabilities)
    }
}

extension AccountSurvey {
    public func offers(_ capability: String) -> Bool { capabilities.contains(capability) }

    public var hasConditionalStore: Bool { offers("CONDSTORE") || offers("QRESYNC") }
    public var hasListStatus: Bool { offers("LIST-STATUS") || offers("IMAP4REV2") }
    public var hasUIDPlus: Bool { offers("UIDPLUS") || offers("IMAP4REV2") }
    public var hasLabels: Bool { offers("X-GM-EXT-1") }

    public func step(_ kind: Step.Kind) -> Step? { steps.first { $0.kind == kind } }
}
