import ArchiveCrypto
import ArchiveLedger
import MailCore

/// Gives the log another key; every step leaves an archive that opens and checks (LedgerFormat.md, Log keys).
///
/// 1. The vault keeps the new seed beside the old one, as `log-key.next`.
/// 2. A leaf names the new key; the checkpoint over it is signed by the old key and by the new one.
/// 3. `keys/log` names the old key as one that signs up to there.
/// 4. `MAILARC` names the new key: the commit point.
/// 5. The vault keeps the new seed only.
///
/// A writer that finds `log-key.next` goes on from 2 if the leaf is there, and drops it otherwise.
struct LogKeyRotation {
    static let name = "log-key"
    static let nextName = "log-key.next"

    let archive: Archive
    let fault: (@Sendable (FaultStep) -> Void)?

    /// The seed whose public key `MAILARC` names, of those in the vault.
    static func seed(for identity: ArchiveIdentity, in secrets: [String: [UInt8]]) throws(ArchiveError) -> [UInt8] {
        let seeds = [secrets[name], secrets[nextName]].compactMap { $0 }
        guard let first = seeds.first else { throw ArchiveError(.damaged, "the vault lacks the secret \(name)") }
        return seeds.first { (try? Ed25519.publicKey(seed: $0)) == identity.logKey } ?? first
    }

    /// Steps 2 (the checkpoint; the leaf is there) to 5.
    func complete(
        _ ledger: inout Ledger, _ vault: inout VaultWriter, seed: [UInt8], next: [UInt8]
    ) throws(ArchiveError) {
        let layout = archive.layout
        let nextKey = try Self.publicKey(next)
        let identity = try archive.presentIdentity()
        if identity.logKey != nextKey {
            let former: LogKeys.Former
            do throws(LedgerError) {
                try ledger.publish(signingSeed: seed, nextSeed: next, keeping: true)
                try ledger.sync()
                former = try LogKeys.Former(
                    seed: seed, origin: identity.origin, lastSize: ledger.size, next: nextKey)
            } catch { throw ArchiveError(error, layout) }
            fault?(.checkpoint)
            var (keys, file) = try LogKeyFile.read(layout, archive: archive.id)
            if let file, !file.isAuthentic(archive.keys) {
                throw ArchiveError(.damaged, "the former log keys were changed", path: layout.logKeys)
            }
            keys.removeAll { $0.key == former.key }
            // ORDER: the old key is known as a former one before MAILARC names another.
            try FileTree.replace(layout.logKeys, with: LogKeyFile.octets(keys + [former], archive.keys))
            fault?(.logKeyFile)
            var changed = identity
            changed.logKey = nextKey
            try FileTree.replace(layout.identity, with: changed.file(archive.keys))
            fault?(.identity)
        }
        try vault.change([Self.name: next, Self.nextName: nil])
        ledger.change(to: try archive.logKeys())
    }

    /// Ends, or drops, what a writer left that died on the way; the seed that signs from now on.
    func resume(_ ledger: inout Ledger, _ vault: inout VaultWriter, seed: [UInt8]) throws(ArchiveError) -> [UInt8] {
        guard let next = vault.root.secrets[Self.nextName] else { return seed }
        let nextKey = try Self.publicKey(next)
        let named = [try archive.presentIdentity().logKey, try lastLeaf(ledger)]
        guard named.contains(nextKey) else {
            try vault.change([Self.nextName: nil])
            return seed
        }
        try complete(&ledger, &vault, seed: seed, next: next)
        return next
    }

    /// The key the last leaf names, if it is such a leaf.
    private func lastLeaf(_ ledger: Ledger) throws(ArchiveError) -> [UInt8]? {
        guard ledger.size > 0 else { return nil }
        do throws(LedgerError) {
            var reader = ledger.leaves(from: ledger.size - 1)
            guard let text = try reader.next()?.text, case .logKey(let key, _) = Leaf(parsing: text)?.body else {
                return nil
            }
            return key
        } catch { throw ArchiveError(error, archive.layout) }
    }

    static func publicKey(_ seed: [UInt8]) throws(ArchiveError) -> [UInt8] {
        do { return try Ed25519.publicKey(seed: seed) } catch {
            throw ArchiveError(.damaged, "a log key in the vault is none", cause: error)
        }
    }
}
