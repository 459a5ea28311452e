import ArchiveCrypto
import ArchiveLedger
package import MailCore

// mailarc-host/1
// archive <32 hex>
// writer <16 hex>
// name <word>
// created <RFC 3339>
// key <Ed25519 public key, base64>
// sequence <decimal>                   ; of the last segment that was adopted, 0: none
// digest <64 hex>                      ; of its octets; zeros: none
// prekey …                             ; as in the credential; those whose private half the vault has
// mac <base64>
/// What an archive knows of a write-only host: `writers/<writer id>.host`.
package struct CaptureHost: Sendable {
    static let type = "mailarc-host/1"
    static let suffix = ".host"

    package var archive: RandomID
    /// 8 octets.
    package var writer: [UInt8]
    package var name: String
    /// RFC 3339.
    package var created: String
    /// Ed25519, 32 octets.
    package var key: [UInt8]
    /// Of the last segment that was adopted; 0: none.
    package var sequence: UInt64 = 0
    /// SHA-256 of it, 32 octets; zeros: none.
    package var digest = [UInt8](repeating: 0, count: 32)
    /// By time.
    package var prekeys: [Prekey] = []

    init(archive: RandomID, writer: [UInt8], name: String, created: String, key: [UInt8]) {
        (self.archive, self.writer, self.name, self.created, self.key) = (archive, writer, name, created, key)
    }

    init(_ file: TextFile) throws(CryptoError) {
        guard let archive = RandomID(hex: try file.value("archive")), let sequence = UInt64(try file.value("sequence"))
        else { throw CryptoError(.malformed, "archive or sequence are malformed") }
        (self.archive, writer) = (archive, try file.hex("writer", count: 8))
        (name, created, key) = (try file.value("name"), try file.value("created"), try file.base64("key", count: 32))
        (self.sequence, digest) = (sequence, try file.hex("digest", count: 32))
        for line in file.values("prekey") { prekeys.append(try Prekey(parsing: line)) }
    }

    func octets(_ keys: KeyHierarchy) -> [UInt8] {
        var file = TextFile(type: Self.type)
        file.append("archive", archive.description)
        file.append("writer", writer.hex)
        file.append("name", name)
        file.append("created", created)
        file.append("key", Base64.encode(key))
        file.append("sequence", String(sequence))
        file.append("digest", digest.hex)
        for prekey in prekeys { file.append("prekey", prekey.line) }
        file.sign(keys)
        return file.octets
    }

    /// One word that a ledger line can hold.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }
}

extension Archive {
    /// The write-only hosts, by name.
    package func captureHosts() throws(ArchiveError) -> [CaptureHost] {
        var hosts: [CaptureHost] = []
        for name in try FileTree.names(in: layout.writers) where name.hasSuffix(CaptureHost.suffix) {
            let path = "\(layout.writers)/\(name)"
            let file = try VaultFiles.parse(path) { octets throws(CryptoError) in
                try TextFile(parsing: octets, type: CaptureHost.type)
            }
            guard file.isAuthentic(keys) else { throw ArchiveError(.damaged, "its MAC is wrong", path: path) }
            do throws(CryptoError) { hosts.append(try CaptureHost(file)) } catch {
                throw ArchiveError(.damaged, "a write-only host cannot be read", path: path, cause: error)
            }
        }
        return hosts.sorted { $0.name < $1.name }
    }

    /// Opens a segment of `host`.
    ///
    /// - Throws: `.erased` where the private half is gone; `.damaged` for what is not this host's, or was changed.
    package func openSegment(
        _ path: String, _ header: SegmentHeader, of host: CaptureHost
    ) throws(ArchiveError) -> SegmentReader {
        guard let prekey = host.prekeys.first(where: { $0.id == header.prekey }),
            let secret = try vault.files.root().root.secrets[prekey.secretName]
        else {
            throw ArchiveError(.erased, "it is sealed to a prekey that is no more", path: path)
        }
        return try SegmentReader(path, header, host: host, prekey: prekey, secret: secret)
    }

    /// SHA-256 of the segments of `host` that were adopted, by their sequence: what the ledger says.
    package func adoptedSegments(of host: CaptureHost) throws(ArchiveError) -> [UInt64: [UInt8]] {
        var digests: [UInt64: [UInt8]] = [:]
        let ledger = try openLedger()
        do throws(LedgerError) {
            var reader = ledger.leaves(from: 0)
            while let entry = try reader.next() {
                guard case .adopted(host.writer, let sequence, let object, _, _) = Leaf(parsing: entry.text)?.body
                else {
                    continue
                }
                digests[sequence] = object.octets
            }
        } catch { throw ArchiveError(error, layout) }
        return digests
    }
}
