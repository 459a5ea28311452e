import ArchiveCrypto
import MailCore

/// Finds blobs whose pack was replaced after their place was noted: over the records the packs left.
///
/// A reader that began before a compaction goes on reading with it. Owned by one task.
final class MovedBlobs {
    /// LIMIT: footers; a mailbox read in order was spread over few new packs.
    private static let cachedPacks = 8
    /// LIMIT: a blob moves at most once a compaction; a reader that sleeps through more must begin again.
    private static let hopLimit = 64

    private let archive: Archive
    private var cache: [(digest: [UInt8], entries: [RandomID: FooterEntry])] = []

    init(_ archive: Archive) { self.archive = archive }

    /// Where the blob is now; `nil` if its pack was not replaced, or nothing of it lives.
    func location(of old: BlobLocation) throws(ArchiveError) -> BlobLocation? {
        guard var waiting = try successors(of: old.pack) else { return nil }
        for _ in 0..<Self.hopLimit {
            guard let digest = waiting.popLast() else { return nil }
            if let next = try archive.gone(digest) {
                waiting += next.successors
                continue
            }
            if let found = try entries(digest)[old.keyID] { return try moved(old, to: found, digest) }
        }
        return nil
    }

    private func successors(of place: PackPlace) throws(ArchiveError) -> [[UInt8]]? {
        switch place {
        case .sealed(_, let digest): return try archive.gone(digest)?.successors
        case .open(let id):
            for digest in try archive.layout.packNames().gone {
                if let gone = try archive.gone(digest), gone.pack == id { return gone.successors }
            }
            return nil
        }
    }

    private func moved(
        _ old: BlobLocation, to entry: FooterEntry, _ digest: [UInt8]
    ) throws(ArchiveError) -> BlobLocation {
        var location = old
        let header = try PackEntries.header(SystemFile(archive.layout.pack(digest.hex), .read), archive.id)
        location.pack = .sealed(header.pack, digest: digest)
        location.offset = entry.offset
        return location
    }

    private func entries(_ digest: [UInt8]) throws(ArchiveError) -> [RandomID: FooterEntry] {
        if let known = cache.first(where: { $0.digest == digest }) { return known.entries }
        let footer = try PackEntries.footer(SystemFile(archive.layout.pack(digest.hex), .read), archive)
        let entries = Dictionary(footer.entries.map { ($0.keyID, $0) }) { first, _ in first }
        cache.append((digest, entries))
        if cache.count > Self.cachedPacks { cache.removeFirst() }
        return entries
    }
}
