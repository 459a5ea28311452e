import ArchiveCrypto
import MailCore

/// Copies of footers: a cache, but one that a repair will rely on.
extension ArchiveCheck {
    /// Level 1: every copy opens and is what the pack has; packs without one are noted.
    mutating func checkFooterCopies(_ archive: Archive) {
        let index = PackIndex(layout: layout, keys: archive.keys)
        var copied: Set<[UInt8]> = []
        do throws(ArchiveError) {
            let (objects, damaged) = try index.objects()
            for error in damaged { find(error, layout.index) }
            let present = Set(try index.packs())
            for object in objects {
                for place in object.places where present.contains(place.pack) {
                    attempt(object.path) { check throws(ArchiveError) in
                        guard let copy = try object.copy(of: place.pack, keys: archive.keys) else { return }
                        copied.insert(place.pack)
                        let file = try SystemFile(check.layout.pack(place.pack.hex), .read)
                        // What is wrong with the pack itself was found before.
                        guard let own = try? FooterCopy(of: file, digest: place.pack), own != copy else { return }
                        guard (try? own.entries(archive.keys)) != nil else { return }
                        check.find(.damaged, object.path, "its copy of a footer is not that of \(place.pack.hex)")
                    }
                }
            }
            let missing = present.subtracting(copied).filter { gone[$0] == nil }.count
            if missing > 0 {
                report.notes.append("\(missing) sealed packs have no copy of their footer; mailarc repair makes it")
            }
        } catch { find(error, layout.index) }
    }
}
