import COpenSSL
import Glibc
import Synchronization

/// Octets that are wiped when nobody holds them any more, and that the kernel is asked to keep out of swap.
///
/// They lie in memory of their own that never moves, so no copy is left behind by growing or by passing them on. What
/// ``withOctets(_:)`` hands out as an array is a copy: keep it as short as the call that needs it.
@safe public final class SecretBytes: Sendable {
    public let count: Int
    // SAFETY: written in init only, freed in deinit only, read between; nobody outside gets the pointer to keep.
    private nonisolated(unsafe) let memory: UnsafeMutableRawBufferPointer

    public init(_ octets: [UInt8]) {
        count = octets.count
        unsafe memory = .allocate(byteCount: max(octets.count, 1), alignment: 16)
        unsafe memory.copyBytes(from: octets)
        // Best effort: RLIMIT_MEMLOCK may be small, and a failure changes nothing else.
        _ = unsafe mlock(memory.baseAddress, memory.count)
    }

    deinit {
        unsafe OPENSSL_cleanse(memory.baseAddress, memory.count)
        _ = unsafe munlock(memory.baseAddress, memory.count)
        unsafe memory.deallocate()
    }

    /// Runs `body` with a copy of the octets, which is wiped afterwards unless `body` kept it.
    public func withOctets<Result, Failure: Error>(
        _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var copy = unsafe [UInt8](memory.prefix(count))
        defer { copy.wipe() }
        return try body(copy)
    }

    /// A copy, for interfaces that take arrays; not wiped.
    public var copy: [UInt8] { unsafe [UInt8](memory.prefix(count)) }
}

extension [UInt8] {
    /// Overwrites the octets, where this value is the only one that holds them; others keep theirs.
    public mutating func wipe() {
        // A shared buffer would be copied first, and the copy wiped: no gain, and no harm.
        unsafe withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
        self = []
    }
}
