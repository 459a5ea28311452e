import MailCore

extension Archive {
    /// Where every pack is now, by names and headers alone: what a catalog compares its places with on opening.
    ///
    /// Sealed ones in no order, then those in `open/`, whether the journal names them or not.
    public func packPlaces() throws(ArchiveError) -> [PackPlace] {
        var places: [PackPlace] = []
        let names = try layout.packNames()
        for digest in names.sealed {
            if names.gone.contains(digest), try gone(digest) != nil { continue }
            let header = try PackEntries.header(SystemFile(layout.pack(digest.hex), .read), id)
            places.append(.sealed(header.pack, digest: digest))
        }
        for name in try FileTree.names(in: layout.open) where name.hasSuffix(".pk") {
            if let id = RandomID(hex: String(name.dropLast(3))) { places.append(.open(id)) }
        }
        return places
    }
}

extension ArchiveLayout {
    /// What `packs/` holds by its names, as digests: packs, and records of packs that were replaced.
    struct PackNames: Equatable {
        /// Ascending.
        var sealed: [[UInt8]] = []
        var gone: Set<[UInt8]> = []
    }

    /// Lists `packs/`; names that are neither, or in a wrong folder, are left out.
    func packNames() throws(ArchiveError) -> PackNames {
        var names = PackNames()
        for directory in try FileTree.names(in: packs) {
            for name in try FileTree.names(in: "\(packs)/\(directory)") where name.hasPrefix(directory) {
                let isGone = name.hasSuffix(Self.goneSuffix)
                let stem = isGone ? String(name.dropLast(Self.goneSuffix.count)) : name
                guard let digest = [UInt8](hex: stem), digest.count == 32, digest.hex == stem else { continue }
                if isGone { names.gone.insert(digest) } else { names.sealed.append(digest) }
            }
        }
        return names
    }
}
