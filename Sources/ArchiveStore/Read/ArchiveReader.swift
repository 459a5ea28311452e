import ArchiveCrypto
public import MailCore

/// Reads blobs and messages of an archive by their key ids; owned by one task.
public final class ArchiveReader {
    let archive: Archive
    let directory: any BlobDirectory
    private let packs: PackAccess
    private let moved: MovedBlobs
    private let codec: ChunkCodec
    private let cipher = AESGCM()

    public init(_ archive: Archive, directory: any BlobDirectory) {
        (self.archive, self.directory) = (archive, directory)
        packs = PackAccess(archive)
        moved = MovedBlobs(archive)
        codec = ChunkCodec(dictionaries: archive.dictionaries)
    }

    /// The message with this key id, to be read piece by piece.
    ///
    /// - Throws: `.missing` for an unknown or erased message; `.damaged`.
    public func message(_ keyID: RandomID) throws(ArchiveError) -> MessageReader {
        let blob = try blob(keyID)
        guard blob.location.kind == .recipe else { throw ArchiveError(.missing, "\(keyID) is not a message") }
        let recipe = try Recipe(decoding: blob.all(limit: Recipe.maximumLength))
        return MessageReader(recipe: recipe, reader: self)
    }

    /// The events of one commit.
    public func events(_ keyID: RandomID) throws(ArchiveError) -> CommittedEvents {
        let blob = try blob(keyID)
        guard blob.location.kind == .events else { throw ArchiveError(.missing, "\(keyID) is not an event record") }
        let record = try EventRecord(decoding: blob.all(limit: EventRecord.maximumLength))
        return CommittedEvents(
            sequence: record.sequence, time: record.time, ledgerIndex: blob.location.ledgerIndex,
            events: record.events)
    }

    /// Finds and opens a blob; looks once more when its pack was sealed or replaced meanwhile.
    package func blob(_ keyID: RandomID) throws(ArchiveError) -> BlobReader {
        let location = try directory.find(keyID)
        do throws(ArchiveError) { return try open(location) } catch {
            guard error.kind == .missing else { throw error }
            let again = try directory.find(keyID)
            if again != location, let blob = try? open(again) { return blob }
            // The directory may be a snapshot, or its own writer not be there yet.
            guard let now = try moved.location(of: again) else { throw error }
            return try open(now)
        }
    }

    package func open(_ location: BlobLocation) throws(ArchiveError) -> BlobReader {
        let file = try packs.file(location.pack)
        return BlobReader(
            location: location, file: file, secret: try archive.vault.secret(of: location), archive: archive.id,
            codec: codec, cipher: cipher)
    }
}

/// The events one commit wrote.
public struct CommittedEvents: Sendable, Hashable {
    public var sequence: UInt64
    /// Seconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    public var ledgerIndex: UInt64
    public var events: [OccurrenceEvent]
}
