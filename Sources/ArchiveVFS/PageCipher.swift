internal import COpenSSL

/// Encrypts the pages of one database file or of its write-ahead log, and the WAL's headers.
///
/// A page on disk, 4096 octets:
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 4048 | XAES-256-GCM ciphertext of the page's usable octets |
/// | 4048 | 24 | nonce, random at each write |
/// | 4072 | 16 | tag |
/// | 4088 | 8 | 0 |
///
/// AAD = "mailarc/1/page\0" ‖ role (1 main database, 2 WAL) ‖ database id 16 ‖ be32 page number. The eight spare octets
/// must be zero: anything else is damage.
@safe package final class PageCipher {
    package static let pageOctetCount = 4096
    package static let reservedOctetCount = 48
    package static let contentOctetCount = pageOctetCount - reservedOctetCount

    package enum Role: UInt8, Sendable {
        case database = 1
        case writeAheadLog = 2
    }

    private let cipher: XAES256GCM
    private let headers: HeaderCipher?
    /// 36 octets, the page number last.
    private let associated: UnsafeMutableRawBufferPointer
    /// Random octets for the next nonces; each is used once. Drawn many at a time, for a draw costs more than its octets.
    private var nonces: [UInt8] = []
    private static let nonceOctetCount = 24
    private static let nonceDraw = 64 * nonceOctetCount

    /// - Throws: ``VFSError`` `.badKey`, `.cryptoFailed`.
    package init(key: [UInt8], databaseID: [UInt8], role: Role) throws(VFSError) {
        guard databaseID.count == 16 else { throw VFSError(.badKey, "a database id has 16 octets") }
        cipher = try XAES256GCM(key: key)
        headers = role == .writeAheadLog ? try HeaderCipher(key: key, databaseID: databaseID) : nil
        let prefix = Array("mailarc/1/page\0".utf8) + [role.rawValue] + databaseID + [0, 0, 0, 0]
        unsafe associated = .allocate(byteCount: prefix.count, alignment: 8)
        unsafe associated.copyBytes(from: prefix)
    }

    deinit { unsafe associated.deallocate() }

    /// Encrypts the page at `page` (4096 octets, the last 48 zero) to `output`, another 4096 octets.
    ///
    /// - Returns: false if the reserved octets hold something (they would be lost), or OpenSSL failed.
    package func seal(
        _ page: UnsafeRawPointer, number: UInt32, to output: UnsafeMutableRawPointer
    ) -> Bool {
        // SAFETY: both pointers are to whole pages; all offsets are constants below 4096.
        let reserved = unsafe output + Self.contentOctetCount
        guard unsafe Self.isZero(page + Self.contentOctetCount, count: Self.reservedOctetCount) else { return false }
        unsafe reserved.initializeMemory(as: UInt8.self, repeating: 0, count: Self.reservedOctetCount)
        let nonce = unsafe reserved.assumingMemoryBound(to: UInt8.self)
        guard unsafe takeNonce(nonce) else { return false }
        setNumber(number)
        return unsafe cipher.seal(
            page.assumingMemoryBound(to: UInt8.self), count: Self.contentOctetCount,
            to: output.assumingMemoryBound(to: UInt8.self), nonce: nonce,
            associated: UnsafeRawBufferPointer(associated), tag: nonce + 24)
    }

    /// Decrypts the page at `page` to `output` (which may be the same) and clears the reserved octets.
    ///
    /// - Returns: false if the page is not what was written under this key at this place; `output` is then all zero.
    package func open(_ page: UnsafeRawPointer, number: UInt32, to output: UnsafeMutableRawPointer) -> Bool {
        // SAFETY: as in seal; OpenSSL only reads nonce and tag.
        let reserved = unsafe UnsafeMutableRawPointer(mutating: page + Self.contentOctetCount)
            .assumingMemoryBound(to: UInt8.self)
        setNumber(number)
        let isGenuine =
            unsafe Self.isZero(reserved + 40, count: 8)
            && cipher.open(
                page.assumingMemoryBound(to: UInt8.self), count: Self.contentOctetCount,
                to: output.assumingMemoryBound(to: UInt8.self), nonce: reserved,
                associated: UnsafeRawBufferPointer(associated), tag: reserved + 24)
        let kept = isGenuine ? Self.contentOctetCount : 0
        unsafe (output + kept).initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageOctetCount - kept)
        return isGenuine
    }

    /// Masks the salts and checksums of a WAL header (32 octets at offset 0) or frame header (24 octets) in place.
    package func seal(header: UnsafeMutableRawPointer, at offset: Int64) -> Bool {
        unsafe headers?.apply(to: header, at: offset, encrypts: true) ?? false
    }

    /// The reverse of ``seal(header:at:)``; without authentication: a damaged header has wrong salts and checksums.
    package func open(header: UnsafeMutableRawPointer, at offset: Int64) -> Bool {
        unsafe headers?.apply(to: header, at: offset, encrypts: false) ?? false
    }

    /// Moves the next 24 random octets to `target`.
    private func takeNonce(_ target: UnsafeMutablePointer<UInt8>) -> Bool {
        if nonces.isEmpty {
            nonces = [UInt8](repeating: 0, count: Self.nonceDraw)
            guard unsafe RAND_bytes(&nonces, Int32(nonces.count)) == 1 else {
                nonces = []
                return false
            }
        }
        let start = nonces.count - Self.nonceOctetCount
        for index in 0..<Self.nonceOctetCount { unsafe target[index] = nonces[start + index] }
        nonces.removeLast(Self.nonceOctetCount)
        return true
    }

    private func setNumber(_ number: UInt32) {
        unsafe associated.storeBytes(of: number.bigEndian, toByteOffset: associated.count - 4, as: UInt32.self)
    }

    private static func isZero(_ octets: UnsafeRawPointer, count: Int) -> Bool {
        var all: UInt64 = 0
        for offset in stride(from: 0, to: count, by: 8) {
            all |= unsafe octets.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
        return all == 0
    }
}
