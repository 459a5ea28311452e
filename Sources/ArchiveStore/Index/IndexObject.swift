import ArchiveCrypto
import MailCore

/// One file of `index/`: copies of what of up to 256 packs is not blobs (ArchiveFormat.md §16).
///
/// `header ‖ table ‖ record …`; header kind 0x49, A = number of packs. The table and each record are sealed by
/// themselves, so that one pack's copy is had without reading the others.
struct IndexObject {
    /// LIMIT: ARCHIVE.md §2.4; what a merge holds in memory stays below ``maximumOctetCount``.
    static let maximumPackCount = 256
    static let maximumOctetCount = 64 << 20
    /// One of so many octets is not added to: what writing it holds in memory.
    static let targetOctetCount = 4 << 20
    /// LIMIT: one footer of a pack of 4 GiB in blobs of 16 octets would be larger; such a pack gets no copy.
    static let maximumRecordOctetCount = 32 << 20

    let path: String
    private let file: SystemFile
    private let header: [UInt8]
    /// Packs in the order of their records.
    let places: [(pack: [UInt8], offset: UInt64, length: UInt32)]

    private static let tableEntryLength = 36
    private static let overhead = XAES256GCM.nonceCount + AESGCM.tagCount

    /// Opens header and table of the file at `path`.
    ///
    /// - Throws: `.damaged`, `.missing`.
    init(_ path: String, keys: KeyHierarchy) throws(ArchiveError) {
        self.path = path
        file = try SystemFile(path, .read)
        header = try file.read(ShortHeader.length, at: 0)
        do throws(ArchiveError) { try FileHeader.check(header, .index, archive: keys.archiveID) } catch {
            throw ArchiveError(error.kind, error.message, path: path, offset: error.offset)
        }
        let count = Int(ByteReader.u32(header, at: 32))
        guard (1...Self.maximumPackCount).contains(count) else {
            throw ArchiveError(.damaged, "an index of \(count) packs", path: path, offset: 32)
        }
        let length = count * Self.tableEntryLength + Self.overhead
        let sealed = try file.read(length, at: UInt64(ShortHeader.length))
        guard let table = try? XAES256GCM.open(sealed, key: keys.meta, aad: Self.tableAAD(header)) else {
            throw ArchiveError(.damaged, "the table does not open", path: path, offset: UInt64(ShortHeader.length))
        }
        var reader = ByteReader(table)
        var places: [([UInt8], UInt64, UInt32)] = []
        var offset = UInt64(ShortHeader.length + length)
        while let pack = reader.bytes(32), let length = reader.u32() {
            places.append((Array(pack), offset, length))
            offset += UInt64(length)
        }
        guard try file.size() == offset else {
            throw ArchiveError(.damaged, "it has another length than its table says", path: path)
        }
        self.places = places
    }

    /// The copy of `pack` (SHA-256), or `nil` if this object has none.
    func copy(of pack: [UInt8], keys: KeyHierarchy) throws(ArchiveError) -> FooterCopy? {
        guard let place = places.first(where: { $0.pack == pack }) else { return nil }
        guard place.length <= Self.maximumRecordOctetCount + Self.overhead else {
            throw ArchiveError(.damaged, "an impossible record", path: path, offset: place.offset)
        }
        let sealed = try file.read(Int(place.length), at: place.offset)
        guard let octets = try? XAES256GCM.open(sealed, key: keys.meta, aad: Self.recordAAD(header, pack)) else {
            throw ArchiveError(.damaged, "a footer copy does not open", path: path, offset: place.offset)
        }
        return try FooterCopy(pack: pack, octets: octets)
    }

    /// The octets of an object with these copies.
    static func encode(_ copies: [FooterCopy], keys: KeyHierarchy, random: RandomSource) throws(ArchiveError) -> [UInt8]
    {
        precondition((1...maximumPackCount).contains(copies.count))
        let header = ShortHeader.encode(.index, archive: keys.archiveID, UInt32(copies.count))
        var table = ByteWriter(capacity: copies.count * tableEntryLength)
        var records: [UInt8] = []
        do {
            for copy in copies {
                let record = try XAES256GCM.seal(
                    copy.octets, key: keys.meta, aad: recordAAD(header, copy.pack), random: random)
                table.bytes(copy.pack)
                table.u32(UInt32(record.count))
                records += record
            }
            return header
                + (try XAES256GCM.seal(table.octets, key: keys.meta, aad: tableAAD(header), random: random)) + records
        } catch { throw ArchiveError(.internalError, "an index cannot be sealed", cause: error) }
    }

    private static func tableAAD(_ header: [UInt8]) -> [UInt8] { Array("mailarc/1/index\0".utf8) + header }
    private static func recordAAD(_ header: [UInt8], _ pack: [UInt8]) -> [UInt8] {
        Array("mailarc/1/index-pack\0".utf8) + header + pack
    }
}
