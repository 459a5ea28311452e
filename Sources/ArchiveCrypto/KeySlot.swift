public import MailCore

/// One way to the archive root key: a text file under `keys/` (ArchiveFormat.md §5).
public struct KeySlot: Sendable {
    /// How the slot opens.
    public enum Kind: Sendable, Hashable {
        case scrypt(Scrypt.Cost)
        case keyFile
        /// Protects nothing.
        case plain

        var text: String {
            switch self {
            case .scrypt(let cost): "scrypt \(cost.logN) \(cost.r) \(cost.p)"
            case .keyFile: "keyfile"
            case .plain: "plain"
            }
        }

        /// `scrypt`, `keyfile`, `plain`.
        public var name: String { String(text.prefix { $0 != " " }) }
    }

    public let kind: Kind
    public let label: String
    /// RFC 3339.
    public let created: String
    private let file: TextFile

    /// The file as it stands on disk.
    public var octets: [UInt8] { file.octets }
    /// Names the file: SHA-256 of its octets, hex.
    public var id: String { SHA256.hash(octets).hex }

    /// Wraps the root key of `keys` under `secret`: a passphrase, a key file's octets, nothing for `.plain`.
    public init(
        wrapping keys: KeyHierarchy, kind: Kind, secret: [UInt8], label: String, created: String,
        random: RandomSource = .system
    ) throws(CryptoError) {
        var file = TextFile(type: "mailarc-slot/1")
        let salt = random.octets(32)
        file.append("archive", keys.archiveID.description)
        file.append("type", kind.text)
        file.append("salt", Base64.encode(salt))
        file.append("label", Self.percentEncoded(label))
        file.append("created", created)
        let kek = try Self.wrappingKey(kind, secret: secret, salt: salt)
        file.append("check", Base64.encode(Self.checkValue(kek)))
        let wrapped = try XAES256GCM.seal(keys.rootKey, key: kek, aad: file.octets, random: random)
        file.append("wrapped", Base64.encode(wrapped))
        file.sign(keys)
        (self.file, self.kind, self.label, self.created) = (file, kind, label, created)
    }

    /// Reads a slot file; nothing of it is trusted before ``open(secret:archiveID:)``.
    public init(parsing octets: [UInt8]) throws(CryptoError) {
        file = try TextFile(parsing: octets, type: "mailarc-slot/1")
        kind = try Self.kind(try file.value("type"))
        label = Self.percentDecoded(try file.value("label"))
        created = try file.value("created")
    }

    /// The keys this slot leads to.
    ///
    /// - Throws: `.wrongSecret` for another passphrase or key file; `.tampered` if the slot was changed.
    public func open(secret: [UInt8], archiveID: RandomID) throws(CryptoError) -> KeyHierarchy {
        guard try file.hex("archive", count: 16) == archiveID.octets else {
            throw CryptoError(.tampered, "the slot belongs to another archive")
        }
        let kek = try Self.wrappingKey(kind, secret: secret, salt: try file.base64("salt", count: 32))
        guard equalInConstantTime(try file.base64("check", count: 16), Self.checkValue(kek)) else {
            throw CryptoError(.wrongSecret, "wrong passphrase or key file")
        }
        let wrapped = try file.base64("wrapped", count: 72)
        guard let rootKey = try? XAES256GCM.open(wrapped, key: kek, aad: file.octets(before: "wrapped")) else {
            throw CryptoError(.tampered, "the slot was changed: its key does not unwrap")
        }
        let keys = KeyHierarchy(rootKey: rootKey, archiveID: archiveID)
        guard file.isAuthentic(keys) else { throw CryptoError(.tampered, "the slot was changed: its MAC is wrong") }
        return keys
    }

    private static func kind(_ text: String) throws(CryptoError) -> Kind {
        let words = text.split(separator: " ")
        switch words.first {
        case "keyfile" where words.count == 1: return .keyFile
        case "plain" where words.count == 1: return .plain
        case "scrypt" where words.count == 4:
            guard let logN = Int(words[1]), let r = Int(words[2]), let p = Int(words[3]) else { break }
            let kind = Kind.scrypt(Scrypt.Cost(logN: logN, r: r, p: p))
            guard kind.text == text else { break }
            return kind
        default: break
        }
        throw CryptoError(.malformed, "unknown slot type \(text.prefix(40))")
    }

    private static func wrappingKey(_ kind: Kind, secret: [UInt8], salt: [UInt8]) throws(CryptoError) -> [UInt8] {
        switch kind {
        case .scrypt(let cost): try Scrypt.derive(passphrase: secret, salt: salt, cost: cost)
        case .keyFile:
            HKDF.derive(inputKey: secret, salt: salt, info: Array("mailarc/1/slot/keyfile".utf8), count: 32)
        case .plain: HKDF.derive(inputKey: [], salt: salt, info: Array("mailarc/1/slot/plain".utf8), count: 32)
        }
    }

    private static func checkValue(_ kek: [UInt8]) -> [UInt8] {
        HKDF.expand(kek, info: Array("mailarc/1/slot/check".utf8), count: 16)
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { octet in
            (0x21...0x7E).contains(octet) && octet != UInt8(ascii: "%")
                ? String(UnicodeScalar(octet)) : "%" + [octet].hex
        }.joined()
    }

    private static func percentDecoded(_ text: String) -> String {
        var octets: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%"), rest.count >= 2,
                let value = [UInt8](hex: String(decoding: rest.prefix(2), as: UTF8.self))
            {
                octets += value
                rest = rest.dropFirst(2)
            } else {
                octets.append(octet)
            }
        }
        return String(decoding: octets, as: UTF8.self)
    }
}
