import ArchiveCrypto
import MailCore

/// What a key slot says of itself.
public struct SlotDescription: Sendable, Hashable {
    /// SHA-256 of the slot file, hex; names it.
    public var id: String
    /// `scrypt`, `keyfile`, `plain`, `x25519`; `unknown` for one of a later version, `damaged` for one that cannot be read.
    public var kind: String
    public var label: String
    /// RFC 3339.
    public var created: String
    /// Whom an `x25519` slot is for: `age1…`.
    public var recipient: String?
}

extension SlotDescription {
    init(_ slot: KeySlot) {
        self.init(id: slot.id, kind: slot.kind.name, label: slot.label, created: slot.created)
        if case .x25519(let recipient) = slot.kind { self.recipient = recipient.description }
    }
}

/// The folder `keys/` (ArchiveFormat.md §5).
struct KeySlots: Sendable {
    let layout: ArchiveLayout
    let archive: RandomID

    func path(_ id: String) -> String { "\(layout.keys)/\(id).slot" }

    /// Every slot that can be read, and what is wrong with the others: one damaged slot keeps no other from opening.
    func read() throws(ArchiveError) -> (slots: [(path: String, slot: KeySlot)], damaged: [ArchiveError]) {
        var slots: [(String, KeySlot)] = []
        var damaged: [ArchiveError] = []
        for name in try FileTree.names(in: layout.keys) where name.hasSuffix(".slot") {
            let path = "\(layout.keys)/\(name)"
            do throws(ArchiveError) {
                let slot = try VaultFiles.parse(path) { octets throws(CryptoError) in try KeySlot(parsing: octets) }
                slots.append((path, slot))
            } catch {
                damaged.append(error)
            }
        }
        return (slots, damaged)
    }

    /// A slot that cannot be read is described as `damaged`.
    func descriptions() throws(ArchiveError) -> [SlotDescription] {
        let (slots, damaged) = try read()
        return slots.map { SlotDescription($0.slot) }
            + damaged.map {
                let name = $0.path?.split(separator: "/").last.map { String($0.dropLast(5)) }
                return SlotDescription(id: name ?? "", kind: "damaged", label: "", created: "")
            }
    }

    /// The keys behind the first slot one of `secrets` opens; slots of unknown type are passed over.
    func unlock(_ secrets: [ArchiveSecret]) throws(ArchiveError) -> KeyHierarchy {
        let (slots, damaged) = try read()
        var failure = damaged.first
        for (path, slot) in slots {
            for secret in [.plain] + secrets {
                do throws(CryptoError) {
                    if let keys = try open(slot, secret) { return keys }
                } catch {
                    switch error.kind {
                    case .wrongSecret: continue
                    case .limitExceeded: failure = ArchiveError(.limitExceeded, error.message, path: path)
                    default: failure = ArchiveError(.damaged, error.message, path: path)
                    }
                }
            }
        }
        if let failure { throw failure }
        throw ArchiveError(.wrongKey, "no key slot opens with what was given", path: layout.keys)
    }

    /// `nil` where the secret is of another kind than the slot.
    private func open(_ slot: KeySlot, _ secret: ArchiveSecret) throws(CryptoError) -> KeyHierarchy? {
        switch (secret, slot.kind) {
        case (.passphrase(let octets), .scrypt), (.keyFile(let octets), .keyFile):
            return try slot.open(secret: octets, archiveID: archive)
        case (.plain, .plain): return try slot.open(secret: [], archiveID: archive)
        case (.identity(let identity), .x25519(let recipient)) where identity.recipient == recipient:
            return try identity.secret.withOctets { octets throws(CryptoError) in
                try slot.open(secret: octets, archiveID: archive)
            }
        case (.agreement(let agree), .x25519):
            guard let request = try slot.agreementRequest(archiveID: archive), let shared = agree(request) else {
                return nil
            }
            return try slot.open(sharedSecret: shared, archiveID: archive)
        default: return nil
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
            case .recipient(let recipient):
                return try KeySlot(
                    wrapping: keys, kind: .x25519(recipient), secret: [], label: label, created: created,
                    random: random)
            case .identity, .agreement:
                throw ArchiveError(.internalError, "an identity opens slots; a new one is made for a recipient")
            }
        } catch let error as ArchiveError { throw error } catch {
            throw ArchiveError(.internalError, "a key slot cannot be made", cause: error)
        }
    }
}
