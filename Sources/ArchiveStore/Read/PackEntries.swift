import ArchiveCrypto
import MailCore

/// The footer entries of every pack, sealed ones from their footers, open ones from the journal. Owned by one task.
final class PackEntries {
    /// LIMIT: lanes write packs in turns, so entries in ledger order come from a handful of packs at a time.
    private static let cachedPacks = 8

    private let archive: Archive
    /// Sealed ones by writer sequence, then open ones.
    let places: [PackPlace]
    private let open: OpenPacks
    private var cache: [(place: PackPlace, footer: Footer)] = []

    struct Footer {
        var entries: [FooterEntry]
        var offset: UInt64
        var sequence: UInt64
        var size: UInt64
    }

    /// LIMIT: a writer that seals or replaces packs meanwhile makes at most a few changes a second.
    private static let attempts = 20

    /// Reads the journal and the names, again when a writer changed either in the middle of it.
    init(_ archive: Archive) throws(ArchiveError) {
        self.archive = archive
        var attempt = 1
        while true {
            do throws(ArchiveError) {
                let names = try archive.layout.packNames()
                let found = try Self.packs(archive, names)
                if try archive.layout.packNames() == names || attempt == Self.attempts {
                    (places, open) = found
                    return
                }
            } catch { guard error.kind == .missing, attempt < Self.attempts else { throw error } }
            attempt += 1
        }
    }

    private typealias OpenPacks = [RandomID: (entries: [FooterEntry], length: UInt64)]

    /// Every pack that counts: not those that were replaced and are still, or again, there.
    private static func packs(
        _ archive: Archive, _ names: ArchiveLayout.PackNames
    ) throws(ArchiveError) -> (places: [PackPlace], open: OpenPacks) {
        let state = JournalState(try JournalFile.read(archive.layout, keys: archive.keys).records)
        var sealed: [(place: PackPlace, sequence: UInt64)] = []
        for digest in names.sealed where state.replaced[digest] == nil {
            if names.gone.contains(digest), try archive.gone(digest) != nil { continue }
            let file = try SystemFile(archive.layout.pack(digest.hex), .read)
            let header = try Self.header(file, archive.id)
            sealed.append((.sealed(header.pack, digest: digest), try Self.trailer(file).trailer.sequence))
        }
        let sealedIDs = Set(sealed.map(\.place.id))
        var open: OpenPacks = [:]
        for (id, length) in state.packs where !sealedIDs.contains(id) {
            open[id] = ((state.blobs[id] ?? []).map(\.entry).sorted { $0.offset < $1.offset }, length)
        }
        // A pack that was sealed by a writer that broke off before the rename still has its old name.
        for (id, seal) in state.sealed where !sealedIDs.contains(id) && state.replaced[seal.digest] == nil {
            let footer = try Self.footer(SystemFile(archive.layout.openPack(id), .read), archive)
            open[id] = (footer.entries, footer.offset)
        }
        let places =
            sealed.sorted { $0.sequence < $1.sequence }.map(\.place)
            + open.keys.sorted { $0.octets.lexicographicallyPrecedes($1.octets) }.map { .open($0) }
        return (places, open)
    }

    static func header(_ file: SystemFile, _ archive: RandomID) throws(ArchiveError) -> PackHeader {
        let octets = try file.read(PackHeader.length, at: 0)
        do throws(ArchiveError) { return try PackHeader(decoding: octets, archive: archive) } catch {
            throw ArchiveError(error.kind, error.message, path: file.path, offset: error.offset ?? 0)
        }
    }

    static func trailer(_ file: SystemFile) throws(ArchiveError) -> (trailer: PackTrailer, size: UInt64) {
        let size = try file.size()
        let length = UInt64(PackTrailer.length)
        guard size > length + UInt64(PackHeader.length) else {
            throw ArchiveError(.damaged, "the pack is too short", path: file.path)
        }
        let octets = try file.read(PackTrailer.length, at: size - length)
        let trailer: PackTrailer
        do throws(ArchiveError) { trailer = try PackTrailer(decoding: octets) } catch {
            throw ArchiveError(error.kind, error.message, path: file.path, offset: size - length)
        }
        guard trailer.footerOffset >= UInt64(PackHeader.length), trailer.footerOffset <= size,
            trailer.footerOffset + UInt64(trailer.footerLength) + length == size
        else { throw ArchiveError(.damaged, "the footer is not where the trailer says", path: file.path) }
        return (trailer, size)
    }

    /// Opens the footer of a sealed pack.
    static func footer(_ file: SystemFile, _ archive: Archive) throws(ArchiveError) -> Footer {
        let header = try header(file, archive.id)
        let (trailer, size) = try trailer(file)
        let sealed = try file.read(Int(trailer.footerLength), at: trailer.footerOffset)
        do {
            let octets = try XAES256GCM.open(
                sealed, key: archive.keys.footerKey(writerID: header.writer, packID: header.pack),
                nonce: trailer.footerNonce, aad: Array("mailarc/1/footer\0".utf8) + header.encode())
            return Footer(
                entries: try FooterEntries.decode(octets), offset: trailer.footerOffset, sequence: trailer.sequence,
                size: size)
        } catch {
            throw ArchiveError(
                .damaged, "the footer does not open", path: file.path, offset: trailer.footerOffset, cause: error)
        }
    }

    func entries(_ place: PackPlace) throws(ArchiveError) -> [FooterEntry] { try footer(place).entries }

    func footer(_ place: PackPlace) throws(ArchiveError) -> Footer {
        switch place {
        case .open(let id):
            let known = open[id] ?? ([], UInt64(PackHeader.length))
            return Footer(entries: known.entries, offset: known.length, sequence: 0, size: known.length)
        case .sealed(_, let digest):
            if let found = cache.first(where: { $0.place == place }) { return found.footer }
            let footer = try Self.footer(SystemFile(archive.layout.pack(digest.hex), .read), archive)
            cache.append((place, footer))
            if cache.count > Self.cachedPacks { cache.removeFirst() }
            return footer
        }
    }

    /// - Parameter hasKey: whether the vault still has the key of a blob.
    func summary(_ place: PackPlace, hasKey: (RandomID) -> Bool) throws(ArchiveError) -> PackSummary {
        let footer = try footer(place)
        var (stored, live): (UInt64, UInt64) = (0, 0)
        var keyless = 0
        for entry in footer.entries {
            stored += entry.storedLength
            if hasKey(entry.keyID) { live += entry.storedLength } else { keyless += 1 }
        }
        let room = footer.offset - UInt64(PackHeader.length)
        return PackSummary(
            place: place, sequence: footer.sequence, octetCount: footer.size, blobCount: footer.entries.count,
            liveOctetCount: live, deadOctetCount: room >= live ? room - live : 0, erasedBlobCount: keyless,
            erasedOctetCount: stored - live)
    }
}
