public import MailCore

/// One of the two ends of a sync: A is the source, B the destination, wherever they are not equals.
public enum PairSide: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case a = 0
    case b = 1

    public var other: PairSide { self == .a ? .b : .a }
    public var description: String { self == .a ? "A" : "B" }
}

/// One value for each side.
package struct BothSides<Value> {
    package var a: Value
    package var b: Value

    package init(_ a: Value, _ b: Value) { (self.a, self.b) = (a, b) }

    package subscript(side: PairSide) -> Value {
        get { side == .a ? a : b }
        set { if side == .a { a = newValue } else { b = newValue } }
    }
}
extension BothSides: Sendable where Value: Sendable {}
extension BothSides: Equatable where Value: Equatable {}
extension BothSides: Hashable where Value: Hashable {}

/// Where a message was when it was last looked at, and what it showed.
package struct LinkEnd: Sendable, Hashable {
    /// Row of the mailbox in the state.
    package var mailbox: Int64
    package var uidValidity: UIDValidity
    /// `nil`: it is not there any more (a tombstone's end).
    package var uid: UID?
    /// The base of the three-way comparison of flags.
    package var flags: FlagSet
    package var octetCount: Int?
    package var internalDate: InternalDate?
    package var objectID: String?

    package init(mailbox: Int64, uidValidity: UIDValidity, _ summary: MessageSummary) {
        (self.mailbox, self.uidValidity, uid, flags) = (mailbox, uidValidity, summary.uid, summary.flags)
        (octetCount, internalDate, objectID) = (summary.octetCount, summary.internalDate, summary.objectID)
    }

    package init(mailbox: Int64, uidValidity: UIDValidity, uid: UID?, flags: FlagSet, octetCount: Int? = nil) {
        (self.mailbox, self.uidValidity, self.uid) = (mailbox, uidValidity, uid)
        (self.flags, self.octetCount) = (flags, octetCount)
    }
}

/// A message known to the pair: the base of the next comparison.
public struct PairLink: Sendable, Hashable {
    package enum State: Int, Sendable, Hashable {
        /// In both.
        case linked = 0
        /// In B alone, and it may stay.
        case kept = 1
        /// In B alone since it left A.
        case sourceGone = 2
        /// Deleted in B on purpose; never made again.
        case tombstone = 3
        /// In A alone; it may come to B by another channel.
        case waiting = 4
        /// Could not be taken.
        case quarantined = 5
        /// On its way; nobody knows whether it arrived.
        case sent = 6
        /// In A alone: an equal message is linked.
        case duplicate = 7
        /// It arrived, and nobody knows under which UID.
        case unplaced = 8
        /// In B alone, or about to be: taken out of A once B's was verified. Never deleted for being gone in A.
        case moved = 9
        /// On one side alone: erased in the archive that is the other one. Never made again, never deleted for it.
        case erased = 10
        /// On one side alone: it could not be read when it was to be compared with what may be the same on the other.
        case unread = 11
    }

    /// An effect whose outcome is not known yet.
    package struct Pending: Sendable, Hashable {
        package enum Kind: Int, Sendable, Hashable {
            case copy = 0
            case move = 1
        }
        package var kind: Kind
        /// The side that was to change.
        package var side: PairSide
        package var mailbox: Int64
        /// Whatever the effect made has a UID from here on, as long as UIDVALIDITY is this.
        package var uidValidity: UIDValidity?
        package var uidNext: UID?

        package init(
            _ kind: Kind, side: PairSide, mailbox: Int64, uidValidity: UIDValidity?, uidNext: UID?
        ) {
            (self.kind, self.side, self.mailbox) = (kind, side, mailbox)
            (self.uidValidity, self.uidNext) = (uidValidity, uidNext)
        }
    }

    /// What a link says; shared by its copies, for a run holds several of each link it deals with.
    // SAFETY: changed only while one link alone has it.
    private final class Storage: @unchecked Sendable {
        var fields: Fields
        init(_ fields: Fields) { self.fields = fields }
    }

    private struct Fields: Sendable, Hashable {
        var id: Int64
        var ends: BothSides<LinkEnd?>
        var content: ContentIdentity?
        var state: State
        var since: Int64
        var attempts = 0
        var reason: String?
        var pending: Pending?
    }

    private var storage: Storage
    private var fields: Fields {
        get { storage.fields }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.fields) }
            yield &storage.fields
        }
    }

    /// Row in the state; 0 before it has one.
    package var id: Int64 {
        get { storage.fields.id }
        set { fields.id = newValue }
    }
    package var ends: BothSides<LinkEnd?> {
        get { storage.fields.ends }
        set { fields.ends = newValue }
    }
    package var content: ContentIdentity? {
        get { storage.fields.content }
        set { fields.content = newValue }
    }
    package var state: State {
        get { storage.fields.state }
        set { fields.state = newValue }
    }
    /// Seconds since 1970 when it came into ``state``.
    package var since: Int64 {
        get { storage.fields.since }
        set { fields.since = newValue }
    }
    package var attempts: Int {
        get { storage.fields.attempts }
        set { fields.attempts = newValue }
    }
    package var reason: String? {
        get { storage.fields.reason }
        set { fields.reason = newValue }
    }
    package var pending: Pending? {
        get { storage.fields.pending }
        set { fields.pending = newValue }
    }

    package init(id: Int64 = 0, a: LinkEnd?, b: LinkEnd?, content: ContentIdentity?, state: State, since: Int64 = 0) {
        storage = Storage(
            Fields(id: id, ends: BothSides(a, b), content: content, state: state, since: since))
    }

    public static func == (left: PairLink, right: PairLink) -> Bool {
        left.storage === right.storage || left.fields == right.fields
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(fields) }

    /// The ``reason`` of one that waits because the other side made it one with an equal message.
    static let merged = "merged"
    var isMerged: Bool { state == .waiting && reason == Self.merged }

    /// The ``reason`` of one that came to `side` by a run of this pair; ``since`` is when it was sent.
    static func copied(to side: PairSide) -> String { "copied to \(side)" }
    func isCopied(to side: PairSide) -> Bool { state == .linked && reason == Self.copied(to: side) }
    var isCopied: Bool { isCopied(to: .a) || isCopied(to: .b) }

    /// The effect that was under way is done.
    mutating func arrive() {
        switch pending {
        case let pending? where pending.kind == .copy: reason = Self.copied(to: pending.side)
        case .some: break
        case nil: reason = nil
        }
        (state, pending, attempts) = (.linked, nil, 0)
    }

    package subscript(side: PairSide) -> LinkEnd? {
        get { ends[side] }
        set { ends[side] = newValue }
    }
}

/// A message of one side by its address, as actions speak of it.
public struct PairMessage: Sendable, Hashable, CustomStringConvertible {
    public var side: PairSide
    public var mailbox: MailboxName
    public var uidValidity: UIDValidity
    public var uid: UID
    public var flags: FlagSet
    public var internalDate: InternalDate?
    /// As announced.
    public var octetCount: Int?

    public var description: String { "UID \(uid) of \(mailbox) in \(side)" }

    var summary: MessageSummary {
        MessageSummary(uid: uid, flags: flags, internalDate: internalDate, octetCount: octetCount)
    }
}
