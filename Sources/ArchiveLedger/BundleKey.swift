public import ArchiveCrypto
public import MailCore

/// Raw deflate, handed in so that the ledger needs no compression library.
public struct BundleCodec: Sendable {
    /// RFC 1951 without wrapper; `nil` if it cannot or does not pay.
    public var deflate: @Sendable (_ octets: [UInt8]) -> [UInt8]?
    /// Exactly `octetCount` octets, or `nil`.
    public var inflate: @Sendable (_ octets: [UInt8], _ octetCount: Int) -> [UInt8]?

    public init(
        deflate: @escaping @Sendable (_ octets: [UInt8]) -> [UInt8]?,
        inflate: @escaping @Sendable (_ octets: [UInt8], _ octetCount: Int) -> [UInt8]?
    ) {
        (self.deflate, self.inflate) = (deflate, inflate)
    }
}

/// What seals and opens entry bundles.
public struct BundleKey: Sendable {
    /// K_meta, 32 octets.
    private let key: [UInt8]
    private let archive: RandomID
    /// `nil`: bundles are written stored, and deflated ones cannot be read.
    private let codec: BundleCodec?
    /// Of nonces.
    private let random: RandomSource

    /// - Precondition: `key` has 32 octets.
    public init(key: [UInt8], archive: RandomID, codec: BundleCodec?, random: RandomSource = .system) {
        precondition(key.count == 32, "K_meta has 32 octets")
        (self.key, self.archive, self.codec, self.random) = (key, archive, codec, random)
    }

    /// Seals `bundle` for `path`; deflated if it is full, pays and a codec is there.
    ///
    /// Partial bundles are stored: they are written anew with each group and live for seconds.
    func seal(_ bundle: EntryBundle, for path: TilePath) throws(LedgerError) -> [UInt8] {
        let octets = bundle.octets
        var content: [UInt8] = [0]
        if path.width == Tile.width, let deflated = codec?.deflate(octets), deflated.count + 4 < octets.count {
            content = [1] + littleEndian(UInt64(octets.count), 4) + deflated
        } else {
            content += octets
        }
        do {
            return try XAES256GCM.seal(content, key: key, aad: associatedData(path), random: random)
        } catch {
            throw LedgerError(.authenticationFailed, "the bundle cannot be sealed", path: "\(path)", cause: error)
        }
    }

    /// The bundle that `octets`, the file at `path`, holds: exactly `path.width` leaves.
    ///
    /// - Throws: `.authenticationFailed`; `.keyMissing` for a method without codec; `.damaged` if the content is none.
    func open(_ octets: [UInt8], at path: TilePath) throws(LedgerError) -> EntryBundle {
        let content: [UInt8]
        do {
            content = try XAES256GCM.open(octets, key: key, aad: associatedData(path))
        } catch {
            throw LedgerError(
                .authenticationFailed, "the bundle does not open", path: "\(path)", offset: 0, cause: error)
        }
        guard let payload = try payload(content, at: path), let bundle = EntryBundle(octets: payload),
            bundle.leaves.count == path.width
        else { throw LedgerError(.damaged, "the bundle does not hold its leaves", path: "\(path)", offset: 0) }
        return bundle
    }

    private func payload(_ content: [UInt8], at path: TilePath) throws(LedgerError) -> [UInt8]? {
        switch content.first {
        case 0: return Array(content[1...])
        case 1:
            guard content.count >= 5 else { return nil }
            let count = (1...4).reduce(0) { $0 | Int(content[$1]) << (8 * ($1 - 1)) }
            guard count <= EntryBundle.maximumOctetCount else { return nil }
            guard let codec else {
                throw LedgerError(.keyMissing, "the bundle is deflated and no codec was given", path: "\(path)")
            }
            return codec.inflate(Array(content[5...]), count).flatMap { $0.count == count ? $0 : nil }
        default: return nil
        }
    }

    private func associatedData(_ path: TilePath) -> [UInt8] {
        Array("mailarc/1/entries\0".utf8) + archive.octets + littleEndian(path.number, 8)
            + littleEndian(UInt64(path.width), 4)
    }

    private func littleEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
}
