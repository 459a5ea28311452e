internal import ArchiveCrypto
internal import Glibc
package import MailCore
internal import MailSync

/// Keeps a large message between two stores in a file without a name, sealed under a key that is only in memory.
package struct SealedSpool: PairSpooling {
    private let folder: String

    /// - Parameter folder: of a file system with room for the largest message.
    package init(folder: String) { self.folder = folder }

    package func makeFile() throws(StoreError) -> any SpoolFile { try SealedSpoolFile(folder: folder) }
}

/// ```
/// block   64 KiB of octets (the last one less), AES-256-GCM, nonce = number of the block, tag behind
/// ```
private final class SealedSpoolFile: SpoolFile {
    static let blockCount = 64 << 10
    /// Linux: `__O_TMPFILE`, a macro Swift does not see.
    private static let temporary: Int32 = 0o20000000

    private let descriptor: Int32
    private let key: [UInt8]
    private let cipher = AESGCM()
    private var buffer: [UInt8] = []
    /// Plain octets per block.
    private(set) var blocks: [Int] = []

    init(folder: String) throws(StoreError) {
        descriptor = unsafe Glibc.open(folder, O_RDWR | O_CLOEXEC | O_DIRECTORY | Self.temporary, 0o600)
        guard descriptor >= 0 else { throw Self.failure("no room for a large message in \(folder)") }
        var generator = SystemRandomNumberGenerator()
        key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    deinit { Glibc.close(descriptor) }

    func append(_ octets: [UInt8]) throws(StoreError) {
        buffer += octets
        while buffer.count >= Self.blockCount {
            try write(Array(buffer.prefix(Self.blockCount)))
            buffer.removeFirst(Self.blockCount)
        }
    }

    func finish() throws(StoreError) {
        if !buffer.isEmpty { try write(buffer) }
        buffer = []
    }

    func open() throws(StoreError) -> any OctetSource { Source(self) }

    private func write(_ block: [UInt8]) throws(StoreError) {
        var sealed: [UInt8] = []
        do {
            try cipher.seal(block.span, key: key, nonce: Self.nonce(blocks.count), aad: [], into: &sealed)
        } catch { throw StoreError(.ioFailed, "a large message cannot be sealed", cause: error) }
        var done = 0
        while done < sealed.count {
            let start = done
            // SAFETY: the pointer is to the octets of `sealed` from `start` on, and used during the call only.
            let count = unsafe sealed.withUnsafeBytes { octets in
                unsafe pwrite(
                    descriptor, octets.baseAddress.map { unsafe $0 + start }, octets.count - start,
                    Self.offset(blocks.count) + off_t(start))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("a large message cannot be kept") }
            done += count
        }
        blocks.append(block.count)
    }

    fileprivate func read(_ number: Int) throws(StoreError) -> [UInt8] {
        var sealed = [UInt8](repeating: 0, count: blocks[number] + AESGCM.tagCount)
        var done = 0
        while done < sealed.count {
            let start = done
            // SAFETY: as in `write`; the call writes at most the octets from `start` on.
            let count = unsafe sealed.withUnsafeMutableBytes { octets in
                unsafe pread(
                    descriptor, octets.baseAddress.map { unsafe $0 + start }, octets.count - start,
                    Self.offset(number) + off_t(start))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("a large message cannot be read again") }
            done += count
        }
        var block: [UInt8] = []
        do {
            try cipher.open(sealed.span, key: key, nonce: Self.nonce(number), aad: [], into: &block)
        } catch { throw StoreError(.ioFailed, "a large message was changed while it was kept", cause: error) }
        return block
    }

    private static func offset(_ number: Int) -> off_t { off_t(number) * off_t(blockCount + AESGCM.tagCount) }

    /// A number once per key: 96 bits, big-endian.
    private static func nonce(_ number: Int) -> [UInt8] {
        [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static func failure(_ what: String) -> StoreError {
        let code = errno
        let kind: StoreError.Kind = [ENOSPC, EDQUOT, EFBIG].contains(code) ? .diskFull : .ioFailed
        return StoreError(kind, "\(what): \(unsafe String(cString: strerror(code)))")
    }

    private final class Source: OctetSource {
        private let file: SealedSpoolFile
        private var position = 0

        init(_ file: SealedSpoolFile) { self.file = file }

        func next() throws(StoreError) -> [UInt8]? {
            guard position < file.blocks.count else { return nil }
            position += 1
            return try file.read(position - 1)
        }
    }
}
