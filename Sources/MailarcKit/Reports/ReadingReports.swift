/// A message as lists show it.
public struct MessageRow: Codable, Sendable {
    /// 32 hex digits; any unique prefix names the message on the command line.
    public var id: String
    /// The Date field, else the internal date; RFC 3339.
    public var date: String?
    public var from: String
    public var to: String
    public var subject: String
    public var octets: Int
    public var attachments: Int
    /// Where it is or was: `account:mailbox`.
    public var mailboxes: [String]
    public var flags: [String]
}

/// One page of hits.
public struct SearchReport: Codable, Sendable {
    public var query: String
    public var total: Int
    public var offset: Int
    public var messages: [MessageRow]
}

/// One mailbox with counts.
public struct MailboxRow: Codable, Sendable {
    public var account: String
    public var mailbox: String
    public var role: String?
    public var messages: Int
    public var octets: Int
    public var state: String
}

/// A part as `show` lists it.
public struct PartRow: Codable, Sendable {
    public var path: String
    public var type: String
    public var encoding: String
    public var octets: Int
    public var fileName: String?
}

/// One occurrence of a message.
public struct OccurrenceLine: Codable, Sendable {
    public var account: String
    public var mailbox: String
    public var uidValidity: UInt32
    public var uid: UInt32
    public var flags: [String]
    public var internalDate: String?
    public var since: String
    public var until: String?
    public var movedTo: String?
    /// By which way it came: `imap`, `pop3`, `maildir`, `mbox`, `eml`, `smtp`, `lmtp` or `pipe`.
    public var channel: String
    /// How true its octets are to the source's: `exact`, `unescaped` (of `>From ` lines) or `reconstructed`.
    public var fidelity: String
    /// Of a message that was delivered to the archive itself (`receive`, `deliver`).
    public var delivery: DeliveryLine?
}

/// What was told around a message when it was delivered.
public struct DeliveryLine: Codable, Sendable {
    /// `received`, `sent` or `unknown`.
    public var direction: String
    public var sender: String
    public var recipients: [String]
    public var client: String
    public var helloName: String
    public var transport: String
    public var tls: String
    /// RFC 3339, UTC.
    public var time: String
    /// Until when a rule keeps it, as ``time``; `nil`: for good.
    public var keptUntil: String?
}

/// One message in full.
public struct ShownMessage: Codable, Sendable {
    public var message: MessageRow
    public var headers: [HeaderLine]
    public var text: String
    public var isTextTruncated: Bool
    public var parts: [PartRow]
    public var occurrences: [OccurrenceLine]
    public var defects: [String]
    public var sha256: String
    public var ledgerIndex: UInt64
}

/// A decoded header field.
public struct HeaderLine: Codable, Sendable {
    public var name: String
    public var value: String
}

/// What became of an export.
public struct ExportReport: Codable, Sendable {
    public var target: String
    public var occurrences: Int
    public var messages: Int
    public var octets: Int
    public var mailboxes: Int
    /// What could not be written, as sentences.
    public var problems: [String]
}

/// What the archive holds and costs.
public struct StatisticsReport: Codable, Sendable {
    public var archive: String
    public var isPlain: Bool
    public var messages: Int
    public var occurrences: Int
    public var accounts: Int
    public var mailboxes: Int
    public var quarantined: Int
    /// Octets of all distinct messages as they came.
    public var messageOctets: Int
    /// Octets of all occurrences as they came (what a plain copy would hold).
    public var occurrenceOctets: Int
    public var packs: Int
    public var packOctets: Int
    /// Octets in packs that belong to nothing that lives; `compact` takes them away.
    public var deadOctets: Int
    /// Their share of the packs, 0 to 1.
    public var deadShare: Double
    /// Those of them that were erased.
    public var erasedOctets: Int
    public var vaultOctets: Int
    public var ledgerOctets: Int
    public var catalogOctets: Int
    public var stateOctets: Int
    public var parityOctets: Int
    public var totalOctets: Int
    public var ledgerSize: UInt64
    public var ledgerRoot: String
    /// Messages that capture rules did not keep, by the rule's name.
    public var skipped: [Skipped] = []
    /// Messages that are not kept for good, as capture rules say; `expire` takes those that are due.
    public var expiring = 0
    /// Those of them whose time is over.
    public var expired = 0

    public struct Skipped: Codable, Sendable {
        public var reason: String
        public var count: UInt64
    }
}
