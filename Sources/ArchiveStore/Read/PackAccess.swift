import ArchiveCrypto
import MailCore
import Synchronization

/// Opens pack files for reading and remembers some.
final class PackAccess: Sendable {
    /// LIMIT: descriptors; a mailbox read in order touches two or three packs at a time.
    private static let openLimit = 16

    private let layout: ArchiveLayout
    /// Most recently used last.
    private let files = Mutex<[(place: PackPlace, file: SystemFile)]>([])

    init(layout: ArchiveLayout) { self.layout = layout }

    /// - Throws: `.missing` if there is no such file (it may have been sealed meanwhile).
    func file(_ place: PackPlace) throws(ArchiveError) -> SystemFile {
        let known = files.withLock { files -> SystemFile? in
            guard let index = files.lastIndex(where: { $0.place == place }) else { return nil }
            let found = files.remove(at: index)
            files.append(found)
            return found.file
        }
        if let known { return known }
        let file = try SystemFile(path(place), .read)
        files.withLock { files in
            files.append((place, file))
            if files.count > Self.openLimit { files.removeFirst() }
        }
        return file
    }

    func path(_ place: PackPlace) -> String {
        switch place {
        case .open(let id): layout.openPack(id)
        case .sealed(_, let digest): layout.pack(digest.hex)
        }
    }
}
