/// The named points of a commit at which a test may look or stop.
public enum FaultStep: String, Sendable, Hashable, CaseIterable {
    case packAppend, packSync, vaultSync, journalSync, ledgerAppend, checkpoint, packSeal, vaultRoot, currentFlip
    case journalRewrite, compactCopy, compactSeal, goneFile, packRemove
    case vaultShards, anchorPending, anchorDestroy, vaultUnlink
    case eraseIntent, eraseBegin, eraseRewrite, eraseLeaf, eraseEnd
    case slotWrite, slotRemove, logKeyFile, identity
    /// Of a backup: a file staged, the list of the last step durable, one line of it done, the list gone.
    case backupStage, backupList, backupSwitch, backupEnd
    /// Of copies of footers, and of a file that a repair puts in place.
    case indexWrite, indexMerge, repairWrite
    /// Of stripes of parity.
    case parityWrite, parityRemove
}

/// How a writer works; the defaults are right for mail.
public struct WriterOptions: Sendable {
    /// A pack that reached this length is sealed with the next commit.
    public var packTarget: UInt64 = 32 << 20
    /// The same for one with so many blobs: what is known of them is held until then, some 400 octets each.
    package var packBlobTarget = 8_192
    /// For blobs of at most 64 KiB, with dictionary 1.
    public var smallLevel = 3
    /// For chunks of larger blobs while the processor is busy; a lane that mostly waits takes ``smallLevel`` for them.
    public var largeLevel = 1
    /// Tells a lane how long it waits.
    package var clock: @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }

    /// One zstd level for everything, 1 to 9.
    public mutating func useLevel(_ level: Int) { (smallLevel, largeLevel) = (level, level) }
    /// The journal is rewritten when it grew by so many octets, also when no pack was sealed.
    public var journalLimit: UInt64 = 8 << 20
    /// Opens although packs are missing or too short: for who tells the loss.
    package var acceptsLoss = false
    /// Called at each step after it was taken.
    public var fault: (@Sendable (FaultStep) -> Void)?

    public init() {}
}

/// What the writer takes from outside: time, and who it is.
public struct WriterEnvironment: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public var now: @Sendable () -> Int64
    /// Of the process that holds the lock.
    public var processID: Int32
    /// The name of the machine it runs on.
    public var host: String
    /// What it is called, for who is told that the archive is busy.
    public var command: String

    public init(now: @escaping @Sendable () -> Int64, processID: Int32, host: String, command: String) {
        (self.now, self.processID, self.host, self.command) = (now, processID, host, command)
    }
}
