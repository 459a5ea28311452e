import ArchiveCrypto
public import MailCore

/// Gives the exact octets of one message piece by piece; owned by one task.
///
/// Every chunk is authenticated before it is given out, and at the end the whole is compared with the digest the recipe
/// was made with. Memory: one chunk, its text, and a quoted-printable part.
public final class MessageReader {
    package let recipe: Recipe
    private let reader: ArchiveReader
    private var hash = SHA256()
    private var given: UInt64 = 0
    private var operation = 0
    private var part: OpenPart?
    private var isDone = false
    /// What was given is not the message: it cannot be compared with the digest.
    private var hasLeftOut = false

    /// A part that is being written out.
    private struct OpenPart {
        var blob: BlobReader
        var nextChunk = 0
        var encoder: Base64LineEncoder?
    }

    init(recipe: Recipe, reader: ArchiveReader) { (self.recipe, self.reader) = (recipe, reader) }

    /// Of the whole message.
    public var octetCount: UInt64 { recipe.octetCount }
    /// Key ids of the parts the recipe refers to, in order.
    public var parts: [RandomID] { recipe.parts.map(\.keyID) }

    public var digest: ContentDigest {
        guard let digest = ContentDigest(octets: recipe.digest) else { preconditionFailure("a digest has 32 octets") }
        return digest
    }

    /// The next octets, at most some 2 MiB; `nil` at the end, after the whole was verified.
    ///
    /// - Throws: `.damaged`, `.missing`: what was given before is not the whole message.
    public func next() throws(ArchiveError) -> [UInt8]? { try next { true } }

    /// As ``next()``, for who wants a message's structure and some of its parts.
    ///
    /// - Parameter isWanted: asked where a base64 part begins. What is not wanted is not read: four characters stand for
    ///   it, with its line end, and the whole is not verified.
    public func next(where isWanted: () -> Bool) throws(ArchiveError) -> [UInt8]? {
        while !isDone {
            guard let octets = try piece(isWanted) else {
                try finish()
                return nil
            }
            guard !octets.isEmpty else { continue }
            hash.update(octets.span)
            given += UInt64(octets.count)
            guard given <= recipe.octetCount else { throw Self.mismatch }
            return octets
        }
        return nil
    }

    /// The first `count` octets, or fewer if the message has fewer: chunks are authenticated, the digest is not compared.
    public func prefix(_ count: Int) throws(ArchiveError) -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < count, let piece = try piece({ true }) { octets += piece }
        isDone = true
        return Array(octets.prefix(count))
    }

    /// The whole message, where it has at most `limit` octets.
    public func all(limit: Int) throws(ArchiveError) -> [UInt8] {
        guard recipe.octetCount <= UInt64(limit) else {
            throw ArchiveError(.limitExceeded, "the message has \(recipe.octetCount) octets")
        }
        var octets: [UInt8] = []
        octets.reserveCapacity(Int(recipe.octetCount))
        while let piece = try next() { octets += piece }
        return octets
    }

    private func finish() throws(ArchiveError) {
        isDone = true
        guard hasLeftOut || given == recipe.octetCount && hash.digest() == recipe.digest else { throw Self.mismatch }
    }

    private static let mismatch = ArchiveError(.damaged, "the message put together is not the one that was taken")

    /// The next piece, maybe empty; `nil` behind the last operation.
    private func piece(_ isWanted: () -> Bool) throws(ArchiveError) -> [UInt8]? {
        if let open = part { return try continuePart(open) }
        guard operation < recipe.operations.count else { return nil }
        defer { operation += 1 }
        switch recipe.operations[operation] {
        case .literal(let octets): return octets
        case .raw(let index):
            part = OpenPart(blob: try blob(index))
            return []
        case .base64(_, let layout) where !isWanted():
            hasLeftOut = true
            return Array("AAAA".utf8) + (layout.endsWithLineEnd ? layout.lineEnd.octets : [])
        case .base64(let index, let layout):
            part = OpenPart(blob: try blob(index), encoder: Base64LineEncoder(layout))
            return []
        case .quotedPrintable(let index, let layout):
            let octets = try blob(index).all(limit: QPAnalysis.maximumPartLength)
            guard let text = QPEncoder(layout).encode(octets) else {
                throw ArchiveError(.damaged, "a patch of the recipe reaches past its part")
            }
            return text
        }
    }

    private func blob(_ index: Int) throws(ArchiveError) -> BlobReader {
        let part = recipe.parts[index]
        let blob = try reader.blob(part.keyID)
        guard blob.location.kind == .part, blob.location.rawLength == part.octetCount else {
            throw ArchiveError(.damaged, "the part \(part.keyID) is not the one the recipe means")
        }
        return blob
    }

    private func continuePart(_ open: OpenPart) throws(ArchiveError) -> [UInt8] {
        var open = open
        part = nil
        let octets = try open.blob.chunk(open.nextChunk)
        open.nextChunk += 1
        let isLast = open.nextChunk == open.blob.chunkCount
        var output = octets
        if open.encoder != nil {
            output = []
            output.reserveCapacity(octets.count / 3 * 4 + octets.count / 18 + 8)
            open.encoder?.encode(octets[...], into: &output)
            if isLast { open.encoder?.finish(into: &output) }
        }
        if !isLast { part = open }
        return output
    }
}
