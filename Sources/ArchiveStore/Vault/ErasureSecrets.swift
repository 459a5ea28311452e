import ArchiveCrypto
import MailCore
import Synchronization

/// Finds the erasure secret of an epoch, wherever the archive keeps it; remembers what it found.
final class ErasureSecrets: Sendable {
    let layout: ArchiveLayout
    let keys: KeyHierarchy
    let access: AnchorAccess
    private let known = Mutex<[UInt32: [UInt8]]>([:])

    init(layout: ArchiveLayout, keys: KeyHierarchy, access: AnchorAccess) {
        (self.layout, self.keys, self.access) = (layout, keys, access)
    }

    func list() throws(ArchiveError) -> AnchorList {
        try AnchorList.read(layout, archive: keys.archiveID, keys: keys)
    }

    func anchor(_ entry: AnchorEntry) throws(ArchiveError) -> any Anchor {
        entry.kind == .inside ? InsideAnchor(layout: layout) : try access.connect(entry, keys.archiveID)
    }

    /// 32 octets: from the kit, or the first anchor that has it.
    ///
    /// - Throws: `.anchorUnavailable` naming what was tried; `.damaged` where the only anchor is inside.
    func secret(epoch: UInt32) throws(ArchiveError) -> [UInt8] {
        if let secret = known.withLock({ $0[epoch] }) { return secret }
        let secret = try find(epoch)
        known.withLock { $0[epoch] = secret }
        return secret
    }

    func forget(epoch: UInt32) { known.withLock { $0[epoch] = nil } }

    private func find(_ epoch: UInt32) throws(ArchiveError) -> [UInt8] {
        if let kit = access.kit, kit.epoch == epoch, kit.archive == keys.archiveID.description { return kit.secret }
        let list = try list()
        var tried: [String] = []
        for entry in list.all {
            do throws(ArchiveError) {
                if let octets = try anchor(entry).read(epoch: epoch) {
                    return try parse(octets, epoch, at: entry)
                }
                tried.append("\(entry.name) has none of epoch \(epoch)")
            } catch {
                if list.all.count == 1 && entry.kind == .inside { throw error }
                tried.append("\(entry.name): \(error.message)")
            }
        }
        if list == .inside {
            throw ArchiveError(.damaged, "no erasure secret of the vault's epoch \(epoch)", path: layout.erasure)
        }
        throw ArchiveError(
            .anchorUnavailable, "no anchor gives the erasure secret: \(tried.joined(separator: "; "))",
            path: layout.anchors, retry: .later)
    }

    func parse(_ octets: [UInt8], _ epoch: UInt32, at entry: AnchorEntry) throws(ArchiveError) -> [UInt8] {
        guard let secret = try? ErasureSecret(parsing: octets), secret.epoch == epoch,
            secret.archive == keys.archiveID.description
        else { throw ArchiveError(.damaged, "the anchor \(entry.name) holds something else than the secret") }
        return secret.secret
    }
}
