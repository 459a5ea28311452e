/// The strategies by name, each a value of ``PairPolicy``, and the options that bend them.
public enum PairStrategy: String, Sendable, Hashable, CaseIterable {
    /// B becomes what A is.
    case mirror = "backup"
    case twoWay = "two-way"
    /// B is an archive of A with a life of its own: nothing that left A leaves B, nothing deleted in B comes again.
    case oneWay = "one-way"
    /// B gets what A has, and keeps what else it has.
    case copy
    /// B is fed by another channel; what that missed is copied.
    case bcc

    public var policy: PairPolicy {
        switch self {
        case .mirror:
            PairPolicy(
                writesA: false, newInA: .copy, newInB: .delete, goneInA: .delete, goneInB: .recreate,
                flags: .overwriteB, deletedFlag: .flag,
                folders: .init(
                    createsInB: true, newInB: .delete, goneInA: .delete, goneInB: .recreate, renamedInA: .follow,
                    renamedInB: .renameBack),
                moves: .init(inA: .follow, inB: .moveBack), adoption: .strict, massDeletePercent: 20)
        case .twoWay:
            PairPolicy(
                writesA: true, newInA: .copy, newInB: .copy, goneInA: .delete, goneInB: .delete,
                flags: .mergeBoth, deletedFlag: .flag,
                folders: .init(
                    createsInB: true, newInB: .copy, goneInA: .delete, goneInB: .delete, renamedInA: .follow,
                    renamedInB: .follow),
                moves: .init(inA: .follow, inB: .follow), adoption: .strict, massDeletePercent: 10)
        case .oneWay:
            PairPolicy(
                writesA: false, newInA: .copy, newInB: .keep, goneInA: .keep, goneInB: .tombstone,
                flags: .mergeIntoB, deletedFlag: .ignored,
                folders: .init(
                    createsInB: true, newInB: .keep, goneInA: .keep, goneInB: .tombstone, renamedInA: .follow,
                    renamedInB: .keep),
                moves: .init(inA: .follow, inB: .keepPlace), adoption: .loose, massDeletePercent: nil)
        case .copy:
            PairPolicy(
                writesA: false, newInA: .copy, newInB: .keep, goneInA: .keep, goneInB: .recreate,
                flags: .overwriteB, deletedFlag: .flag,
                folders: .init(
                    createsInB: true, newInB: .keep, goneInA: .keep, goneInB: .recreate, renamedInA: .follow,
                    renamedInB: .keep),
                moves: .init(inA: .asNew, inB: .asNew), adoption: .loose, massDeletePercent: nil)
        case .bcc: Self.reconciliation
        }
    }

    private static var reconciliation: PairPolicy {
        var policy = PairPolicy(
            writesA: false, newInA: .copyAfter(seconds: defaultGrace), newInB: .keep, goneInA: .keep,
            goneInB: .tombstone, flags: .none, deletedFlag: .ignored,
            folders: .init(
                createsInB: false, newInB: .keep, goneInA: .keep, goneInB: .tombstone, renamedInA: .keep,
                renamedInB: .keep),
            moves: .init(inA: .keepPlace, inB: .keepPlace), adoption: .loose, massDeletePercent: nil)
        (policy.adoptsAnywhere, policy.duplicates) = (true, .onlyFirst)
        return policy
    }

    /// LIMIT: mail that is on its way by another channel is there within a quarter of an hour, or has failed.
    public static let defaultGrace: Int64 = 15 * 60

    /// The options that mean something with this strategy.
    public var options: [PairOption] {
        switch self {
        case .mirror: [.expungeMarked, .strictAdoption, .looseAdoption]
        case .twoWay: [.keepChanged, .keepLate, .strictAdoption, .looseAdoption]
        case .oneWay:
            [
                .propagateDeletes, .noFlags, .copyDeletedFlag, .keepPlace, .dedupe, .keepLate, .strictAdoption,
                .looseAdoption,
            ]
        case .copy:
            [
                .deleteExtra, .respectTombstones, .noResyncFlags, .followMoves, .respectMoves, .noRenames,
                .imapsyncCompatible, .dedupe, .noFlags, .keepLate, .strictAdoption, .looseAdoption,
            ]
        case .bcc: [.mergeFlags, .fileAsSource, .noGrace, .keepLate, .strictAdoption, .looseAdoption]
        }
    }
}

