public import MailCore

/// Gives messages of a maildrop UIDs, and remembers them for good: POP3 has unique-ids of any octets, and no order.
///
/// A UID a run relies on is written down before anything relies on it, is never given to another message, and is given
/// under one UIDVALIDITY for as long as nothing of it is lost.
public protocol UniqueIDRegister: Sendable {
    /// The UIDs of `keys`, in their order; a key that is new gets the next UID that was never given.
    ///
    /// - Parameter keys: of everything the maildrop holds, each once.
    /// - Throws: `.ioFailed`, `.diskFull`.
    func uids(of keys: [MessageKey]) async throws(StoreError) -> (uidValidity: UIDValidity, uids: [UID])
}

/// What a message of a maildrop is known by.
public enum MessageKey: Sendable, Hashable {
    /// The server's own unique-id. RFC 1939 §7
    case uniqueID([UInt8])
    /// SHA-256 of its octets, and which of those equal to each other it is (from 0).
    case content(digest: [UInt8], ordinal: Int)
}

/// What is handed in to know messages by their content.
public struct ContentDigesting: Sendable {
    /// A SHA-256 of nothing so far: takes octets, and gives 32 at the end.
    public var start: @Sendable () -> (update: (ArraySlice<UInt8>) -> Void, finish: () -> [UInt8])

    public init(start: @escaping @Sendable () -> (update: (ArraySlice<UInt8>) -> Void, finish: () -> [UInt8])) {
        self.start = start
    }
}
