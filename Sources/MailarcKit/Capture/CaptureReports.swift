import MailCore

/// Something that happened while `receive` runs. The JSON of `--json` is this.
public struct CaptureEvent: Codable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// Connections are taken at an address.
        case listening
        /// A message is durable, and the client was told so.
        case archived
        /// The same delivery was there already; the client was told that it is durable.
        case repeated
        /// A message is durable in the outbox of a write-only host, and the client was told so.
        case sealed
        /// A message was not kept for one mailbox, as a rule says; that this was so is durable.
        case skipped
        /// A client was refused something.
        case refused
        /// Mail cannot be stored; clients are told to come again.
        case problem
        /// It was told to stop, and everything that was acknowledged is durable.
        case stopped
    }
    /// RFC 3339, UTC.
    public var time: String
    public var event: Kind
    /// What happened, for people; no mail content.
    public var text: String
    public var `protocol`: String?
    /// Where it listens.
    public var address: String?
    public var client: String?
    public var sender: String?
    public var recipients: [String]?
    /// The message's id in the archive; of a write-only host, `segment N`.
    public var id: String?
    public var octets: Int?
    /// `account:mailbox`, each with the UID it has there.
    public var places: [CapturedPlaceRow]?
    /// Messages that became durable together.
    public var group: Int?
    public var code: Int?
    public var status: String?
    /// The message that a journal report enclosed; ``id`` is the report.
    public var original: String?
    /// Why a journal report was kept as it came.
    public var note: String?
    /// The rule that skipped it.
    public var rule: String?
    /// What the spam scanner said, where it was asked.
    public var scan: CaptureScan?

    init(_ event: Kind, _ text: String) {
        (time, self.event, self.text) = (Clock.text(Clock.now()), event, text)
    }

    /// True for what an operator has to know of also where all goes well is not told.
    public var isTrouble: Bool { event == .problem || event == .refused || note != nil }
}

/// Where a delivered message is.
public struct CapturedPlaceRow: Codable, Sendable {
    public var account: String
    public var mailbox: String
    public var uidValidity: UInt32
    public var uid: UInt32

    init(_ address: OccurrenceAddress) {
        (account, mailbox) = (address.account, address.mailbox.text)
        (uidValidity, uid) = (address.uidValidity.value, address.uid.value)
    }
}

/// What became of one message from standard input.
public struct DeliverReport: Codable, Sendable {
    /// The message's id in the archive; of a write-only host, `segment N`; `nil` where rules skipped all of it.
    public var id: String?
    public var octets: Int
    /// Where it was placed now; empty where the same delivery was there already.
    public var places: [CapturedPlaceRow]
    public var isRepeated: Bool
    /// It waits in the outbox of a write-only host.
    public var isSealed: Bool
    /// The message that a journal report enclosed; ``id`` is the report.
    public var original: String?
    /// Why a journal report was kept as it came.
    public var note: String?
    /// Where it was not archived, and which rule says so; `nil`: nowhere.
    public var skipped: [CaptureDecision]?
    /// What the spam scanner said, where it was asked.
    public var scan: CaptureScan?
}

/// Where a message goes, and why.
public struct CaptureDecision: Codable, Sendable {
    public var account: String
    public var mailbox: String
    /// As they stand beside it; of a message that a journal report encloses, those of the report.
    public var sender: String
    public var recipients: [String]
    public var action: String
    /// The rule that decided; `nil`: none did.
    public var rule: String?
    /// For how many seconds it says to keep the message; `nil`: for good.
    public var keep: Int64?

    init(_ decision: CapturedBundle.Decision) {
        (account, mailbox) = (decision.place.account, decision.place.mailbox.text)
        (sender, recipients) = (decision.sender, decision.recipients)
        (action, rule) = ((decision.rule?.action ?? .archive).rawValue, decision.rule?.name)
        keep = decision.rule?.keep
    }
}

/// What would become of one message from standard input.
public struct DeliverExplanation: Codable, Sendable {
    public var octets: Int
    public var decisions: [CaptureDecision]
    /// Why a journal report would be kept as it came.
    public var note: String?
    /// What the spam scanner said, where it was asked.
    public var scan: CaptureScan?
}

/// What a spam scanner said of one message, or why it did not.
public struct CaptureScan: Codable, Sendable {
    /// `nil`: it said nothing, and rules see what stands in the header.
    public var isSpam: Bool?
    public var score: Double?
    /// Why it said nothing.
    public var reason: String?

    var verdict: SpamVerdict? { isSpam.map { SpamVerdict(isSpam: $0, score: score) } }
}

/// Takes what happens as it comes.
public typealias CaptureHandler = @Sendable (CaptureEvent) -> Void
