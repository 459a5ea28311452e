/// What ``Ledger/check(directory:origin:keys:bundleKey:)`` found.
public struct LedgerReport: Sendable {
    /// What the log's key signed, if that can be read and is true.
    public internal(set) var checkpoint: Checkpoint?
    /// The number of leaves that were looked at.
    public internal(set) var size: UInt64 = 0
    /// Bundles that were opened; 0 without the key.
    public internal(set) var bundleCount: UInt64 = 0
    /// In the order they were met, at most ``maximumFindings`` of them.
    public internal(set) var findings: [LedgerFinding] = []
    /// All of them.
    public internal(set) var findingCount = 0

    public var isSound: Bool { findingCount == 0 }

    /// LIMIT: enough to see the pattern of any damage; a lost disk has as many as there are files.
    public static let maximumFindings = 10_000

    mutating func add(_ kind: LedgerFinding.Kind, _ path: String, offset: Int? = nil, index: UInt64? = nil) {
        findingCount += 1
        guard findings.count < Self.maximumFindings else { return }
        findings.append(LedgerFinding(kind: kind, path: path, offset: offset, index: index))
    }
}

/// One thing wrong with one file of the ledger.
public struct LedgerFinding: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case missing = "is missing"
        case wrongLength = "has a wrong length"
        case notACheckpoint = "is not a checkpoint of this log"
        case badSignature = "is not signed by the key of this log"
        case wrongRoot = "does not lead to the signed root"
        case wrongHash = "holds a hash that does not agree with what it stands for"
        case rolledBack = "was signed for more leaves, or another was, than the checkpoint names"
        case doesNotOpen = "does not open with the key, or not to its leaves"
        case notALeaf = "holds a text that is not the leaf of its index"
    }
    public var kind: Kind
    /// Relative to the ledger's directory.
    public var path: String
    /// Octets from the start of the file, where it can be told.
    public var offset: Int?
    /// The leaf, where it can be told.
    public var index: UInt64?

    public var description: String {
        "\(path)\(offset.map { " at \($0)" } ?? ""): \(kind.rawValue)\(index.map { " (leaf \($0))" } ?? "")"
    }
}
