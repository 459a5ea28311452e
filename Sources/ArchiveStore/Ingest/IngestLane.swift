import ArchiveCrypto
public import MailCore
public import MailMIME

/// What became of one message.
public struct IngestedMessage: Sendable {
    /// The message's handle in the archive, also when it was there before.
    public var keyID: RandomID
    /// False when the archive has these octets already; then nothing was written.
    public var isNew: Bool
    public var octetCount: Int
    public var parsed: ParsedMessage
    public var text: IndexedText
    /// Of the octets themselves; what a proof of it will commit to.
    public var digest: ContentDigest
    /// Key ids of the parts its recipe refers to, in order.
    public var parts: [RandomID]

    public init(
        keyID: RandomID, isNew: Bool, octetCount: Int, parsed: ParsedMessage, text: IndexedText, digest: ContentDigest,
        parts: [RandomID] = []
    ) {
        (self.keyID, self.isNew, self.octetCount) = (keyID, isNew, octetCount)
        (self.parsed, self.text, self.digest, self.parts) = (parsed, text, digest, parts)
    }
}

/// Takes messages one after the other; several lanes of one writer work side by side.
///
/// Owned by one task. All heavy work happens here, outside the writer. Memory is bounded whatever a message holds.
public final class IngestLane {
    private let context: LaneContext
    private let blobs: BlobStream
    private var isFinished = false
    private var load = LaneLoad()

    init(context: LaneContext) {
        self.context = context
        blobs = BlobStream(context: context)
    }

    /// Takes one message in pieces of any length; `nil` ends it. It counts once a commit has returned it.
    ///
    /// - Throws: `.sourceFailed` with the source's error; `.limitExceeded`; these leave the lane usable. I/O errors stop
    ///   the whole writer.
    public func ingest(
        next: () async throws -> [UInt8]?
    ) async throws(ArchiveError) -> IngestedMessage {
        if let failure = context.pending.failure {
            throw ArchiveError(.writerStopped, "the writer has stopped", cause: failure, retry: .later)
        }
        precondition(!isFinished, "the lane was finished")
        do throws(ArchiveError) {
            try blobs.beginMessage()
            return try await take(next)
        } catch {
            do throws(ArchiveError) { try blobs.rollBack() } catch { context.pending.fail(error) }
            if error.kind != .sourceFailed && error.kind != .limitExceeded { context.pending.fail(error) }
            throw error
        }
    }

    private func take(_ next: () async throws -> [UInt8]?) async throws(ArchiveError) -> IngestedMessage {
        var hash = SHA256()
        var parser = MessageParser()
        var handler = PairHandler(MessageSplitter(sink: blobs), IndexText())
        let began = context.options.clock()
        var waited: Duration = .zero
        blobs.compressesWell = load.isIdle
        while true {
            let octets: [UInt8]?
            let asked = context.options.clock()
            do { octets = try await next() } catch {
                throw ArchiveError(.sourceFailed, "the message could not be read to its end", cause: error)
            }
            waited += context.options.clock() - asked
            guard let octets else { break }
            hash.update(octets.span)
            parser.consume(octets.span, into: &handler)
            if let failure = handler.first.failure { throw failure }
        }
        let parsed = parser.finish(into: &handler)
        if let failure = handler.first.failure { throw failure }
        guard let digest = ContentDigest(octets: hash.digest()) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        let recipe = try handler.first.builder.finish(
            digest: digest.octets, octetCount: UInt64(parsed.octetCount))
        let (keyID, isNew) = try blobs.endMessage(recipe)
        load.add(waited: waited, elapsed: context.options.clock() - began)
        return IngestedMessage(
            keyID: keyID, isNew: isNew, octetCount: parsed.octetCount, parsed: parsed,
            text: handler.second.finish(parsed), digest: digest, parts: recipe.parts.map(\.keyID))
    }

    /// Gives the lane's pack back; the lane takes nothing any more.
    public func finish() {
        guard !isFinished else { return }
        isFinished = true
        blobs.releasePack()
    }
}
