import ArchiveCrypto
import ArchiveLedger
package import MailCore

/// What is left in the place of a pack that others replaced: `packs/<aa>/<sha256>.gone` (ArchiveFormat.md §7.5).
///
/// Text, in the clear and signed, so that whoever has no key can follow the writer's chain over the place.
///
/// | line | value |
/// |---|---|
/// | archive | archive id, hex |
/// | writer | the replaced pack's writer, 16 hex |
/// | object | the replaced pack's SHA-256, hex: the file's name |
/// | pack | its pack id, hex |
/// | sequence | its writer sequence |
/// | previous | SHA-256 of this writer's pack before it, hex |
/// | by | SHA-256 of each pack that holds what lived of it, hex, one space between; empty if nothing lived |
/// | leaf | ledger index of the `pack-replace` leaf |
/// | signer | the writer that replaced it, 16 hex |
/// | signature | base64, Ed25519 by the signer |
package struct GoneFile: Sendable, Hashable {
    static let type = "mailarc-gone/1"
    /// LIMIT: ArchiveFormat.md §13, as every text file.
    static let maximumLength = 65_536

    package var archive: RandomID
    /// 8 octets.
    package var writer: [UInt8]
    /// 32 octets.
    package var object: [UInt8]
    package var pack: RandomID
    package var sequence: UInt64
    /// 32 octets; zeros before the first.
    package var previous: [UInt8]
    /// 32 octets each.
    package var successors: [[UInt8]]
    package var ledgerIndex: UInt64
    /// 8 octets.
    package var signer: [UInt8]

    private var text: TextFile {
        var file = TextFile(type: Self.type)
        file.append("archive", archive.description)
        file.append("writer", writer.hex)
        file.append("object", object.hex)
        file.append("pack", pack.description)
        file.append("sequence", String(sequence))
        file.append("previous", previous.hex)
        file.append("by", successors.map(\.hex).joined(separator: " "))
        file.append("leaf", String(ledgerIndex))
        file.append("signer", signer.hex)
        return file
    }

    private static func signedMessage(_ octets: [UInt8]) -> [UInt8] {
        Array("mailarc/1/gone\n".utf8) + SHA256.hash(octets)
    }

    /// The file, signed with the signer's seed.
    func signed(seed: [UInt8]) throws(ArchiveError) -> [UInt8] {
        var file = text
        do {
            file.append("signature", Base64.encode(try Ed25519.sign(Self.signedMessage(file.octets), seed: seed)))
        } catch { throw ArchiveError(.internalError, "a replaced pack's record cannot be signed", cause: error) }
        return file.octets
    }

    /// Reads the file at `path`, which names what it must be about; the signature is not judged.
    ///
    /// - Throws: `.missing`; `.damaged`.
    static func read(
        _ path: String, archive: RandomID
    ) throws(ArchiveError) -> (gone: GoneFile, signed: [UInt8], signature: [UInt8]) {
        let octets = try FileTree.read(path, limit: maximumLength)
        do {
            let file = try TextFile(parsing: octets, type: type)
            let gone = try GoneFile(file)
            guard gone.archive == archive else { throw CryptoError(.malformed, "it is another archive's") }
            guard path.hasSuffix("/\(gone.object.hex)\(ArchiveLayout.goneSuffix)") else {
                throw CryptoError(.malformed, "it is about another pack than its name says")
            }
            return (gone, file.octets(before: "signature"), try file.base64("signature", count: 64))
        } catch { throw ArchiveError(.damaged, "the record of a replaced pack is malformed", path: path, cause: error) }
    }

    private init(_ file: TextFile) throws(CryptoError) {
        guard let archive = RandomID(hex: try file.value("archive")), let pack = RandomID(hex: try file.value("pack"))
        else { throw CryptoError(.malformed, "an id is malformed") }
        let by = try file.value("by")
        var successors: [[UInt8]] = []
        for word in by.isEmpty ? [] : by.split(separator: " ", omittingEmptySubsequences: false) {
            guard let digest = [UInt8](hex: String(word)), digest.count == 32 else {
                throw CryptoError(.malformed, "a successor is malformed")
            }
            successors.append(digest)
        }
        self.init(
            archive: archive, writer: try file.hex("writer", count: 8), object: try file.hex("object", count: 32),
            pack: pack, sequence: try Self.number("sequence", file), previous: try file.hex("previous", count: 32),
            successors: successors, ledgerIndex: try Self.number("leaf", file),
            signer: try file.hex("signer", count: 8))
        // Every value has one spelling, so what was read is what was signed.
        guard text.octets == file.octets(before: "signature") else {
            throw CryptoError(.malformed, "a value is not in its only form")
        }
    }

    private static func number(_ key: String, _ file: TextFile) throws(CryptoError) -> UInt64 {
        guard let number = UInt64(try file.value(key)) else {
            throw CryptoError(.malformed, "the line \(key) is not a number")
        }
        return number
    }

    private init(
        archive: RandomID, writer: [UInt8], object: [UInt8], pack: RandomID, sequence: UInt64, previous: [UInt8],
        successors: [[UInt8]], ledgerIndex: UInt64, signer: [UInt8]
    ) {
        (self.archive, self.writer, self.object, self.pack) = (archive, writer, object, pack)
        (self.sequence, self.previous, self.successors) = (sequence, previous, successors)
        (self.ledgerIndex, self.signer) = (ledgerIndex, signer)
    }

    /// Whether `signature` is the signer's over `signed`.
    static func verify(_ signature: [UInt8], of signed: [UInt8], publicKey: [UInt8]) -> Bool {
        Ed25519.verify(signature, of: signedMessage(signed), publicKey: publicKey)
    }
}

extension GoneFile {
    /// What the leaf `replacement` at `ledgerIndex` says of the pack that stood at `link` in its writer's chain.
    init(
        _ replacement: PackReplacement, ledgerIndex: UInt64, archive: RandomID, link: PackLink, signer: [UInt8]
    ) {
        self.init(
            archive: archive, writer: link.writer, object: replacement.object.octets, pack: replacement.pack,
            sequence: link.sequence, previous: link.previous, successors: replacement.successors.map(\.octets),
            ledgerIndex: ledgerIndex, signer: signer)
    }
}

extension Archive {
    /// The record of the replaced pack `digest` if there is an authentic one; a forged one hides nothing.
    func gone(_ digest: [UInt8]) throws(ArchiveError) -> GoneFile? {
        let path = layout.gonePack(digest.hex)
        guard FileTree.exists(path) else { return nil }
        do {
            let (gone, signed, signature) = try GoneFile.read(path, archive: id)
            let file = try TextFile(
                parsing: FileTree.read(layout.writer(gone.signer.hex), limit: GoneFile.maximumLength),
                type: "mailarc-writer/1")
            guard file.isAuthentic(keys), try file.hex("writer", count: 8) == gone.signer else { return nil }
            let key = try file.base64("key", count: 32)
            return GoneFile.verify(signature, of: signed, publicKey: key) ? gone : nil
        } catch let error as ArchiveError {
            guard error.kind == .damaged || error.kind == .missing else { throw error }
            return nil
        } catch { return nil }
    }
}
