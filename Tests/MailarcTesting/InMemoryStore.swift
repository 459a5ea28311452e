public import MailCore
import Synchronization

/// A mail store in memory whose history a test writes, and whose faults and lies a test chooses.
public final class InMemoryStore: Sendable {
    /// What the imitated server can do.
    public struct Features: Sendable, Hashable {
        public var hasModSeq = true
        public var givesDeltas = true
        public var hasObjectIDs = false
        public var hasMailboxIDs = false
        public var givesStatus = true
        public var hasPersistentUIDs = true
        public var fetchConcurrency = 1
        /// APPENDUID and COPYUID.
        public var tellsUIDs = true
        /// As in IMAP: what is to go is marked `\Deleted` first.
        public var marksBeforeExpunging = true
        /// What can be set; `nil`: everything.
        public var permanentFlags: [Flag]?

        public init() {}
    }

    /// A way in which the imitated server is wrong.
    public struct Faults: Sendable {
        /// Messages it does not give, by mailbox.
        public var refusals: [MailboxName: [UID: Refusal]] = [:]
        /// Mailboxes that cannot be opened.
        public var unopenable: Set<MailboxName> = []
        /// Lists only so many messages of each mailbox.
        public var listedMessages: Int?
        /// Whether a listing with holes says so.
        public var admitsHoles = false
        /// Lists only so many mailboxes.
        public var listedMailboxes: Int?
        /// Says that these left although they did not.
        public var falseVanished: [MailboxName: UIDSet] = [:]
        /// Tells counters of the mailboxes as they were before the last change of each.
        public var statusOfBefore = false
        /// Counts as expunged between listing and fetch.
        public var expungedMeanwhile: [MailboxName: UIDSet] = [:]
        /// Breaks the stream of the messages with these UIDs in the middle, once each, then sends them again.
        public var brokenStreams: [MailboxName: UIDSet] = [:]
        /// Messages it does not take, by ``Swift/Array/fingerprint``.
        public var refusedDeliveries: Set<UInt64> = []

        public init() {}
    }

    struct Message: Sendable {
        var summary: MessageSummary
        var octets: [UInt8]
    }

    struct Mailbox: Sendable {
        var name: MailboxName
        var role: MailboxRole?
        var id: String
        var uidValidity: UInt32
        var uidNext: UInt32 = 1
        var modSeq: UInt64 = 1
        var messages: [Message] = []
        var expunged: [(uid: UID, modSeq: UInt64)] = []
    }

    struct Model: Sendable {
        var mailboxes: [Mailbox] = []
        var nextValidity: UInt32 = 1_000
        var nextID = 1
        var faults = Faults()
        var log: [String] = []
    }

    public let features: Features
    /// Called before each step that would touch a network or disk; what it throws is a broken connection.
    let io: @Sendable (String) throws -> Void
    let model: Mutex<Model>

    public init(features: Features = Features(), io: @escaping @Sendable (String) throws -> Void = { _ in }) {
        (self.features, self.io) = (features, io)
        model = Mutex(Model())
        create(MailboxName("INBOX"))
    }

    /// A copy of the store at this moment.
    public init(copying other: InMemoryStore, io: @escaping @Sendable (String) throws -> Void = { _ in }) {
        (features, self.io) = (other.features, io)
        model = Mutex(other.model.withLock { $0 })
    }

    public var faults: Faults {
        get { model.withLock { $0.faults } }
        set { model.withLock { $0.faults = newValue } }
    }

    /// What was asked of the store since the last call: `mailboxes`, `observe INBOX`, `fetch INBOX 1:3`.
    public func takeLog() -> [String] {
        model.withLock { model in
            defer { model.log = [] }
            return model.log
        }
    }

    /// Every message, in mailbox and UID order.
    public var contents: [(mailbox: MailboxName, uidValidity: UIDValidity, summary: MessageSummary, octets: [UInt8])] {
        model.withLock { model in
            model.mailboxes.flatMap { mailbox in
                mailbox.messages.map {
                    (mailbox.name, UIDValidity(mailbox.uidValidity), $0.summary, $0.octets)
                }
            }
        }
    }

    public var mailboxNames: [MailboxName] { model.withLock { $0.mailboxes.map(\.name) } }
}
