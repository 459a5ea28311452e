import ArchiveCrypto
import MailCore

/// What every lane of one writer works with.
struct LaneContext: Sendable {
    let layout: ArchiveLayout
    let archive: RandomID
    /// 8 octets.
    let writer: [UInt8]
    let keys: KeyHierarchy
    let dictionaries: DictionarySet
    let random: RandomSource
    let directory: any BlobDirectory
    let pending: PendingContents
    let options: WriterOptions
    let now: @Sendable () -> Int64

    func known(_ contentID: [UInt8]) throws(ArchiveError) -> KnownContent? {
        if let known = pending.known(contentID) { return known }
        return try directory.known(contentID)
    }

    /// A pack no lane uses, or a new one with nothing but its header.
    func takePack() throws(ArchiveError) -> PackFile {
        if let idle = pending.takeIdle() { return idle }
        let id = newID()
        let header = PackHeader(archive: archive, pack: id, writer: writer, created: now())
        let file = try SystemFile(layout.openPack(id), .create)
        try file.write(header.encode(), at: 0)
        return PackFile(file: file, header: header, durableLength: UInt64(PackHeader.length), blobCount: 0)
    }

    func newID() -> RandomID { id(random.octets(16)[...]) }

    func id(_ octets: ArraySlice<UInt8>) -> RandomID {
        guard let id = RandomID(octets: Array(octets)) else { preconditionFailure("16 octets make an id") }
        return id
    }
}
