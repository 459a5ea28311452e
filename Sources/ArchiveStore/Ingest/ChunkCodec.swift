import ArchiveCompression
import Glibc

/// Turns raw chunks into `method(1) ‖ payload` and back (ArchiveFormat.md §7.2); what it packs it unpacks and compares.
///
/// Not for sharing between tasks.
package final class ChunkCodec {
    /// LIMIT: in longer blobs the dictionary's share is lost in the noise, and it costs time at each start.
    private static let dictionaryLimit = 64 << 10

    private let dictionaries: DictionarySet
    private let newest: CompressionDictionary?
    private let options: WriterOptions
    private let compressor = Compressor()
    private let decompressor = Decompressor()
    private var check: [UInt8] = []
    /// Large chunks get the level of small ones.
    var compressesWell = false

    package init(dictionaries: DictionarySet, options: WriterOptions = WriterOptions()) {
        (self.dictionaries, self.options) = (dictionaries, options)
        newest = dictionaries.newest
    }

    /// How a chunk was packed.
    enum Packing {
        /// `output` holds method and payload, made with the dictionary of this id, 0 for none.
        case compressed(dictionary: UInt16)
        /// The payload is the raw octets themselves, behind ``storedMethod``; `output` is empty.
        case stored
    }

    /// The method octet of what is stored as it is.
    static let storedMethod = CompressionMethod.stored.rawValue

    /// Replaces `output` by the packed form of `raw`, or leaves it empty where compressing does not pay.
    func pack(
        _ raw: [UInt8], mayUseDictionary: Bool, into output: inout [UInt8]
    ) throws(ArchiveError) -> Packing {
        let isSmall = raw.count <= Self.dictionaryLimit
        let dictionary = mayUseDictionary && isSmall ? newest : nil
        output.removeAll(keepingCapacity: true)
        output.append(CompressionMethod.zstd.rawValue)
        do throws(CompressionError) {
            let level = isSmall || compressesWell ? options.smallLevel : options.largeLevel
            if try compressor.compress(raw[...], method: .zstd, level: level, dictionary: dictionary, into: &output) {
                check.removeAll(keepingCapacity: true)
                try decompressor.decompress(
                    output[1...], method: .zstd, rawOctetCount: raw.count, dictionary: dictionary, into: &check)
                // A fault of library or memory shows here; then the octets are stored as they are.
                if Self.isSame(check, raw) { return .compressed(dictionary: dictionary?.id ?? 0) }
            }
        } catch {
            guard error.kind == .damaged else {
                throw ArchiveError(.internalError, "a chunk cannot be compressed", cause: error)
            }
        }
        output.removeAll(keepingCapacity: true)
        return .stored
    }

    /// The raw octets of a packed chunk.
    ///
    /// - Throws: `.damaged`; `.unsupported` for unknown methods; `.missing` without the dictionary.
    package func unpack(_ packed: [UInt8], dictionary id: UInt16, rawLength: Int) throws(ArchiveError) -> [UInt8] {
        guard let code = packed.first else { throw ArchiveError(.damaged, "a chunk has no method") }
        guard let method = CompressionMethod(rawValue: code) else {
            throw ArchiveError(.unsupported, "compression method \(code)")
        }
        let dictionary = dictionaries[id]
        guard id == 0 || dictionary != nil || method == .stored else {
            throw ArchiveError(.missing, "the archive has no dictionary \(id)")
        }
        var raw: [UInt8] = []
        raw.reserveCapacity(rawLength)
        do {
            try decompressor.decompress(
                packed[1...], method: method, rawOctetCount: rawLength, dictionary: dictionary, into: &raw)
        } catch { throw ArchiveError(.damaged, "a chunk does not decompress", cause: error) }
        return raw
    }

    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { left in
            // SAFETY: both buffers have `left.count` octets.
            unsafe right.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return unsafe memcmp(first, second, left.count) == 0
            }
        }
    }
}
