import ArchiveCrypto
import MailCore

/// The footer entries of every pack, sealed ones from their footers, open ones from the journal. Owned by one task.
final class PackEntries {
    /// LIMIT: lanes write packs in turns, so entries in ledger order come from a handful of packs at a time.
    private static let cachedPacks = 8

    private let archive: Archive
    /// Sealed ones by writer sequence, then open ones.
    let places: [PackPlace]
    private var open: [RandomID: (entries: [FooterEntry], length: UInt64)] = [:]
    private var cache: [(place: PackPlace, footer: Footer)] = []

    struct Footer {
        var entries: [FooterEntry]
        var offset: UInt64
        var sequence: UInt64
        var size: UInt64
    }

    init(_ archive: Archive) throws(ArchiveError) {
        self.archive = archive
        let state = JournalState(try JournalFile.read(archive.layout, keys: archive.keys).records)
        var sealed: [(place: PackPlace, sequence: UInt64)] = []
        for directory in try FileTree.names(in: archive.layout.packs) {
            for name in try FileTree.names(in: "\(archive.layout.packs)/\(directory)") where !name.hasSuffix(".tmp") {
                guard let digest = [UInt8](hex: name), digest.count == 32 else { continue }
                let path = archive.layout.pack(name)
                let file = try SystemFile(path, .read)
                let header = try Self.header(file, archive.id)
                sealed.append((.sealed(header.pack, digest: digest), try Self.trailer(file).trailer.sequence))
            }
        }
        let sealedIDs = Set(sealed.map(\.place.id))
        for (id, length) in state.packs where !sealedIDs.contains(id) {
            open[id] = ((state.blobs[id] ?? []).map(\.entry).sorted { $0.offset < $1.offset }, length)
        }
        // A pack that was sealed by a writer that broke off before the rename still has its old name.
        for id in state.sealed.keys where !sealedIDs.contains(id) {
            let file = try SystemFile(archive.layout.openPack(id), .read)
            open[id] = (
                (state.blobs[id] ?? []).map(\.entry).sorted { $0.offset < $1.offset },
                try Self.trailer(file).trailer.footerOffset
            )
        }
        places =
            sealed.sorted { $0.sequence < $1.sequence }.map(\.place)
            + open.keys.sorted { $0.octets.lexicographicallyPrecedes($1.octets) }.map { .open($0) }
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

    func summary(_ place: PackPlace) throws(ArchiveError) -> PackSummary {
        let footer = try footer(place)
        let stored = footer.entries.reduce(0) { $0 + $1.storedLength }
        let room = footer.offset - UInt64(PackHeader.length)
        return PackSummary(
            place: place, sequence: footer.sequence, octetCount: footer.size, blobCount: footer.entries.count,
            deadOctetCount: room >= stored ? room - stored : 0)
    }
}
