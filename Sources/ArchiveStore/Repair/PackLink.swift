import ArchiveCrypto
import ArchiveLedger
import MailCore

/// A sealed pack's place in its writer's chain, had from wherever it still stands.
struct PackLink {
    /// 8 octets.
    var writer: [UInt8]
    var sequence: UInt64
    /// 32 octets.
    var previous: [UInt8]

    /// From the pack's own file, its copy in `index/`, or the one gap that the chain has.
    ///
    /// - Parameter last: the sequence of the youngest pack, where the journal tells.
    /// - Throws: `.damaged` if none of them tells.
    static func find(
        _ digest: [UInt8], pack: RandomID, _ layout: ArchiveLayout, _ keys: KeyHierarchy, last: UInt64 = 0
    ) throws(ArchiveError) -> PackLink {
        if let file = try? SystemFile(layout.pack(digest.hex), .read),
            let header = try? PackEntries.header(file, keys.archiveID), header.pack == pack,
            let trailer = try? PackEntries.trailer(file).trailer
        {
            return PackLink(writer: header.writer, sequence: trailer.sequence, previous: trailer.previous)
        }
        if let copy = PackIndex(layout: layout, keys: keys).copy(of: digest),
            let header = try? PackHeader(decoding: copy.header, archive: keys.archiveID), header.pack == pack,
            let trailer = try? PackTrailer(decoding: copy.trailer)
        {
            return PackLink(writer: header.writer, sequence: trailer.sequence, previous: trailer.previous)
        }
        if let gap = try gap(layout, keys.archiveID, last) { return gap }
        throw ArchiveError(
            .damaged, "nothing tells any more where the pack stood in its writer's chain",
            path: layout.pack(digest.hex))
    }

    /// The one number that is missing in all writers' chains together.
    private static func gap(
        _ layout: ArchiveLayout, _ archive: RandomID, _ last: UInt64
    ) throws(ArchiveError) -> PackLink? {
        var chains: [[UInt8]: [UInt64: [UInt8]]] = [:]
        let names = try layout.packNames()
        for digest in names.sealed {
            guard let file = try? SystemFile(layout.pack(digest.hex), .read),
                let header = try? PackEntries.header(file, archive),
                let trailer = try? PackEntries.trailer(file).trailer
            else { continue }
            chains[header.writer, default: [:]][trailer.sequence] = digest
        }
        for digest in names.gone {
            guard let (gone, _, _) = try? GoneFile.read(layout.gonePack(digest.hex), archive: archive) else { continue }
            chains[gone.writer, default: [:]][gone.sequence] = digest
        }
        var gaps: [PackLink] = []
        for (writer, chain) in chains {
            let count = max(chain.keys.max() ?? 0, chains.count == 1 ? last : 0)
            guard count > 0 else { continue }
            for sequence in 1...count where chain[sequence] == nil {
                guard let previous = sequence == 1 ? [UInt8](repeating: 0, count: 32) : chain[sequence - 1] else {
                    return nil
                }
                gaps.append(PackLink(writer: writer, sequence: sequence, previous: previous))
            }
        }
        return gaps.count == 1 ? gaps[0] : nil
    }
}
