import ArchiveCompression
import ArchiveCrypto
import MailCore

/// Writes the blobs of one lane into its pack: cut, compressed, compared, sealed.
///
/// A part of at most 1 MiB is held until it is known whether the archive has it; a longer one is written as it comes
/// and cut off again when it turns out to be known. Nothing below the durable length of the pack is ever touched.
final class BlobStream: PartSink {
    private let context: LaneContext
    private let cipher = AESGCM()
    private let codec: ChunkCodec
    private(set) var pack: PackFile?
    /// Where the next blob goes.
    private(set) var end: UInt64 = 0
    private var messageStart: UInt64 = 0
    private(set) var blobs: [NewBlob] = []
    private var own: [[UInt8]: KnownContent] = [:]

    private var hash = SHA256()
    private var buffer: [UInt8] = []
    private var rawLength: UInt64 = 0
    private var open: OpenBlob?
    private var packed: [UInt8] = []
    private var sealed: [UInt8] = []

    /// A blob of several chunks that is being written.
    private struct OpenBlob {
        let keyID: RandomID
        let secret: [UInt8]
        let keys: BlobKeys
        let aad: BlobContext
        let offset: UInt64
        var checksum = CRC32C()
        var lengths: [Int] = []
    }

    /// Whether there is time to compress large parts better.
    var compressesWell: Bool {
        get { codec.compressesWell }
        set { codec.compressesWell = newValue }
    }

    init(context: LaneContext) {
        self.context = context
        codec = ChunkCodec(dictionaries: context.dictionaries, options: context.options)
    }

    // MARK: parts

    func beginPart() {
        hash = SHA256()
        buffer.removeAll(keepingCapacity: true)
        rawLength = 0
    }

    func writePart(_ octets: Span<UInt8>) throws(ArchiveError) {
        hash.update(octets)
        rawLength += UInt64(octets.count)
        var at = 0
        while at < octets.count {
            if buffer.count == BlobContext.chunkLength { try writeChunk() }
            let count = min(octets.count - at, BlobContext.chunkLength - buffer.count)
            buffer.append(span: octets.extracting(at..<at + count))
            at += count
        }
    }

    func endPart() throws(ArchiveError) -> Recipe.Part {
        let contentID = context.keys.contentID(kind: BlobKind.part.rawValue, digest: hash.digest())
        if open != nil { try writeChunk() }
        let known: KnownContent?
        if let mine = own[contentID] { known = mine } else { known = try context.known(contentID) }
        if let known, known.rawLength == rawLength {
            try dropOpenBlob()
            return Recipe.Part(keyID: known.keyID, octetCount: rawLength)
        }
        let blob = try open == nil ? writeWhole(buffer, .part, contentID) : closeBlob(.part, contentID)
        blobs.append(blob)
        own[contentID] = KnownContent(keyID: blob.keyID, rawLength: rawLength)
        return Recipe.Part(keyID: blob.keyID, octetCount: rawLength)
    }

    // MARK: messages

    func beginMessage() throws(ArchiveError) {
        if let pack, end >= context.options.packTarget || pack.blobCount >= context.options.packBlobTarget {
            try pack.digestPrefix()
            context.pending.addFull(pack)
            self.pack = nil
        }
        if pack == nil {
            let pack = try context.takePack()
            self.pack = pack
            end = pack.writtenLength
        }
        messageStart = end
        blobs = []
        own = [:]
        open = nil
    }

    /// Writes the recipe and hands the message to the writer; or drops it when the archive has it.
    func endMessage(_ recipe: Recipe) throws(ArchiveError) -> (keyID: RandomID, isNew: Bool) {
        let contentID = context.keys.contentID(kind: BlobKind.recipe.rawValue, digest: recipe.digest)
        if let known = try context.known(contentID) {
            try rollBack()
            return (known.keyID, false)
        }
        let octets = recipe.encode()
        let blob =
            try octets.count <= BlobContext.chunkLength
            ? writeWhole(octets, .recipe, contentID) : writeLong(octets, .recipe, contentID)
        blobs.append(blob)
        guard let pack else { throw ArchiveError(.internalError, "the lane has no pack") }
        let message = NewMessage(
            keyID: blob.keyID, salt: BlobKeys(dek: blob.secret, keyID: blob.keyID).salt, digest: recipe.digest,
            octetCount: recipe.octetCount, blobs: blobs, pack: pack, packEnd: end)
        if let known = context.pending.publish(message) {
            try rollBack()
            return (known.keyID, false)
        }
        messageStart = end
        pack.writtenLength = end
        pack.addBlobs(blobs.count)
        return (blob.keyID, true)
    }

    /// Forgets the message at hand and what it wrote.
    func rollBack() throws(ArchiveError) {
        open = nil
        blobs = []
        if end != messageStart { try cut(to: messageStart) }
    }

    /// Gives the pack back for the next lane.
    func releasePack() {
        if let pack { context.pending.addIdle(pack) }
        pack = nil
    }

    /// A record of the writer itself: an event record.
    func writeRecord(_ octets: [UInt8], _ kind: BlobKind) throws(ArchiveError) -> NewBlob {
        let contentID = context.keys.contentID(kind: kind.rawValue, digest: SHA256.hash(octets))
        let blob =
            try octets.count <= BlobContext.chunkLength
            ? writeWhole(octets, kind, contentID) : writeLong(octets, kind, contentID)
        pack?.writtenLength = end
        return blob
    }
}

