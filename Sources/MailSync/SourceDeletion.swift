public import MailCore

/// Deletes in the source what the archive holds for good: how, and how old a message has to be.
public struct SourceDeletion: Sendable {
    /// A step of a deletion, after it was taken; for tests that crash there.
    public enum Step: String, Sendable, CaseIterable {
        /// A batch was read on both sides and found equal.
        case verified = "leave-verify"
        /// What is about to leave is in the journal.
        case journalled = "leave-journal"
        /// It left the source.
        case expunged = "leave-expunge"
        /// The archive knows that it left.
        case recorded = "leave-record"
    }

    /// The source again, as what can be changed.
    public var store: any SyncStore
    /// Seconds since a message arrived, by its internal date, or since it was first seen, where the state gives the UIDs
    /// (``SyncState/number(_:of:)``); any other without a date stays.
    public var age: Int64
    /// What is new was first seen now.
    public var countsFromFirstSight = false
    /// SHA-256.
    public var hashing: any ContentHashing
    /// Seconds since 1970.
    public var now: @Sendable () -> Int64
    public var passed: @Sendable (Step) -> Void = { _ in }

    public init(
        store: any SyncStore, age: Int64, hashing: any ContentHashing, now: @escaping @Sendable () -> Int64
    ) {
        (self.store, self.age, self.hashing, self.now) = (store, age, hashing, now)
    }

    /// LIMIT: messages that are read, compared and expunged together.
    static let batchCount = 500

    func isOld(_ date: InternalDate?) -> Bool {
        date.map { $0.secondsSinceEpoch <= now() - age } ?? (countsFromFirstSight && age <= 0)
    }
}

/// A destination that can be read back.
public protocol VerifyingDestination: HistoryDestination {
    /// What is held for these places, each message read whole from where it is durable.
    ///
    /// What is not held, not durable, not in the ledger, or does not read, is missing.
    func readBack(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws -> [UID: ReadBack]
}

/// A message of an archive as it was read back.
public struct ReadBack: Sendable, Hashable {
    public var message: RandomID
    /// Of the octets read; 32 octets.
    public var sha256: [UInt8]
    public var octetCount: Int
    /// The ledger's entry that introduced it.
    public var ledgerIndex: UInt64

    public init(message: RandomID, sha256: [UInt8], octetCount: Int, ledgerIndex: UInt64) {
        (self.message, self.sha256) = (message, sha256)
        (self.octetCount, self.ledgerIndex) = (octetCount, ledgerIndex)
    }
}

/// A message that was deleted in the source, and what proves that the archive has it.
public struct DeletedInSource: Sendable, Hashable {
    public var uidValidity: UIDValidity
    public var uid: UID
    public var evidence: ReadBack
}
