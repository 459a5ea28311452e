import ArchiveCrypto
import MailCore

/// Reads one blob, any chunk by itself (ArchiveFormat.md §7.2). Not for sharing between tasks.
package final class BlobReader {
    package let location: BlobLocation
    private let file: SystemFile
    private let keys: BlobKeys
    private let binding: BlobContext
    private let codec: ChunkCodec
    private let cipher: AESGCM
    /// Offset of each chunk from the start of the blob, and the end of the last.
    private var bounds: [UInt64]?

    package var chunkCount: Int { BlobContext.chunkCount(location.rawLength) }
    /// The salt of the blob's ledger commitment, 32 octets.
    package var salt: [UInt8] { keys.salt }
    /// What a footer has to say for the content id.
    package func masked(_ contentID: [UInt8]) -> [UInt8] { keys.masked(contentID) }

    init(
        location: BlobLocation, file: SystemFile, secret: [UInt8], archive: RandomID, codec: ChunkCodec, cipher: AESGCM
    ) {
        (self.location, self.file, self.codec, self.cipher) = (location, file, codec, cipher)
        keys = BlobKeys(dek: secret, keyID: location.keyID)
        binding = BlobContext(archive: archive, keyID: location.keyID, kind: location.kind)
    }

    /// The raw octets of chunk `index`.
    ///
    /// - Throws: `.damaged` with the place in the pack.
    package func chunk(_ index: Int) throws(ArchiveError) -> [UInt8] {
        precondition(index >= 0 && index < chunkCount)
        let bounds = try table()
        let start = location.offset + bounds[index]
        let sealed = try file.read(Int(bounds[index + 1] - bounds[index]), at: start)
        let whole = UInt64(BlobContext.chunkLength)
        let rawLength = Int(min(whole, location.rawLength - UInt64(index) * whole))
        var packed: [UInt8] = []
        packed.reserveCapacity(sealed.count)
        let aad = binding.associatedData(dictionary: location.dictionary, rawLength: rawLength)
        do {
            try SealedStream.open(
                sealed.span, index: UInt32(index), isFinal: chunkCount == 1, key: keys.blob, aad: aad, cipher: cipher,
                into: &packed)
        } catch {
            throw ArchiveError(.damaged, "a chunk is not authentic", path: file.path, offset: start, cause: error)
        }
        do throws(ArchiveError) {
            return try codec.unpack(packed, dictionary: location.dictionary, rawLength: rawLength)
        } catch {
            throw ArchiveError(error.kind, error.message, path: file.path, offset: start, cause: error.cause)
        }
    }

    /// Reads and checks the chunk table once.
    private func table() throws(ArchiveError) -> [UInt64] {
        if let bounds { return bounds }
        let count = chunkCount
        if count == 1 {
            bounds = [0, location.storedLength]
            return [0, location.storedLength]
        }
        let length = UInt64(4 * count + AESGCM.tagCount)
        guard location.storedLength > length else { throw damaged("the blob is shorter than its chunk table") }
        let start = location.offset + location.storedLength - length
        let sealed = try file.read(Int(length), at: start)
        var octets: [UInt8] = []
        do {
            try SealedStream.open(
                sealed.span, index: UInt32(count), isFinal: true, key: keys.blob,
                aad: binding.associatedData(dictionary: location.dictionary, rawLength: 4 * count, isTable: true),
                cipher: cipher, into: &octets)
        } catch {
            throw ArchiveError(
                .damaged, "the chunk table is not authentic", path: file.path, offset: start, cause: error)
        }
        var found: [UInt64] = [0]
        for index in 0..<count {
            found.append(found[index] + UInt64(ByteReader.u32(octets, at: 4 * index)))
        }
        guard found[count] == location.storedLength - length else {
            throw damaged("the chunk table does not fit the blob")
        }
        bounds = found
        return found
    }

    private func damaged(_ message: String) -> ArchiveError {
        ArchiveError(.damaged, message, path: file.path, offset: location.offset)
    }

    /// All octets of a blob that is known to be short.
    package func all(limit: Int) throws(ArchiveError) -> [UInt8] {
        guard location.rawLength <= UInt64(limit) else { throw damaged("the blob is longer than \(limit) octets") }
        var octets: [UInt8] = []
        octets.reserveCapacity(Int(location.rawLength))
        for index in 0..<chunkCount { octets += try chunk(index) }
        return octets
    }
}
