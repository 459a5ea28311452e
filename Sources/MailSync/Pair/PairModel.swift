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

    /// Row in the state; 0 before it has one.
    package var id: Int64 = 0
    package var ends: BothSides<LinkEnd?>
    package var content: ContentIdentity?
    package var state: State
    /// Seconds since 1970 when it came into ``state``.
    package var since: Int64 = 0
    package var attempts = 0
    package var reason: String?
    package var pending: Pending?

    package init(id: Int64 = 0, a: LinkEnd?, b: LinkEnd?, content: ContentIdentity?, state: State, since: Int64 = 0) {
        (self.id, ends, self.content) = (id, BothSides(a, b), content)
        (self.state, self.since) = (state, since)
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
