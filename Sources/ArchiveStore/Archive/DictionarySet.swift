package import ArchiveCompression
import ArchiveCrypto
import MailCore

/// The compression dictionaries of an archive, `dict/<sha256>` (ArchiveFormat.md §9).
package struct DictionarySet: Sendable {
    private let dictionaries: [UInt16: CompressionDictionary]

    package init(_ dictionaries: [CompressionDictionary]) {
        self.dictionaries = Dictionary(dictionaries.map { ($0.id, $0) }) { first, _ in first }
    }

    /// By id.
    package var all: [CompressionDictionary] { dictionaries.values.sorted { $0.id < $1.id } }
    /// What new blobs use.
    package var newest: CompressionDictionary? { dictionaries.values.max { $0.id < $1.id } }

    package subscript(id: UInt16) -> CompressionDictionary? { dictionaries[id] }

    /// Reads and opens every dictionary there is.
    static func load(_ layout: ArchiveLayout, archive: RandomID, key: [UInt8]) throws(ArchiveError) -> DictionarySet {
        var dictionaries: [CompressionDictionary] = []
        for name in try FileTree.names(in: layout.dictionaries) where !name.hasSuffix(".tmp") {
            let path = "\(layout.dictionaries)/\(name)"
            let octets = try FileTree.read(path, limit: CompressionDictionary.maximumOctetCount + 256)
            guard SHA256.hash(octets).hex == name, octets.count > ShortHeader.length else {
                throw ArchiveError(.damaged, "the dictionary is not what its name says", path: path)
            }
            let header = Array(octets[..<ShortHeader.length])
            try FileHeader.check(header, .dictionary, archive: archive)
            let id = ByteReader.u32(header, at: 32)
            do {
                let body = try SealedBody.open(octets, key: key)
                guard (1...65_535).contains(id), (8...CompressionDictionary.maximumOctetCount).contains(body.count)
                else { throw CryptoError(.malformed, "its id or length is impossible") }
                dictionaries.append(CompressionDictionary(id: UInt16(id), octets: body))
            } catch { throw ArchiveError(.damaged, "the dictionary does not open", path: path, cause: error) }
        }
        return DictionarySet(dictionaries)
    }

    /// Puts a dictionary into its place; the SHA-256 of the file.
    @discardableResult
    static func store(
        _ dictionary: CompressionDictionary, _ layout: ArchiveLayout, archive: RandomID, key: [UInt8],
        random: RandomSource
    ) throws(ArchiveError) -> [UInt8] {
        let header = ShortHeader.encode(.dictionary, archive: archive, UInt32(dictionary.id))
        let octets: [UInt8]
        do { octets = try SealedBody.seal(dictionary.octets, header: header, key: key, random: random) } catch {
            throw ArchiveError(.internalError, "a dictionary cannot be sealed", cause: error)
        }
        let digest = SHA256.hash(octets)
        try FileTree.replace("\(layout.dictionaries)/\(digest.hex)", with: octets)
        return digest
    }
}
