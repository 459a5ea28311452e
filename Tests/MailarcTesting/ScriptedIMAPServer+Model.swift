extension ScriptedIMAPServer {
    /// What the server holds, says it can do, and does wrong.
    public struct Model: Sendable {
        public var capabilities: [String]
        public var user = "anna"
        public var password = "secret"
        /// Access tokens that are taken by XOAUTH2 and OAUTHBEARER.
        public var tokens: Set<String> = []
        public var mailboxes: [Mailbox]
        public var greeting = "ready"
        /// The answer to NAMESPACE.
        public var namespaces = "((\"\" \"/\")) NIL NIL"
        /// What LIST of everything does not show.
        public var hiddenPrefix: String?
        /// Messages one command works on, the last ones first. RFC 9738
        public var messageLimit: Int?
        /// What SELECT says can be set for good.
        public var permanentFlags = "\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*"
        /// Octets of all messages together; more is refused with OVERQUOTA.
        public var quota: Int?
        /// What STATUS (APPENDLIMIT) says.
        public var mailboxAppendLimit: Int?
        public var faults = Faults()
        public var quirks = Quirks()
        /// X-GM-MSGID of the newest message.
        var lastGmailID: UInt64 = 1_278_455_344_230_334_864
        /// How often a body went out, by X-GM-MSGID.
        public internal(set) var sentBodies: [UInt64: Int] = [:]
        /// For IDLE and NOTIFY.
        public var watch = Watch()

        public init(capabilities: [String] = Self.rich, mailboxes: [Mailbox]) {
            (self.capabilities, self.mailboxes) = (capabilities, mailboxes)
        }

        /// Everything the server knows.
        public static let rich = [
            "IMAP4rev1", "LITERAL+", "SASL-IR", "AUTH=PLAIN", "ID", "ENABLE", "NAMESPACE", "LIST-EXTENDED",
            "LIST-STATUS", "SPECIAL-USE", "CONDSTORE", "QRESYNC", "ESEARCH",
        ]

        /// ``rich`` without `names`.
        public static func without(_ names: String...) -> [String] { rich.filter { !names.contains($0) } }

        func has(_ name: String) -> Bool { capabilities.contains(name) }

        /// Calls `change` with the mailbox `name`, if there is one.
        public mutating func change(_ name: String, _ change: (inout Mailbox) -> Void) {
            if let index = mailboxes.firstIndex(where: { $0.name == name }) { change(&mailboxes[index]) }
        }
    }

    public struct Message: Sendable {
        public var uid: UInt32
        public var octets: [UInt8]
        public var flags: [String]
        public var internalDate: String
        public var modSeq: UInt64 = 1
        /// X-GM-MSGID.
        public var gmailID: UInt64?
    }

    public struct Mailbox: Sendable {
        /// As on the wire.
        public var name: String
        public var attributes: [String] = []
        public var delimiter: Character? = "/"
        public var uidValidity: UInt32 = 1
        public var uidNext: UInt32 = 1
        public var highestModSeq: UInt64 = 1
        public var messages: [Message] = []
        var expunged: [(uid: UInt32, modSeq: UInt64)] = []

        public init(_ name: String, _ bodies: [[UInt8]] = [], uidValidity: UInt32 = 1) {
            (self.name, self.uidValidity) = (name, uidValidity)
            for body in bodies { append(body) }
        }

        /// Adds a message; answers its UID.
        @discardableResult
        public mutating func append(
            _ octets: [UInt8], flags: [String] = [], internalDate: String = " 7-Feb-2024 14:03:09 +0100"
        ) -> UInt32 {
            highestModSeq += 1
            messages.append(
                Message(uid: uidNext, octets: octets, flags: flags, internalDate: internalDate, modSeq: highestModSeq))
            uidNext += 1
            return uidNext - 1
        }

        public mutating func setFlags(_ uid: UInt32, _ flags: [String]) {
            highestModSeq += 1
            for index in messages.indices where messages[index].uid == uid {
                (messages[index].flags, messages[index].modSeq) = (flags, highestModSeq)
            }
        }

        public mutating func expunge(_ uid: UInt32) {
            highestModSeq += 1
            messages.removeAll { $0.uid == uid }
            expunged.append((uid, highestModSeq))
        }
    }

    /// What goes wrong. UIDs count in every mailbox.
    public struct Faults: Sendable {
        /// Sent instead of the greeting.
        public var greeting: [UInt8]?
        /// Octets sent right behind the OK of STARTTLS.
        public var injectedBehindStartTLS: [UInt8]?
        /// Mailboxes without a STATUS line in LIST.
        public var omittedStatus: Set<String> = []
        /// What VANISHED (EARLIER) claims instead of the truth.
        public var falseVanished: String?
        /// HIGHESTMODSEQ instead of the truth; "" sends NOMODSEQ.
        public var highestModSeq: String?
        /// No ENABLED response.
        public var enableIsSilent = false
        /// Added to the announced length of a body.
        public var literalError: [UInt32: Int] = [:]
        /// Close the connection behind so many octets of a body; so many times.
        public var breakAfter: [UInt32: (octetCount: Int, times: Int)] = [:]
        /// Close the connection in place of the completion of a FETCH of bodies that ends with it; so many times.
        public var breakBehind: [UInt32: Int] = [:]
        /// NO for any FETCH of bodies with these.
        public var refused: Set<UInt32> = []
        /// Left out of answers to FETCH of bodies.
        public var omitted: Set<UInt32> = []
        /// How often ``omitted`` is obeyed.
        public var omissions = Int.max
        public var nilBodies: Set<UInt32> = []
        public var emptyBodies: Set<UInt32> = []
        /// `BODY[] {n} … UID n`, lower case, double spaces.
        public var oddFetch = false
        /// Added to RFC822.SIZE.
        public var sizeError = 0
        /// Untagged EXISTS lines before each answer.
        public var flood = 0
        /// Sent instead of any answer to EXAMINE, and then again and again, without a line end.
        public var endless: [UInt8]?
        /// Sent instead of the answer to UID FETCH, then the connection closes.
        public var fetchAnswer: [UInt8]?
        /// Close the connection behind so many octets of a literal that has them; so many times.
        public var breakInLiteral: (octetCount: Int, times: Int)?
        /// Close the connection behind so many messages taken, without an answer; so many times.
        public var breakBehindAppends: (count: Int, times: Int)?
        /// NO for an APPEND with a message that holds this.
        public var refusedText: String?
        /// How.
        public var refusal = "NO not this one"
        /// Completes every command under another tag.
        public var wrongTag = false
        /// BAD to what was sent before the command before was answered.
        public var refusesPipelining = false
        /// Completions instead of answers, by command (`UID FETCH`), so many times.
        public var denials: [String: (text: String, times: Int)] = [:]
        /// Searches are answered together and completed after that, as Dovecot does.
        public var interleavesSearches = false
        /// EXAMINE, other than SELECT, names another UIDVALIDITY.
        public var falseExamine = false
        /// Said before closing, at the first command of a mailbox.
        public var farewell: String?

        public init() {}
    }
}
