/// A compression dictionary.
public struct DictionaryRow: Codable, Sendable {
    public var id: Int
    /// `built in` or `trained here`.
    public var origin: String
    public var octets: Int
}

/// What a training gave.
public struct DictionaryReport: Codable, Sendable {
    /// Of the sample.
    public var messages: Int
    /// Lines that are in it.
    public var lines: Int
    public var octets: Int
    /// The other half of the sample, packed with the present dictionary and with the new one.
    public var before: Int
    public var after: Int
    public var pays: Bool
    public var isKept: Bool
}

/// One pack a compaction takes.
public struct CompactionRow: Codable, Sendable {
    /// Where it is, relative to the archive.
    public var pack: String
    /// `erased`, `dead` or `small`.
    public var reason: String
    public var octets: Int
    public var deadOctets: Int
    public var erasedOctets: Int
}

/// What `compact` did, or would do.
public struct CompactionReport: Codable, Sendable {
    public var isDryRun: Bool
    /// What is replaced.
    public var packs: [CompactionRow]
    public var newPacks: Int
    /// Ciphertext that is carried over.
    public var liveOctets: Int
    /// Dead octets that go, and those of them that were erased.
    public var deadOctets: Int
    public var erasedOctets: Int
    /// By how much all packs together shrink; `nil` before it was done.
    public var freedOctets: Int?
}

/// What `rebuild-catalog` did.
public struct RebuildReport: Codable, Sendable {
    public var messages: Int
    public var events: Int
    public var octets: Int
    public var generation: Int
}

/// What became of a backup.
public struct BackupReport: Codable, Sendable {
    public var destination: String
    public var isDryRun: Bool
    /// There was no copy before.
    public var isFirst: Bool
    public var copiedFiles: Int
    public var copiedOctets: Int
    /// Read back from the destination and found as they must be, now.
    public var verifiedFiles: Int
    public var verifiedOctets: Int
    public var removedFiles: Int
    /// Paths that were damaged at the destination and were copied again.
    public var mended: [String]
    /// Erasures that reached the copy now.
    public var erasures: Int
    public var problems: [String]
    /// The copy opens only with an anchor's erasure secret beside passphrase or key file.
    public var needsAnchor: Bool
    public var ledgerSize: UInt64
}
