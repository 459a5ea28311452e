import ArchiveCrypto
package import MailCore

// off  len
//   0   32  file header, kind 0x4B, length 144
//  32    8  writer id
//  40    8  le64 sequence: the first one the time, milliseconds since 1970; then without gaps
//  48   16  prekey id
//  64   32  ephemeral X25519 public key
//  96   32  SHA-256 of this writer's previous segment, zero for the first
// 128    4  le32 messages
// 132    8  le64 time, seconds since 1970
// 140    4  le32 CRC-32C of octets 0–139
// then chunks of 1 MiB, the last one shorter: AES-256-GCM, nonce 7 × 0 ‖ be32 number ‖ final, AAD = header, tag behind
// then 64   Ed25519 by the writer over "mailarc/1/segment\n" ‖ SHA-256(all octets before)
/// The head of a segment: messages that a write-only host sealed together (ArchiveFormat.md §17).
package struct SegmentHeader: Sendable {
    static let length = 144
    static let chunkCount = 1 << 20
    static let signatureCount = 64

    package var writer: [UInt8]
    package var sequence: UInt64
    package var prekey: RandomID
    package var ephemeral: [UInt8]
    package var previous: [UInt8]
    package var messageCount: UInt32
    package var time: Int64

    func octets(_ archive: RandomID) -> [UInt8] {
        var head = ByteWriter(capacity: Self.length)
        FileHeader.encode(.segment, length: UInt16(Self.length), archive: archive, into: &head)
        head.bytes(writer)
        head.u64(sequence)
        head.bytes(prekey.octets)
        head.bytes(ephemeral)
        head.bytes(previous)
        head.u32(messageCount)
        head.u64(UInt64(bitPattern: time))
        head.u32(CRC32C.checksum(head.octets))
        return head.octets
    }

    init(
        writer: [UInt8], sequence: UInt64, prekey: RandomID, ephemeral: [UInt8], previous: [UInt8],
        messageCount: UInt32, time: Int64
    ) {
        (self.writer, self.sequence, self.prekey, self.ephemeral) = (writer, sequence, prekey, ephemeral)
        (self.previous, self.messageCount, self.time) = (previous, messageCount, time)
    }

    init(parsing octets: [UInt8], archive: RandomID) throws(ArchiveError) {
        try FileHeader.check(octets, .segment, archive: archive)
        func u64(_ offset: Int) -> UInt64 {
            UInt64(ByteReader.u32(octets, at: offset)) | UInt64(ByteReader.u32(octets, at: offset + 4)) << 32
        }
        guard octets.count == Self.length, let prekey = RandomID(octets: Array(octets[48..<64])) else {
            throw ArchiveError(.damaged, "the segment's header is malformed")
        }
        self.init(
            writer: Array(octets[32..<40]), sequence: u64(40), prekey: prekey, ephemeral: Array(octets[64..<96]),
            previous: Array(octets[96..<128]), messageCount: ByteReader.u32(octets, at: 128),
            time: Int64(bitPattern: u64(132)))
    }

    static func signed(_ digest: [UInt8]) -> [UInt8] { Array("mailarc/1/segment\n".utf8) + digest }
}

/// Writes one segment; what it holds cannot be read again by whoever wrote it.
package final class SegmentSealer {
    private let file: SystemFile
    private let header: [UInt8]
    private let seed: [UInt8]
    private let cipher = AESGCM()
    private var sealer: StreamSealer
    private var hash = SHA256()
    private var end: UInt64 = 0
    private var buffer: [UInt8] = []
    private var sealed: [UInt8] = []

    /// - Parameter head: `ephemeral` is set here; its private half is forgotten at once.
    init(
        _ path: String, _ head: SegmentHeader, credential: CaptureCredential, prekey: Prekey
    ) throws(ArchiveError) {
        var (head, secret) = (head, RandomSource.system.octets(32))
        defer { secret.wipe() }
        do throws(CryptoError) {
            head.ephemeral = try X25519.publicKey(privateKey: secret)
            var shared = try X25519.sharedSecret(privateKey: secret, publicKey: prekey.publicKey)
            defer { shared.wipe() }
            sealer = StreamSealer(
                key: Prekey.segmentKey(
                    sharedSecret: shared, ephemeral: head.ephemeral, prekey: prekey.publicKey), cipher: cipher)
        } catch { throw ArchiveError(.internalError, "no key for a segment", cause: error) }
        (header, seed) = (head.octets(credential.archive), credential.seed)
        file = try SystemFile(path, .create)
        buffer.reserveCapacity(SegmentHeader.chunkCount)
        try write(header)
    }

    package func append(_ octets: some Collection<UInt8>) throws(ArchiveError) {
        var rest = octets[...]
        while !rest.isEmpty {
            // A full one waits until it is known whether it is the last.
            if buffer.count == SegmentHeader.chunkCount { try seal(isFinal: false) }
            let part = rest.prefix(SegmentHeader.chunkCount - buffer.count)
            buffer += part
            rest = rest.dropFirst(part.count)
        }
    }

    /// The SHA-256 of the file, which is durable then.
    func finish() throws(ArchiveError) -> [UInt8] {
        try seal(isFinal: true)
        let signature: [UInt8]
        do throws(CryptoError) { signature = try Ed25519.sign(SegmentHeader.signed(hash.digest()), seed: seed) } catch {
            throw ArchiveError(.internalError, "a segment cannot be signed", cause: error)
        }
        try write(signature)
        try file.sync()
        return hash.digest()
    }

    private func seal(isFinal: Bool) throws(ArchiveError) {
        let plain = buffer
        buffer = []
        sealed.removeAll(keepingCapacity: true)
        do throws(CryptoError) { try sealer.seal(plain.span, isFinal: isFinal, aad: header, into: &sealed) } catch {
            throw ArchiveError(.internalError, "a segment cannot be sealed", cause: error)
        }
        try write(sealed)
    }

    private func write(_ octets: [UInt8]) throws(ArchiveError) {
        try file.write(octets, at: end)
        hash.update(octets)
        end += UInt64(octets.count)
    }
}

