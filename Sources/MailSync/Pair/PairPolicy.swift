/// What a run between two stores does with each kind of difference; a strategy is a value of this.
///
/// A is the source, B the destination, wherever they are not equals. The planner knows no strategy names.
public struct PairPolicy: Sendable, Hashable {
    /// A message that came to A and is not in B.
    public enum NewInA: Sendable, Hashable {
        case copy
        /// Copied when it did not come to B by another way within so many seconds.
        case copyAfter(seconds: Int64)
    }
    /// A message that came to B and is not in A.
    public enum NewInB: Int, Sendable, Hashable { case copy, delete, keep }
    /// A message that left A and is in B.
    public enum GoneInA: Int, Sendable, Hashable { case delete, keep }
    /// A message that left B and is in A.
    public enum GoneInB: Int, Sendable, Hashable {
        case recreate, delete
        /// Remembered as deleted on purpose, never made again.
        case tombstone
    }
    public enum Flags: Int, Sendable, Hashable {
        case none
        /// B shows what A shows.
        case overwriteB
        /// B shows what A shows when A changed.
        case overwriteBWhenAChanged
        /// A's changes go to B, and B's own stay.
        case mergeIntoB
        case mergeBoth
    }
    /// What `\Deleted` in A means.
    public enum DeletedFlag: Int, Sendable, Hashable { case flag, gone, ignored }
    /// A message that went from one mailbox of A to another.
    public enum MovedInA: Int, Sendable, Hashable {
        case follow
        /// B's message stays where it is, linked to its new place in A.
        case keepPlace
        /// No move is seen: one message left, one came.
        case asNew
    }
    public enum MovedInB: Int, Sendable, Hashable { case moveBack, follow, keepPlace, asNew }
    /// Which messages of equal canonical content are one.
    public enum Adoption: Int, Sendable, Hashable {
        /// One was delivered by way of the other, or both from one host: their `Received` fields end alike.
        case strict
        case loose
    }
    /// What came to a side by another channel after it was copied there.
    public enum Late: Int, Sendable, Hashable {
        /// Expunged, where the side is written to.
        case delete
        /// A new message like any other.
        case keep
    }
    /// More equal messages in A than in B.
    public enum Duplicates: Int, Sendable, Hashable { case all, onlyFirst }

    public struct Moves: Sendable, Hashable {
        public var inA: MovedInA
        public var inB: MovedInB

        public init(inA: MovedInA, inB: MovedInB) { (self.inA, self.inB) = (inA, inB) }
    }

    /// What happens to mailboxes.
    public struct Folders: Sendable, Hashable {
        public enum Renamed: Int, Sendable, Hashable {
            /// The other side's gets the same name.
            case follow
            /// It gets its old name back (B only).
            case renameBack
            /// The pair goes on under two names.
            case keep
            /// One left, another came.
            case asNew
        }
        public var createsInB: Bool
        public var newInB: NewInB
        public var goneInA: GoneInA
        public var goneInB: GoneInB
        public var renamedInA: Renamed
        public var renamedInB: Renamed

        public init(
            createsInB: Bool, newInB: NewInB, goneInA: GoneInA, goneInB: GoneInB, renamedInA: Renamed,
            renamedInB: Renamed
        ) {
            (self.createsInB, self.newInB, self.goneInA, self.goneInB) = (createsInB, newInB, goneInA, goneInB)
            (self.renamedInA, self.renamedInB) = (renamedInA, renamedInB)
        }
    }

    /// Whether A may be changed at all.
    public var writesA: Bool
    public var newInA: NewInA
    public var newInB: NewInB
    public var goneInA: GoneInA
    public var goneInB: GoneInB
    public var flags: Flags
    public var deletedFlag: DeletedFlag
    public var folders: Folders
    public var moves: Moves
    public var adoption: Adoption
    /// A message is looked for in every mailbox of B, not only in the one that belongs to its own.
    public var adoptsAnywhere = false
    /// A message found elsewhere in B is moved to the mailbox it has in A.
    public var filesAsSource = false
    public var duplicates = Duplicates.all
    public var late = Late.delete
    /// A message deleted on one side and re-flagged on the other is kept, and made again.
    public var keepsChanged = false
    /// Per cent of a mailbox that may be deleted in one run without being asked for; `nil` where nothing is deleted.
    public var massDeletePercent: Int?

    /// The sides to which nothing may come by another channel after it was copied there.
    var lateSides: [PairSide] { late == .keep ? [] : writesA ? [.a, .b] : [.b] }

    /// Whether a message that went from one mailbox of `side` to another is the same one.
    func seesMoves(_ side: PairSide) -> Bool { side == .a ? moves.inA != .asNew : moves.inB != .asNew }

    public init(
        writesA: Bool, newInA: NewInA, newInB: NewInB, goneInA: GoneInA, goneInB: GoneInB, flags: Flags,
        deletedFlag: DeletedFlag, folders: Folders, moves: Moves, adoption: Adoption, massDeletePercent: Int?
    ) {
        (self.writesA, self.newInA, self.newInB) = (writesA, newInA, newInB)
        (self.goneInA, self.goneInB, self.flags) = (goneInA, goneInB, flags)
        (self.deletedFlag, self.folders, self.moves) = (deletedFlag, folders, moves)
        (self.adoption, self.massDeletePercent) = (adoption, massDeletePercent)
    }
}
