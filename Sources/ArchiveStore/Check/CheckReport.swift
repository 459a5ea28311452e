public import ArchiveLedger

/// How deep a check goes; each level includes the ones before (ARCHIVE.md §2.11).
public enum CheckLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Without keys: names, checksums, signatures, sequence, tiles and checkpoints.
    case custodian = 0
    /// Footers, journal, entry bundles: every leaf that names a blob has exactly one.
    case structure = 1
    /// Every blob has its key, every key its blob.
    case keys = 2
    /// Every chunk opens, every message is rebuilt and compared with its digest and commitment.
    case content = 3
    /// Everything that is derived is made anew and compared: catalog, parity.
    case derived = 4

    public static func < (left: CheckLevel, right: CheckLevel) -> Bool { left.rawValue < right.rawValue }
}

/// One thing that is wrong.
public struct CheckFinding: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// A file's octets are not those of its name.
        case wrongName = "wrong-name"
        /// A checksum, tag or signature does not agree, or a field cannot be.
        case damaged
        /// Something referred to is not there.
        case missing
        /// Something is there that nothing refers to.
        case unexpected
        /// Writer sequence or hash chain has a hole.
        case broken
        /// Tiles, bundles or checkpoint of the ledger.
        case ledger
        /// The message is not the one that was taken.
        case contentDiffers = "content-differs"
        /// It is less, or other, than what was signed before.
        case rolledBack = "rolled-back"
        /// What was erased, replaced or removed is there again.
        case returned
    }

    /// What it takes to be as before.
    public enum Gravity: Int, Sendable, Hashable, Comparable {
        /// Of something that is made anew from the rest.
        case cache
        /// Octets are wrong or missing; nothing says that somebody wanted it so.
        case damage
        /// What is there is genuine, and older or other than it must be: no accident does that.
        case tampering

        public static func < (left: Gravity, right: Gravity) -> Bool { left.rawValue < right.rawValue }
    }
    public var kind: Kind
    /// Relative to the archive.
    public var path: String
    public var offset: UInt64?
    /// What is wrong, one sentence; no mail content.
    public var what: String

    public init(kind: Kind, path: String, offset: UInt64?, what: String) {
        (self.kind, self.path, self.offset, self.what) = (kind, path, offset, what)
    }

    public var gravity: Gravity {
        if kind == .rolledBack || kind == .returned { return .tampering }
        let folder = path.prefix { $0 != "/" }
        return ["catalog", "state", "index", "parity"].contains(folder) ? .cache : .damage
    }

    public var description: String { "\(path)\(offset.map { " at octet \($0)" } ?? ""): \(what)" }
}

/// What a check looked at and found.
public struct CheckReport: Sendable {
    /// LIMIT: more findings say nothing new; they are counted.
    public static let maximumFindings = 10_000

    public internal(set) var findings: [CheckFinding] = []
    public internal(set) var findingCount = 0
    public internal(set) var packCount = 0
    public internal(set) var blobCount = 0
    public internal(set) var keyCount = 0
    /// Keys of the vault that were erased.
    public internal(set) var erasedKeyCount = 0
    public internal(set) var leafCount: UInt64 = 0
    /// Rebuilt and compared.
    public internal(set) var messageCount = 0
    public internal(set) var octetCount: UInt64 = 0

    /// Sentences: nothing is wrong, but something is not as safe as it could be.
    public internal(set) var notes: [String] = []
    /// Blobs that are gone, as a leaf says.
    public internal(set) var lostBlobCount = 0
    /// Messages that cannot be rebuilt for that.
    public internal(set) var lostMessageCount = 0

    public var isSound: Bool { findingCount == 0 }

    mutating func add(_ finding: CheckFinding) {
        findingCount += 1
        if findings.count < Self.maximumFindings { findings.append(finding) }
    }
}

/// How a check is done.
public struct CheckOptions: Sendable {
    public var level = CheckLevel.content
    /// Which share of the blobs level 3 opens, 0 to 1; the same seed chooses the same ones.
    public var sampleRate = 1.0
    public var sampleSeed: UInt64 = 0
    /// Kept elsewhere: what the ledger had then, it must have now.
    public var trustedCheckpoint: CheckpointNote?
    /// Told how many of how many steps are done, and what is being looked at.
    public var progress: (@Sendable (_ done: Int, _ total: Int, _ subject: String) -> Void)?

    /// Every octet of sealed packs; without it only their headers, trailers and footers.
    var readsPacks = true

    public init(level: CheckLevel = .content) { self.level = level }
}
