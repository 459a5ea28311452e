/// What a run does with each kind of difference between a source and a destination; a strategy is a value of this.
///
/// The planner knows no strategy names. ``archiveHistory`` is what `pull` and `import` use.
public struct SyncPolicy: Sendable, Hashable {
    /// A message that is new in the source.
    public enum Arrival: Sendable, Hashable {
        /// Its octets go to the destination, once per content.
        case copy
    }
    /// A message or mailbox that left the source.
    public enum Departure: Sendable, Hashable {
        /// The destination records when it left; nothing is removed.
        case record
    }
    /// Flags and keywords that changed in the source.
    public enum FlagRule: Sendable, Hashable { case record, none }
    /// A mailbox that got another name in the source.
    public enum RenameRule: Sendable, Hashable {
        /// One mailbox goes on under its new name.
        case record
        /// The old one left, a new one came.
        case none
    }
    /// A message that left one mailbox and came to another in the same run.
    public enum MoveRule: Sendable, Hashable { case follow, none }

    public var newInSource: Arrival
    public var goneInSource: Departure
    public var flags: FlagRule
    public var renames: RenameRule
    public var moves: MoveRule

    public init(
        newInSource: Arrival = .copy, goneInSource: Departure = .record, flags: FlagRule = .record,
        renames: RenameRule = .record, moves: MoveRule = .follow
    ) {
        (self.newInSource, self.goneInSource, self.flags) = (newInSource, goneInSource, flags)
        (self.renames, self.moves) = (renames, moves)
    }

    /// Everything that ever was in the source stays; every change is recorded.
    public static let archiveHistory = SyncPolicy()
}
