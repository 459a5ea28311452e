import ArchiveCrypto
import ArchiveLedger
import MailCore

/// Packs that gave their place to others: what is left of them must explain every gap, and nothing else.
extension ArchiveCheck {
    /// A link of a writer's chain: a pack, or what is left of one.
    struct ChainLink {
        var path: String
        var writer: [UInt8]
        var sequence: UInt64
        /// SHA-256 of the link before.
        var previous: [UInt8]
        var digest: [UInt8]
    }

    /// Reads the record `path` of a replaced pack; level 0.
    mutating func checkGone(_ path: String) {
        attempt(path) { check throws(ArchiveError) in
            let (gone, signed, signature) = try GoneFile.read(path, archive: check.identity.archive)
            guard path == check.layout.gonePack(gone.object.hex) else {
                check.find(.wrongName, path, "it lies in another folder than its name says")
                return
            }
            guard let key = try? check.writerKey(gone.signer).key else {
                check.find(.damaged, path, "its signer \(gone.signer.hex) is no writer of this archive")
                return
            }
            guard GoneFile.verify(signature, of: signed, publicKey: key) else {
                check.find(.damaged, path, "the signature of the replacement does not agree")
                return
            }
            check.gone[gone.object] = gone
        }
    }

    /// Successors are there, replaced packs are not; the links of the chain that the records stand for.
    mutating func checkReplaced(_ sealed: [ChainLink]) -> [ChainLink] {
        let sequences = Dictionary(sealed.map { ($0.digest, $0.sequence) }) { first, _ in first }
        let present = Set(sealed.map(\.digest))
        var links: [ChainLink] = []
        for gone in gone.values.sorted(by: { ($0.writer.hex, $0.sequence) < ($1.writer.hex, $1.sequence) }) {
            let path = layout.gonePack(gone.object.hex)
            if present.contains(gone.object) {
                find(
                    .returned, layout.pack(gone.object.hex),
                    "this pack was replaced and is there, again or still: remove it, or let a writer open the archive")
            }
            for successor in gone.successors {
                guard let sequence = sequences[successor] ?? self.gone[successor]?.sequence else {
                    find(.missing, layout.pack(successor.hex), "it holds what lived of the replaced pack \(gone.pack)")
                    continue
                }
                if gone.writer == gone.signer, sequence <= gone.sequence {
                    find(.damaged, path, "the pack it names as its successor is older")
                }
            }
            links.append(
                ChainLink(
                    path: path, writer: gone.writer, sequence: gone.sequence, previous: gone.previous,
                    digest: gone.object))
        }
        return links
    }

    /// Holds the records against the `pack` and `pack-replace` leaves; level 1.
    mutating func checkReplacements(_ leaves: ReplacementLeaves) {
        for (index, replacement) in leaves.replacements.sorted(by: { $0.key < $1.key }) {
            let object = replacement.object.octets
            guard let gone = gone[object] else {
                find(.missing, layout.gonePack(object.hex), "leaf \(index) says that this pack was replaced")
                continue
            }
            if gone.ledgerIndex != index || gone.pack != replacement.pack
                || gone.successors != replacement.successors.map(\.octets)
            {
                find(.damaged, layout.gonePack(object.hex), "leaf \(index) says otherwise of the replacement")
            }
            if leaves.sealed[replacement.pack] != object {
                find(.ledger, layout.log, "no leaf names the pack that leaf \(index) replaces")
            }
        }
        for gone in gone.values where leaves.replacements[gone.ledgerIndex]?.object.octets != gone.object {
            find(.unexpected, layout.gonePack(gone.object.hex), "no leaf says that this pack was replaced")
        }
    }

    /// What the ledger says of packs.
    struct ReplacementLeaves {
        /// Objects of `pack` leaves by pack id.
        var sealed: [RandomID: [UInt8]] = [:]
        /// By leaf index.
        var replacements: [UInt64: PackReplacement] = [:]
        /// Keys that an `erase` or `loss` leaf accounts for.
        var erased: Set<RandomID> = []
        /// Those of `loss` leaves.
        var lost: Set<RandomID> = []

        mutating func add(_ leaf: Leaf) {
            switch leaf.body {
            case .pack(let object, let pack, _): sealed[pack] = object.octets
            case .packReplaced(let replacement): replacements[leaf.sequence] = replacement
            case .erased(let record): erased.formUnion(record.targets.map(\.keyID))
            case .lost(let loss):
                erased.formUnion(loss.targets.map(\.keyID))
                lost.formUnion(loss.targets.map(\.keyID))
            default: break
            }
        }
    }
}
