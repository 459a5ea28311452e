/// Where a message was: one UID of one mailbox of one account.
public struct OccurrenceAddress: Hashable, Sendable, Codable {
    /// The account's configured name; `import:…` for imports.
    public var account: String
    public var mailbox: MailboxName
    public var uidValidity: UIDValidity
    public var uid: UID

    public init(account: String, mailbox: MailboxName, uidValidity: UIDValidity, uid: UID) {
        (self.account, self.mailbox, self.uidValidity, self.uid) = (account, mailbox, uidValidity, uid)
    }
}

/// How true the archived octets are to what the source held.
public enum Fidelity: UInt8, Sendable, Codable {
    /// Octet for octet.
    case exact = 0
    /// `>From ` quoting of an mbox was removed.
    case unescaped = 1
    /// Put together from pieces (a server that gives header and text apart).
    case reconstructed = 2
}

/// By which way a message came.
public enum Channel: UInt8, Sendable, Codable {
    case imap = 1
    case pop3 = 2
    case maildir = 3
    case mbox = 4
    case smtp = 5
    case lmtp = 6
    case pipe = 7
    case eml = 8
}

/// One fact about where messages were and when; the archive keeps them for ever and derives every view from them.
///
/// The wire form is in ArchiveFormat.md, "Event records".
public enum OccurrenceEvent: Sendable, Hashable {
    /// `message` (its key id in the archive) appeared at `address`.
    case placed(
        message: RandomID, at: OccurrenceAddress, flags: FlagSet, internalDate: InternalDate?, modSeq: ModSeq?,
        channel: Channel, fidelity: Fidelity)
    /// The message at `address` has exactly these flags from now on.
    case flagsChanged(at: OccurrenceAddress, flags: FlagSet, modSeq: ModSeq?)
    /// The message at `address` left; `movedTo` when the same content appeared elsewhere in the same run.
    case gone(at: OccurrenceAddress, movedTo: OccurrenceAddress?)
    case mailboxCreated(account: String, mailbox: MailboxName, role: MailboxRole?, uidValidity: UIDValidity)
    case mailboxRenamed(account: String, from: MailboxName, to: MailboxName)
    /// The mailbox left; every occurrence in it ended with it.
    case mailboxDeleted(account: String, mailbox: MailboxName)
    /// The server gave new UIDs: `mapping` pairs old and new ones by content; occurrences go on under the new UIDs.
    case uidValidityChanged(
        account: String, mailbox: MailboxName, from: UIDValidity, to: UIDValidity, mapping: [UID: UID])
    /// A message could not be taken. Cleared by a later `.placed` at the same address.
    case quarantined(at: OccurrenceAddress, refusal: Refusal)
    /// The archive itself gives this mailbox its UIDs: every one below `next` was given, and none is given again, even
    /// when what had it is erased.
    case uidsGiven(account: String, mailbox: MailboxName, uidValidity: UIDValidity, next: UID)
    /// The message at `address` was delivered to the archive itself, and this was told with it.
    case delivered(at: OccurrenceAddress, facts: DeliveryFacts)
}

extension OccurrenceEvent {
    /// The account the event is about.
    public var account: String {
        switch self {
        case .placed(_, let address, _, _, _, _, _), .flagsChanged(let address, _, _), .gone(let address, _),
            .quarantined(let address, _), .delivered(let address, _):
            address.account
        case .mailboxCreated(let account, _, _, _), .mailboxRenamed(let account, _, _), .mailboxDeleted(let account, _),
            .uidValidityChanged(let account, _, _, _, _), .uidsGiven(let account, _, _, _):
            account
        }
    }
}
