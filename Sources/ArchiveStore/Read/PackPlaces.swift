import MailCore

extension Archive {
    /// Where every pack is now, by names and headers alone: what a catalog compares its places with on opening.
    ///
    /// Sealed ones in no order, then those in `open/`, whether the journal names them or not.
    public func packPlaces() throws(ArchiveError) -> [PackPlace] {
        var places: [PackPlace] = []
        for directory in try FileTree.names(in: layout.packs) {
            for name in try FileTree.names(in: "\(layout.packs)/\(directory)") {
                guard let digest = [UInt8](hex: name), digest.count == 32 else { continue }
                let header = try PackEntries.header(SystemFile(layout.pack(name), .read), id)
                places.append(.sealed(header.pack, digest: digest))
            }
        }
        for name in try FileTree.names(in: layout.open) where name.hasSuffix(".pk") {
            if let id = RandomID(hex: String(name.dropLast(3))) { places.append(.open(id)) }
        }
        return places
    }
}