/// Reads one segment from its first octet to its last, in bounded memory.
package final class SegmentReader {
    package let header: SegmentHeader
    /// SHA-256 of the whole file, 32 octets.
    package let digest: [UInt8]
    private let file: SystemFile
    private let head: [UInt8]
    private let key: [UInt8]
    private let cipher = AESGCM()
    /// Where the signature begins.
    private let end: UInt64
    private var offset = UInt64(SegmentHeader.length)
    private var index: UInt32 = 0
    private var buffer: [UInt8] = []
    private var position = 0

    /// The header of a file that says to be one of `host`.
    package static func header(_ path: String, of host: CaptureHost) throws(ArchiveError) -> SegmentHeader {
        let file = try SystemFile(path, .read)
        do throws(ArchiveError) {
            let header = try SegmentHeader(
                parsing: try file.read(SegmentHeader.length, at: 0), archive: host.archive)
            guard header.writer == host.writer else { throw ArchiveError(.damaged, "it is another host's") }
            return header
        } catch {
            throw ArchiveError(error.kind, error.message, path: path, offset: error.offset, cause: error.cause)
        }
    }

    /// - Parameter secret: the private half of `prekey`, 32 octets.
    package init(
        _ path: String, _ header: SegmentHeader, host: CaptureHost, prekey: Prekey, secret: [UInt8]
    ) throws(ArchiveError) {
        file = try SystemFile(path, .read)
        self.header = header
        head = try file.read(SegmentHeader.length, at: 0)
        let size = try file.size()
        guard size >= UInt64(SegmentHeader.length + AESGCM.tagCount + SegmentHeader.signatureCount) else {
            throw ArchiveError(.damaged, "the segment ends too early", path: path)
        }
        end = size - UInt64(SegmentHeader.signatureCount)
        let signature = try file.read(SegmentHeader.signatureCount, at: end)
        var hash = SHA256()
        try hash.update(file, upTo: end)
        guard Ed25519.verify(signature, of: SegmentHeader.signed(hash.digest()), publicKey: host.key) else {
            throw ArchiveError(.damaged, "the host's signature does not agree: it was changed or cut", path: path)
        }
        hash.update(signature)
        digest = hash.digest()
        do throws(CryptoError) {
            var shared = try X25519.sharedSecret(privateKey: secret, publicKey: header.ephemeral)
            defer { shared.wipe() }
            key = Prekey.segmentKey(sharedSecret: shared, ephemeral: header.ephemeral, prekey: prekey.publicKey)
        } catch { throw ArchiveError(.damaged, "it holds no key", path: path, cause: error) }
    }

    /// SHA-256 of the file at `path`, 32 octets.
    package static func digest(_ path: String) throws(ArchiveError) -> [UInt8] {
        let file = try SystemFile(path, .read)
        var hash = SHA256()
        try hash.update(file, upTo: file.size())
        return hash.digest()
    }

    /// At most `count` octets; none at the end.
    package func read(_ count: Int) throws(ArchiveError) -> [UInt8] {
        if position == buffer.count, !(try next()) { return [] }
        let part = Array(buffer[position..<min(position + count, buffer.count)])
        position += part.count
        return part
    }

    /// Exactly `count` octets.
    package func readAll(_ count: Int) throws(ArchiveError) -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < count {
            let part = try read(count - octets.count)
            guard !part.isEmpty else { throw ArchiveError(.damaged, "the segment ends too early", path: file.path) }
            octets += part
        }
        return octets
    }

    /// Opens the next chunk; false at the end.
    private func next() throws(ArchiveError) -> Bool {
        let full = UInt64(SegmentHeader.chunkCount + AESGCM.tagCount)
        guard offset < end else { return false }
        let count = min(full, end - offset)
        let sealed = try file.read(Int(count), at: offset)
        (buffer, position) = ([], 0)
        do throws(CryptoError) {
            try SealedStream.open(
                sealed.span, index: index, isFinal: offset + count == end, key: key, aad: head, cipher: cipher,
                into: &buffer)
        } catch { throw ArchiveError(.damaged, error.message, path: file.path, offset: offset) }
        offset += count
        index += 1
        return !buffer.isEmpty
    }
}

extension SHA256 {
    /// The first `end` octets of `file`.
    fileprivate mutating func update(_ file: SystemFile, upTo end: UInt64) throws(ArchiveError) {
        var done: UInt64 = 0
        while done < end {
            let octets = try file.read(Int(min(1 << 20, end - done)), at: done)
            update(octets)
            done += UInt64(octets.count)
        }
    }
}