extension BlobStream {
    private func startBlob(_ kind: BlobKind) -> OpenBlob {
        let drawn = context.random.octets(48)
        let keyID = context.id(drawn[..<16])
        let secret = Array(drawn[16...])
        return OpenBlob(
            keyID: keyID, secret: secret, keys: BlobKeys(dek: secret, keyID: keyID),
            aad: BlobContext(archive: context.archive, keyID: keyID, kind: kind), offset: end)
    }

    /// A blob of one chunk.
    private func writeWhole(_ octets: [UInt8], _ kind: BlobKind, _ contentID: [UInt8]) throws(ArchiveError) -> NewBlob {
        var blob = startBlob(kind)
        let dictionary = try packAndSeal(octets, &blob, isFinal: true)
        try append(&blob)
        return finished(blob, kind, contentID, rawLength: UInt64(octets.count), dictionary: dictionary)
    }

    /// A blob of several chunks whose octets are at hand.
    private func writeLong(_ octets: [UInt8], _ kind: BlobKind, _ contentID: [UInt8]) throws(ArchiveError) -> NewBlob {
        open = startBlob(kind)
        var at = 0
        while at < octets.count {
            buffer = Array(octets[at..<min(octets.count, at + BlobContext.chunkLength)])
            at += buffer.count
            try writeChunk()
        }
        rawLength = UInt64(octets.count)
        return try closeBlob(kind, contentID)
    }

    /// Writes `buffer` as the next chunk of a blob of several.
    private func writeChunk() throws(ArchiveError) {
        var blob = open ?? startBlob(.part)
        open = nil
        _ = try packAndSeal(buffer, &blob, isFinal: false)
        blob.lengths.append(sealed.count)
        try append(&blob)
        buffer.removeAll(keepingCapacity: true)
        open = blob
    }

    private func closeBlob(_ kind: BlobKind, _ contentID: [UInt8]) throws(ArchiveError) -> NewBlob {
        guard var blob = open else { throw ArchiveError(.internalError, "no blob is being written") }
        open = nil
        var table = ByteWriter(capacity: blob.lengths.count * 4)
        for length in blob.lengths { table.u32(UInt32(length)) }
        try sealNext(
            table.octets, &blob, isFinal: true,
            aad: blob.aad.associatedData(dictionary: 0, rawLength: table.count, isTable: true))
        try append(&blob)
        return finished(blob, kind, contentID, rawLength: rawLength, dictionary: 0)
    }

    /// Seals one chunk; the id of the dictionary it needs. Only a blob of one chunk may use one.
    private func packAndSeal(_ raw: [UInt8], _ blob: inout OpenBlob, isFinal: Bool) throws(ArchiveError) -> UInt16 {
        switch try codec.pack(raw, mayUseDictionary: isFinal, into: &packed) {
        case .compressed(let dictionary):
            let aad = blob.aad.associatedData(dictionary: dictionary, rawLength: raw.count)
            try sealNext(packed, &blob, isFinal: isFinal, aad: aad)
            return dictionary
        case .stored:
            let aad = blob.aad.associatedData(dictionary: 0, rawLength: raw.count)
            try sealNext(prefix: [ChunkCodec.storedMethod], raw, &blob, isFinal: isFinal, aad: aad)
            return 0
        }
    }

    private func sealNext(
        prefix: [UInt8] = [], _ octets: [UInt8], _ blob: inout OpenBlob, isFinal: Bool, aad: [UInt8]
    ) throws(ArchiveError) {
        sealed.removeAll(keepingCapacity: true)
        let nonce = SealedStream.nonce(UInt32(blob.lengths.count), isFinal: isFinal)
        do {
            try cipher.seal(prefix: prefix, octets.span, key: blob.keys.blob, nonce: nonce, aad: aad, into: &sealed)
        } catch {
            throw ArchiveError(.internalError, "a chunk cannot be sealed", cause: error)
        }
    }

    private func append(_ blob: inout OpenBlob) throws(ArchiveError) {
        guard let pack else { throw ArchiveError(.internalError, "the lane has no pack") }
        // LIMIT: packs end at 4 GiB (ArchiveFormat.md §7); a message whose new parts pass it cannot be taken.
        guard end + UInt64(sealed.count) < 1 << 32 else {
            throw ArchiveError(.limitExceeded, "the message does not fit into a pack of 4 GiB")
        }
        try pack.file.write(sealed, at: end)
        blob.checksum.update(sealed.span)
        end += UInt64(sealed.count)
        context.options.fault?(.packAppend)
    }

    private func finished(
        _ blob: OpenBlob, _ kind: BlobKind, _ contentID: [UInt8], rawLength: UInt64, dictionary: UInt16
    ) -> NewBlob {
        NewBlob(
            keyID: blob.keyID, secret: blob.secret, kind: kind, packID: pack?.id ?? blob.keyID, offset: blob.offset,
            storedLength: end - blob.offset, rawLength: rawLength, dictionary: dictionary,
            checksum: blob.checksum.value, contentID: contentID, sealedContentID: blob.keys.masked(contentID))
    }

    private func dropOpenBlob() throws(ArchiveError) {
        guard let blob = open else { return }
        open = nil
        try cut(to: blob.offset)
    }

    private func cut(to length: UInt64) throws(ArchiveError) {
        guard let pack, length >= pack.durableLength else {
            throw ArchiveError(.internalError, "a pack would be cut below what the journal names")
        }
        try pack.file.truncate(to: length)
        end = length
    }
}
