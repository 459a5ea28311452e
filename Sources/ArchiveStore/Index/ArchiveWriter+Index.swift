import ArchiveCrypto

extension ArchiveWriter {
    /// Copies the footers of packs that have no copy yet: of this session, of one that broke off, of an older archive.
    func updateIndex() throws(ArchiveError) {
        try PackIndex(
            layout: archive.layout, keys: archive.keys, random: context.random, fault: options.fault
        ).update()
    }
}
