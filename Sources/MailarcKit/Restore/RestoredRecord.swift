import ArchiveCatalog
import MailCore

/// Which message of the archive a UID of an account is, from earlier restores: saves looking at octets again.
///
/// Kept in the encrypted catalog, a cache: what is lost is found again by content. It names key ids, never digests, so
/// that nothing of an erased message stays. Entries are UID (4 octets, big-endian) and key id (16).
final class RestoredRecord {
    private static let entryCount = 20
    /// LIMIT: entries lost to a crash; they are found again by content.
    private static let flushCount = 500

    private let catalog: Catalog
    private let key: String
    private var next = 0
    private var pending: [UInt8] = []
    private(set) var messages: [UID: RandomID] = [:]

    init(_ catalog: Catalog, identity: String, mailbox: MailboxName, uidValidity: UIDValidity) {
        self.catalog = catalog
        key = "restored.\(identity).\(mailbox.octets.hex).\(uidValidity)."
        while let octets = try? catalog.meta(key + String(next)) {
            take(octets)
            next += 1
        }
    }

    func add(_ uid: UID, _ message: RandomID) {
        guard messages.updateValue(message, forKey: uid) != message else { return }
        pending += (0..<4).map { UInt8(truncatingIfNeeded: uid.value >> (24 - 8 * UInt32($0))) } + message.octets
        if pending.count >= Self.flushCount * Self.entryCount { flush() }
    }

    /// Keeps what was added; a catalog that cannot be written to costs time, not truth.
    func flush() {
        guard !pending.isEmpty, (try? catalog.setMeta(key + String(next), pending)) != nil else { return }
        next += 1
        pending = []
    }

    private func take(_ octets: [UInt8]) {
        for start in stride(from: 0, through: octets.count - Self.entryCount, by: Self.entryCount) {
            let value = octets[start..<(start + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard let uid = UID(value), let id = RandomID(octets: Array(octets[(start + 4)..<(start + 20)])) else {
                continue
            }
            messages[uid] = id
        }
    }
}
