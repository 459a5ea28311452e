import ArchiveCrypto
public import MailCore

/// What an archive says of itself: the file `MAILARC` (ArchiveFormat.md §3).
public struct ArchiveIdentity: Sendable, Hashable {
    public var archive: RandomID
    /// Seconds since 1970-01-01T00:00:00Z, as written.
    public var created: String
    /// The ledger's Ed25519 key, 32 octets.
    public var logKey: [UInt8]
    /// The default writer, 8 octets.
    public var writer: [UInt8]
    /// Features a program must know to touch the archive; those of ``knownFeatures`` only.
    public var required: UInt64 = 0
    /// Features a program may ignore; kept as they are.
    public var optional: UInt64 = 0

    /// LIMIT: the required-feature bits this program knows (ArchiveFormat.md §3).
    static let knownFeatures: UInt64 = 0

    /// Name of the ledger in checkpoints.
    public var origin: String { "mailarc/\(archive)" }

    static let type = "mailarc-archive/1"

    func file(_ keys: KeyHierarchy) -> [UInt8] {
        var file = TextFile(type: Self.type)
        file.append("archive", archive.description)
        file.append("origin", origin)
        file.append("created", created)
        file.append("suite", "1")
        file.append("required", Self.hex(required))
        file.append("optional", Self.hex(optional))
        file.append("log-key", Base64.encode(logKey))
        file.append("writer", writer.hex)
        file.sign(keys)
        return file.octets
    }

    /// Reads `MAILARC`; its MAC is checked with ``isAuthentic(_:keys:)`` once there are keys.
    ///
    /// A backup into the folder that stopped in its last step is finished first.
    /// - Throws: `.notAnArchive`, `.unsupported`; `.locked` while a backup is at its last step.
    static func read(_ layout: ArchiveLayout) throws(ArchiveError) -> (identity: ArchiveIdentity, file: TextFile) {
        try ReplicaSwitch.finishIfAny(layout)
        return try parse(layout)
    }

    /// The same for whoever holds the lock.
    static func parse(_ layout: ArchiveLayout) throws(ArchiveError) -> (identity: ArchiveIdentity, file: TextFile) {
        let octets: [UInt8]
        do throws(ArchiveError) { octets = try FileTree.read(layout.identity, limit: 65_536) } catch {
            guard error.kind == .missing else { throw error }
            throw ArchiveError(.notAnArchive, "there is no archive here", path: layout.root)
        }
        do {
            if octets.starts(with: "mailarc-archive/".utf8), !octets.starts(with: (type + "\n").utf8) {
                throw ArchiveError(.unsupported, "the archive is of a later version", path: layout.identity)
            }
            let file = try TextFile(parsing: octets, type: type)
            let required = try bits("required", of: file)
            guard try file.value("suite") == "1", required & ~knownFeatures == 0 else {
                throw ArchiveError(
                    .unsupported, "the archive needs features this program does not know", path: layout.identity)
            }
            guard let archive = RandomID(hex: try file.value("archive")) else {
                throw CryptoError(.malformed, "the archive id is malformed")
            }
            let identity = ArchiveIdentity(
                archive: archive, created: try file.value("created"), logKey: try file.base64("log-key", count: 32),
                writer: try file.hex("writer", count: 8), required: required, optional: try bits("optional", of: file))
            return (identity, file)
        } catch let error as ArchiveError { throw error } catch {
            throw ArchiveError(.notAnArchive, "MAILARC cannot be read", path: layout.identity, cause: error)
        }
    }

    private static func bits(_ key: String, of file: TextFile) throws(CryptoError) -> UInt64 {
        try file.hex(key, count: 8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func hex(_ bits: UInt64) -> String { (0..<8).map { UInt8(bits >> (56 - 8 * $0) & 0xFF) }.hex }

    /// `writers/<id>.pub`.
    static func writerFile(archive: RandomID, writer: [UInt8], key: [UInt8], keys: KeyHierarchy) -> [UInt8] {
        var file = TextFile(type: "mailarc-writer/1")
        file.append("archive", archive.description)
        file.append("writer", writer.hex)
        file.append("key", Base64.encode(key))
        file.sign(keys)
        return file.octets
    }
}
