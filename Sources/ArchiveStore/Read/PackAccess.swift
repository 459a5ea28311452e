import ArchiveCrypto
import MailCore
import Synchronization

/// Opens pack files for reading and remembers some.
final class PackAccess: Sendable {
    /// LIMIT: descriptors; a mailbox read in order touches two or three packs at a time.
    private static let openLimit = 16

    private let archive: Archive
    private var layout: ArchiveLayout { archive.layout }
    /// Most recently used last.
    private let files = Mutex<[(place: PackPlace, file: SystemFile)]>([])

    init(_ archive: Archive) { self.archive = archive }

    /// - Throws: `.missing` if there is no such file (it may have been sealed meanwhile).
    func file(_ place: PackPlace) throws(ArchiveError) -> SystemFile {
        let known = files.withLock { files -> SystemFile? in
            guard let index = files.lastIndex(where: { $0.place == place }) else { return nil }
            let found = files.remove(at: index)
            files.append(found)
            return found.file
        }
        if let known { return known }
        let file = try openFile(place)
        files.withLock { files in
            files.append((place, file))
            if files.count > Self.openLimit { files.removeFirst() }
        }
        return file
    }

    /// A pack that was sealed since its place was noted is found by its header.
    private func openFile(_ place: PackPlace) throws(ArchiveError) -> SystemFile {
        do throws(ArchiveError) { return try SystemFile(path(place), .read) } catch {
            guard error.kind == .missing, case .open(let id) = place,
                let now = try archive.packPlaces().first(where: { $0.id == id && $0 != place })
            else { throw error }
            return try SystemFile(path(now), .read)
        }
    }

    func path(_ place: PackPlace) -> String {
        switch place {
        case .open(let id): layout.openPack(id)
        case .sealed(_, let digest): layout.pack(digest.hex)
        }
    }
}