/// Bends a policy; the raw value is the name on the command line.
public enum PairOption: String, Sendable, Hashable, CaseIterable {
    case deleteExtra = "delete-extra"
    case propagateDeletes = "propagate-deletes"
    case keepChanged = "keep-changed"
    case respectTombstones = "respect-tombstones"
    case noFlags = "no-flags"
    case mergeFlags = "merge-flags"
    case noResyncFlags = "no-resync-flags"
    case expungeMarked = "expunge-marked"
    case copyDeletedFlag = "copy-deleted-flag"
    case keepPlace = "keep-place"
    case followMoves = "follow-moves"
    case respectMoves = "respect-moves"
    case fileAsSource = "file-as-source"
    case noRenames = "no-renames"
    case dedupe
    case imapsyncCompatible = "imapsync-compat"
    case noGrace = "no-grace"
    case keepLate = "keep-late"
    case strictAdoption = "adopt-strict"
    case looseAdoption = "adopt-loose"

    /// One sentence for the help.
    public var explanation: String {
        switch self {
        case .deleteExtra: "Delete in the destination what the source does not have (guarded)."
        case .propagateDeletes: "Delete in the destination what left the source (guarded)."
        case .keepChanged: "Keep a message that was deleted on one side and re-flagged on the other."
        case .respectTombstones: "Do not make again what was deleted in the destination."
        case .noFlags: "Set flags on new messages only."
        case .mergeFlags: "Bring the source's flag changes to the destination."
        case .noResyncFlags: "Leave the destination's own flag changes alone."
        case .expungeMarked: "Take messages marked \\Deleted in the source as deleted."
        case .copyDeletedFlag: "Copy the flag \\Deleted like any other."
        case .keepPlace: "Do not move messages in the destination that moved in the source."
        case .followMoves: "Move messages in the destination that moved in the source."
        case .respectMoves: "Leave messages where they were moved to in the destination."
        case .fileAsSource: "Move messages in the destination to the mailbox they have in the source."
        case .noRenames: "Take a renamed mailbox for a new one."
        case .dedupe: "Copy one of several equal messages."
        case .imapsyncCompatible: "Copy only the first of equal messages of a mailbox, as imapsync does."
        case .noGrace: "Copy at once what did not come by the other channel."
        case .keepLate: "Leave what came by another channel after it was copied."
        case .strictAdoption: "Take messages for one only when their Received fields agree."
        case .looseAdoption: "Take messages for one that differ in trace fields only."
        }
    }
}

extension PairPolicy {
    /// This policy, bent.
    public func applying(_ option: PairOption) -> PairPolicy {
        var policy = self
        switch option {
        case .deleteExtra:
            (policy.newInB, policy.goneInA) = (.delete, .delete)
            policy.guardDeletes()
        case .propagateDeletes:
            (policy.goneInA, policy.folders.goneInA) = (.delete, .delete)
            policy.guardDeletes()
        case .keepChanged: policy.keepsChanged = true
        case .respectTombstones: (policy.goneInB, policy.folders.goneInB) = (.tombstone, .tombstone)
        case .noFlags: policy.flags = .none
        case .mergeFlags: policy.flags = .mergeIntoB
        case .noResyncFlags: policy.flags = .overwriteBWhenAChanged
        case .expungeMarked: policy.deletedFlag = .gone
        case .copyDeletedFlag: policy.deletedFlag = .flag
        case .keepPlace: policy.moves.inA = .keepPlace
        case .followMoves: policy.moves.inA = .follow
        case .respectMoves: policy.moves.inB = .keepPlace
        case .fileAsSource:
            (policy.filesAsSource, policy.adoptsAnywhere, policy.moves.inA) = (true, true, .follow)
        case .noRenames: (policy.folders.renamedInA, policy.folders.renamedInB) = (.asNew, .asNew)
        case .dedupe, .imapsyncCompatible: policy.duplicates = .onlyFirst
        case .noGrace: policy.newInA = .copy
        case .keepLate: policy.late = .keep
        case .strictAdoption: policy.adoption = .strict
        case .looseAdoption: policy.adoption = .loose
        }
        return policy
    }

    private mutating func guardDeletes() { massDeletePercent = massDeletePercent ?? 20 }
}
