/// One thing that is not as it must be.
public struct Finding: Codable, Sendable {
    public var level: Int
    public var path: String
    public var offset: UInt64?
    public var problem: String
    /// What kind of thing is wrong, a word.
    public var kind: String
    public var verdict: CheckVerdict
    /// The command that mends it, or what else to do.
    public var mend: String
}

/// What a check comes to; the exit code follows from it.
public enum CheckVerdict: String, Codable, Sendable, Comparable, CaseIterable {
    case clean
    /// Only what is made anew from the rest is wrong: catalog, state, copies of footers, parity.
    case stale
    /// Nothing is wrong, but the ledger says that something was lost for good.
    case lost
    case damaged
    /// Genuine, but older or other than it must be.
    case tampered

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    public static func < (left: CheckVerdict, right: CheckVerdict) -> Bool { left.rank < right.rank }
}

/// What `check` saw.
public struct CheckReport: Codable, Sendable {
    public var level: Int
    public var sample: Double
    /// The gravest of what was found.
    public var verdict: CheckVerdict
    public var packs: Int
    public var blobs: Int
    public var messages: Int
    public var octets: Int
    public var leaves: UInt64
    /// Messages that a leaf says are gone, wholly or in part, and blobs so told.
    public var lostMessages: Int
    public var lostBlobs: Int
    public var findings: [Finding]
    /// Nothing is wrong, but something is not as safe as it could be.
    public var notes: [String]
    public var isClean: Bool { findings.isEmpty }
}

/// What is in stripes of parity.
public struct ParityReport: Codable, Sendable {
    /// Packs that are in a stripe.
    public var packs: Int
    public var newStripes: Int
    /// Of the new stripes.
    public var newOctets: Int
    /// Packs that are not what their names say, and in no stripe for that.
    public var damaged: [String]
}

/// A file that `repair` made whole.
public struct MendedFile: Codable, Sendable {
    /// Relative to the archive.
    public var path: String
    /// The replica it came from, or how it was made.
    public var source: String
}

/// A blob that is gone for good.
public struct LostBlob: Codable, Sendable {
    /// `message`, `part` or `events`.
    public var kind: String
    public var id: String
}

/// What `repair` mended, or would.
public struct RepairReport: Codable, Sendable {
    public var isDryRun: Bool
    /// Findings of a check before.
    public var found: Int
    public var mended: [MendedFile]
    /// What is still wrong.
    public var left: [Finding]
    /// What is gone, as `loss` leaves now say.
    public var lost: [LostBlob]
    /// Of `--add-parity`.
    public var parity: ParityReport?
    public var isSound: Bool { left.isEmpty }
}

/// A place of the erasure secret.
public struct AnchorRow: Codable, Sendable {
    public var name: String
    /// `inside`, `directory`, `ssh`, `exec`.
    public var kind: String
    public var place: String
    /// `ready`, `works`, or what is wrong.
    public var state: String
}

/// What `anchor` saw or did.
public struct AnchorReport: Codable, Sendable {
    /// Of the vault; each erasure and each change of anchors starts another.
    public var epoch: Int
    public var anchors: [AnchorRow]
    /// Old secrets that could not be destroyed yet.
    public var outstanding: [String]
    public var warnings: [String]
    public var isWhole: Bool {
        outstanding.isEmpty && anchors.allSatisfy { ["ready", "works", "would be used"].contains($0.state) }
    }
}
