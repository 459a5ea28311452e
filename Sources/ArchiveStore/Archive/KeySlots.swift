import ArchiveCrypto
import MailCore

/// What a key slot says of itself.
public struct SlotDescription: Sendable, Hashable {
    /// SHA-256 of the slot file, hex; names it.
    public var id: String
    /// `scrypt`, `keyfile`, `plain`.
    public var kind: String
    public var label: String
    /// RFC 3339.
    public var created: String
}

/// The folder `keys/` (ArchiveFormat.md §5).
struct KeySlots: Sendable {
    let layout: ArchiveLayout
    let archive: RandomID

    func path(_ id: String) -> String { "\(layout.keys)/\(id).slot" }

    func all() throws(ArchiveError) -> [(path: String, slot: KeySlot)] {
        var slots: [(String, KeySlot)] = []
        for name in try FileTree.names(in: layout.keys) where name.hasSuffix(".slot") {
            let path = "\(layout.keys)/\(name)"
            slots.append(
                (
                    path,
                    try VaultFiles.parse(path) { octets throws(CryptoError) in try KeySlot(parsing: octets) }
                ))
        }
        return slots
    }

    func descriptions() throws(ArchiveError) -> [SlotDescription] {
        try all().map {
            SlotDescription(id: $0.slot.id, kind: $0.slot.kind.name, label: $0.slot.label, created: $0.slot.created)
        }
    }

    /// The keys behind the first slot one of `secrets` opens.
    func unlock(_ secrets: [ArchiveSecret]) throws(ArchiveError) -> KeyHierarchy {
        var tampered: ArchiveError?
        for (path, slot) in try all() {
            for secret in [.plain] + secrets {
                guard let octets = Self.octets(of: secret, for: slot.kind) else { continue }
                do throws(CryptoError) { return try slot.open(secret: octets, archiveID: archive) } catch {
                    switch error.kind {
                    case .wrongSecret: continue
                    case .limitExceeded: throw ArchiveError(.limitExceeded, error.message, path: path)
                    default: tampered = ArchiveError(.damaged, error.message, path: path)
                    }
                }
            }
        }
        if let tampered { throw tampered }
        throw ArchiveError(.wrongKey, "no key slot opens with what was given", path: layout.keys)
    }

    private static func octets(of secret: ArchiveSecret, for kind: KeySlot.Kind) -> [UInt8]? {
        switch (secret, kind) {
        case (.passphrase(let octets), .scrypt): octets
        case (.keyFile(let octets), .keyFile): octets
        case (.plain, .plain): []
        default: nil
        }
    }

    /// A new slot file, not yet on disk.
    static func make(
        _ secret: ArchiveSecret, cost: Scrypt.Cost, label: String, created: Int64, keys: KeyHierarchy,
        random: RandomSource
    ) throws(ArchiveError) -> KeySlot {
        let created = CivilTime(secondsSinceEpoch: created).rfc3339
        do {
            switch secret {
            case .passphrase(let octets):
                return try KeySlot(
                    wrapping: keys, kind: .scrypt(cost), secret: octets, label: label, created: created, random: random)
            case .keyFile(let octets):
                guard (32...65_536).contains(octets.count) else {
                    throw ArchiveError(.limitExceeded, "a key file has 32 to 65,536 octets")
                }
                return try KeySlot(
                    wrapping: keys, kind: .keyFile, secret: octets, label: label, created: created, random: random)
            case .plain:
                return try KeySlot(
                    wrapping: keys, kind: .plain, secret: [], label: label, created: created, random: random)
            }
        } catch let error as ArchiveError { throw error } catch {
            throw ArchiveError(.internalError, "a key slot cannot be made", cause: error)
        }
    }
}
