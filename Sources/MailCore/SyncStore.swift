/// A mail store that can be either end of a sync: besides taking messages in, it changes and removes what is there.
///
/// Every call names messages by UID and UIDVALIDITY and touches exactly those; a message that left meanwhile is told,
/// never an error. After a connection error the caller does not know what became of a call: flags and removals may be
/// repeated as they are, a copy only after a look at the target.
///
/// LIMIT: a call is given at most 500 messages, which every store takes as a whole.
public protocol SyncStore: DeliveryStore {
    /// What this end can do; constant once connected.
    var abilities: StoreAbilities { get async throws(StoreError) }

    /// Looks at mailboxes before they are asked for, as far as memory allows: what is seen is the next observation of
    /// each. Forgets what an earlier call saw.
    func lookAhead(at mailboxes: [MailboxName]) async

    /// Changes flags: each message by itself, and only as far as nobody else changed it since it was looked at.
    ///
    /// Flags the mailbox cannot keep are left out.
    /// - Throws: `.uidValidityChanged`, `.noSuchMailbox`, `.refused` (read-only) before anything is changed; connection
    ///   errors.
    func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome]

    /// Copies messages to another mailbox of this store, with flags and internal dates; no octet leaves the store.
    ///
    /// - Throws: as ``setFlags(_:in:uidValidity:)``; `.noSuchMailbox` with the target's name; `.refused`, and then
    ///   nothing was copied.
    func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport

    /// Moves messages to another mailbox of this store; broken off, a message may be in both, never in none.
    ///
    /// - Throws: as ``copy(_:from:uidValidity:to:)``.
    func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport

    /// Removes exactly these messages for good, whatever else is marked `\Deleted`; the UIDs that are gone afterwards.
    ///
    /// A store that cannot remove one message without others (``StoreAbilities/expungesExactly``) leaves them marked
    /// `\Deleted`, and they are not among the UIDs returned.
    func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet

    /// Gives a mailbox another name; messages, UIDs and mailboxes inside it stay as they are.
    ///
    /// - Throws: `.noSuchMailbox`; `.refused` when `target` exists, or for INBOX.
    func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError)

    /// Removes an empty mailbox; no error if it is gone already.
    ///
    /// - Throws: `.refused` when it holds a message, and for INBOX.
    func remove(_ mailbox: MailboxName) async throws(StoreError)
}

extension SyncStore {
    /// For stores that are asked many things at once, or where a look ahead saves nothing.
    public func lookAhead(at mailboxes: [MailboxName]) async {}
}

/// A store that finds messages by itself, bodies included.
public protocol SearchingStore: MailStore {
    /// The messages of `mailbox` that `program` fits; reading changes nothing.
    ///
    /// - Throws: `.capabilityMissing` where the store does not take this program, with its own words;
    ///   `.uidValidityChanged`, `.noSuchMailbox`; connection errors.
    func search(
        _ program: SearchProgram, in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet
}

/// What an end of a sync can do.
public struct StoreAbilities: Sendable, Hashable {
    /// One message can be removed without those others marked `\Deleted` (UIDPLUS). RFC 4315 §2.1
    public var expungesExactly: Bool
    /// New UIDs of delivered and copied messages are told (APPENDUID, COPYUID). RFC 4315 §3
    public var tellsUIDs: Bool
    /// A flag change is refused where somebody else changed the message since (UNCHANGEDSINCE). RFC 7162 §3.1.3
    public var guardsFlags: Bool
    /// A removed message can still be had: deletions here lose nothing.
    public var keepsHistory: Bool
    /// Nothing can be changed here.
    public var isReadOnly: Bool

    public init(
        expungesExactly: Bool = true, tellsUIDs: Bool = true, guardsFlags: Bool = false, keepsHistory: Bool = false,
        isReadOnly: Bool = false
    ) {
        (self.expungesExactly, self.tellsUIDs, self.guardsFlags) = (expungesExactly, tellsUIDs, guardsFlags)
        (self.keepsHistory, self.isReadOnly) = (keepsHistory, isReadOnly)
    }
}

/// One message's change of flags.
public struct FlagChange: Sendable, Hashable {
    public var uid: UID
    public var adding: FlagSet
    public var removing: FlagSet
    /// The modification sequence of the look this was decided by, where the store has them.
    public var unchangedSince: ModSeq?

    public init(uid: UID, adding: FlagSet, removing: FlagSet, unchangedSince: ModSeq? = nil) {
        (self.uid, self.adding, self.removing) = (uid, adding, removing)
        self.unchangedSince = unchangedSince
    }
}

/// What became of a change of flags.
public enum FlagOutcome: Sendable, Hashable {
    case changed
    /// The store refuses keywords, whatever it says it keeps; all else is changed.
    case changedWithoutKeywords
    /// Somebody else changed the message since it was looked at: nothing was done, look again.
    case conflicted
    /// The message is not there any more.
    case gone
    /// The store would not; its own words, no mail content.
    case refused(String)
}

/// What became of a copy or a move inside a store.
public struct CopyReport: Sendable, Hashable {
    /// Of the target.
    public var uidValidity: UIDValidity?
    /// Old UID → new UID, as far as the store tells.
    public var mapping: [UID: UID]
    /// Messages that were not there any more.
    public var missing: UIDSet

    public init(uidValidity: UIDValidity? = nil, mapping: [UID: UID] = [:], missing: UIDSet = UIDSet()) {
        (self.uidValidity, self.mapping, self.missing) = (uidValidity, mapping, missing)
    }
}
