package import ArchiveCrypto
package import MailCore

// mailarc-credential/1
// archive <32 hex>
// writer <16 hex>
// name <word>
// seed <base64>                                                       ; Ed25519, signs segments
// prekey <id, 32 hex> <begins> <ends> <X25519 public key, base64>      ; any number, one after the other
/// What makes a write-only host of a machine: with it mail can be sealed for the archive, and nothing can be read.
package struct CaptureCredential: Sendable {
    static let type = "mailarc-credential/1"

    package var archive: RandomID
    /// 8 octets.
    package var writer: [UInt8]
    package var name: String
    /// Ed25519, 32 octets.
    package var seed: [UInt8]
    /// By time.
    package var prekeys: [Prekey]

    package init(parsing octets: [UInt8]) throws(CryptoError) {
        let file = try TextFile(parsing: octets, type: Self.type)
        guard let archive = RandomID(hex: try file.value("archive")) else {
            throw CryptoError(.malformed, "the archive id is malformed")
        }
        (self.archive, writer) = (archive, try file.hex("writer", count: 8))
        (name, seed) = (try file.value("name"), try file.base64("seed", count: 32))
        prekeys = []
        for line in file.values("prekey") { prekeys.append(try Prekey(parsing: line)) }
        guard !prekeys.isEmpty, zip(prekeys, prekeys.dropFirst()).allSatisfy({ $0.begins < $1.begins }) else {
            throw CryptoError(.malformed, "prekeys stand one after the other by time")
        }
    }

    init(archive: RandomID, writer: [UInt8], name: String, seed: [UInt8], prekeys: [Prekey]) {
        (self.archive, self.writer, self.name, self.seed, self.prekeys) = (archive, writer, name, seed, prekeys)
    }

    package var octets: [UInt8] {
        var file = TextFile(type: Self.type)
        file.append("archive", archive.description)
        file.append("writer", writer.hex)
        file.append("name", name)
        file.append("seed", Base64.encode(seed))
        for prekey in prekeys { file.append("prekey", prekey.line) }
        return file.octets
    }

    /// Seconds since 1970; nothing can be sealed from then on.
    package var ends: Int64 { prekeys.last?.ends ?? 0 }

    /// What is sealed to at `time`, never one before `last`: the archive forgets a prekey once a later one was used.
    package func prekey(at time: Int64, notBefore last: RandomID?) -> Prekey? {
        let usable =
            last.flatMap { last in prekeys.firstIndex { $0.id == last } }.map { prekeys[$0...] } ?? prekeys[...]
        return usable.first { $0.ends > time }
    }
}
