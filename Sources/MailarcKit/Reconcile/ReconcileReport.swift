/// Why server and archive are not the same at some UIDs. The raw value is the reason code in every report.
public enum DifferenceReason: String, Codable, Sendable, CaseIterable {
    // Accounted for.
    /// The archive has it, the server does not any more. It is kept.
    case goneOnServer = "gone-on-server"
    /// The mailbox is not on the server any more. What was in it is kept.
    case mailboxGoneOnServer = "mailbox-gone-on-server"
    /// It was erased from the archive and is not taken again.
    case erasedHere = "erased-here"
    /// `--mailbox` leaves the mailbox out.
    case excludedBySelection = "excluded-by-selection"
    /// The occurrence stands under an UIDVALIDITY the mailbox had before. It is kept.
    case formerUIDValidity = "former-uidvalidity"
    /// The server announces a size the message does not have; the octets are equal.
    case sizeMisreported = "size-misreported"
    // The next pull has to settle it.
    /// A pull could not take it and said why.
    case quarantined
    /// It came after the last pull of the mailbox.
    case newSincePull = "new-since-pull"
    /// The archive recorded that it went, and the server lists it again. Its octets are kept.
    case backOnServer = "back-on-server"
    /// The mailbox could not be looked at, or its listing has holes.
    case notLookedAt = "not-looked-at"
    /// `--deep`: the server did not give the message.
    case notFetched = "not-fetched"
    // Nobody accounts for it.
    /// The last pull went past it, and it is neither archived nor quarantined.
    case notArchived = "not-archived"
    /// The archive knows nothing of the mailbox.
    case mailboxNotArchived = "mailbox-not-archived"
    /// The mailbox has another UIDVALIDITY than the archive knows: no UID means what it meant.
    case uidValidityChanged = "uidvalidity-changed"
    /// The history names it, but the message is lost.
    case lostHere = "lost-here"
    /// `--deep`: the archive cannot give the message.
    case unreadableHere = "unreadable-here"
    /// `--deep`: server and archive have other octets under the same UID.
    case contentDiffers = "content-differs"

    /// How grave it is.
    public var standing: DifferenceStanding {
        switch self {
        case .goneOnServer, .mailboxGoneOnServer, .erasedHere, .excludedBySelection, .formerUIDValidity,
            .sizeMisreported:
            .explained
        case .quarantined, .newSincePull, .backOnServer, .notLookedAt, .notFetched: .pending
        case .notArchived, .mailboxNotArchived, .uidValidityChanged, .lostHere, .unreadableHere, .contentDiffers:
            .unaccounted
        }
    }

    /// One line for people.
    public var explanation: String {
        switch self {
        case .goneOnServer: "archived; no longer on the server, kept here"
        case .mailboxGoneOnServer: "the mailbox is no longer on the server; kept here"
        case .erasedHere: "erased from the archive; not taken again"
        case .excludedBySelection: "left out by --mailbox"
        case .formerUIDValidity: "archived under an earlier UIDVALIDITY; kept here"
        case .sizeMisreported: "the server announces a wrong size; the octets are equal"
        case .quarantined: "a pull could not take it"
        case .newSincePull: "came after the last pull of the mailbox"
        case .backOnServer: "recorded as gone, listed by the server again; its octets are kept"
        case .notLookedAt: "could not be looked at"
        case .notFetched: "the server did not give it to be compared"
        case .notArchived: "not archived, though the last pull went past it"
        case .mailboxNotArchived: "the archive knows nothing of the mailbox"
        case .uidValidityChanged: "the mailbox has another UIDVALIDITY than the archive knows"
        case .lostHere: "the history names it, but the message is lost"
        case .unreadableHere: "the archive cannot give the message"
        case .contentDiffers: "server and archive have other octets"
        }
    }
}

/// How grave a difference is.
public enum DifferenceStanding: String, Codable, Sendable, CaseIterable {
    /// Accounted for; nothing is to be done.
    case explained
    /// Has a reason, and the next pull has to settle it.
    case pending
    /// A message of the server nobody accounts for.
    case unaccounted
}

/// Some UIDs of one mailbox at which server and archive differ for one reason.
public struct Difference: Codable, Sendable {
    public var mailbox: String
    public var reason: DifferenceReason
    public var standing: DifferenceStanding
    /// As IMAP spells sets: `1:4,7`; empty where the whole mailbox is meant.
    public var uids: String
    public var messages: Int
    /// Of a quarantined message: the reason code of the pull.
    public var cause: String?
    /// More, where there is more; never mail content.
    public var detail: String?
}

/// One mailbox of server and archive.
public struct ReconciledMailbox: Codable, Sendable {
    public var mailbox: String
    /// `nil` where the server does not have it, or it was not looked at.
    public var uidValidity: UInt32?
    /// Messages on the server.
    public var server: Int
    /// Occurrences in the archive.
    public var archived: Int
    /// On the server and archived under the same UID.
    public var matched: Int
    /// On the server, and accounted for otherwise.
    public var explained: Int
    public var pending: Int
    public var unaccounted: Int
    /// Whose announced size, and whose octets, were held against the archive's (`--deep`).
    public var comparedSizes: Int
    public var comparedContents: Int
}

/// What `reconcile` saw of one account.
public struct ReconcileReport: Codable, Sendable {
    public var account: String
    /// `equal`, or the gravest standing of a difference.
    public var outcome: String
    public var mailboxes: [ReconciledMailbox]
    public var differences: [Difference]

    /// `nil`: equal, or nothing but what the archive keeps.
    public var standing: DifferenceStanding? { DifferenceStanding(rawValue: outcome) }
}
