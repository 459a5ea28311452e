public import MailCore

/// One way to the archive root key: a text file under `keys/` (ArchiveFormat.md §5).
public struct KeySlot: Sendable {
    /// How the slot opens.
    public enum Kind: Sendable, Hashable {
        case scrypt(Scrypt.Cost)
        case keyFile
        /// Protects nothing.
        case plain
        /// Opens with the private key of the recipient, wherever that is.
        case x25519(X25519Recipient)
        /// Of a later version: kept, listed, passed over when opening.
        case unknown(type: String)

        var text: String {
            switch self {
            case .scrypt(let cost): "scrypt \(cost.logN) \(cost.r) \(cost.p)"
            case .keyFile: "keyfile"
            case .plain: "plain"
            case .x25519(let recipient): "x25519 \(Base64.encode(recipient.octets))"
            case .unknown(let type): type
            }
        }

        /// `scrypt`, `keyfile`, `plain`, `x25519`, `unknown`.
        public var name: String {
            if case .unknown = self { return "unknown" }
            return String(text.prefix { $0 != " " })
        }

        public var isKnown: Bool { name != "unknown" }
    }

    public let kind: Kind
    public let label: String
    /// RFC 3339.
    public let created: String
    /// Empty for a slot of unknown type.
    private let file: TextFile

    /// The file as it stands on disk.
    public let octets: [UInt8]
    /// Names the file: SHA-256 of its octets, hex.
    public var id: String { SHA256.hash(octets).hex }

    /// Wraps the root key of `keys` under `secret`: a passphrase, a key file's octets, nothing for `.plain` and `.x25519`.
    public init(
        wrapping keys: KeyHierarchy, kind: Kind, secret: [UInt8], label: String, created: String,
        random: RandomSource = .system
    ) throws(CryptoError) {
        var file = TextFile(type: Self.type)
        let salt = random.octets(32)
        file.append("archive", keys.archiveID.description)
        file.append("type", kind.text)
        file.append("salt", Base64.encode(salt))
        var kek: [UInt8]
        if case .x25519(let recipient) = kind {
            let ephemeral = random.octets(32)
            let publicKey = try X25519.publicKey(privateKey: ephemeral)
            file.append("eph", Base64.encode(publicKey))
            let shared = try X25519.sharedSecret(privateKey: ephemeral, publicKey: recipient.octets)
            kek = try Self.wrappingKey(sharedSecret: shared, ephemeral: publicKey, recipient: recipient)
        } else {
            kek = try Self.wrappingKey(kind, secret: secret, salt: salt)
        }
        defer { kek.wipe() }
        file.append("label", Self.percentEncoded(label))
        file.append("created", created)
        file.append("check", Base64.encode(Self.checkValue(kek)))
        let wrapped = try XAES256GCM.seal(keys.rootKey, key: kek, aad: file.octets, random: random)
        file.append("wrapped", Base64.encode(wrapped))
        file.sign(keys)
        (self.file, self.kind, self.label, self.created, octets) = (file, kind, label, created, file.octets)
    }

    /// Reads a slot file; nothing of it is trusted before ``open(secret:archiveID:)``.
    ///
    /// A type this version does not know is no error: the slot's kind is then `.unknown`.
    public init(parsing octets: [UInt8]) throws(CryptoError) {
        self.octets = octets
        if let (type, label, created) = Self.unknown(octets) {
            (kind, self.label, self.created, file) = (.unknown(type: type), label, created, TextFile(type: type))
            return
        }
        file = try TextFile(parsing: octets, type: Self.type)
        kind = try Self.kind(try file.value("type"))
        label = Self.percentDecoded(try file.value("label"))
        created = try file.value("created")
        if case .x25519 = kind {
            _ = try file.base64("eph", count: 32)
        } else if file.fields.contains(where: { $0.key == "eph" }) {
            throw CryptoError(.malformed, "a slot of type \(kind.name) has no line eph")
        }
    }

    /// The keys this slot leads to.
    ///
    /// - Parameter secret: the passphrase, the key file's octets, the X25519 private key (32 octets), or nothing.
    /// - Throws: `.wrongSecret` for another passphrase, key file or identity; `.tampered` if the slot was changed.
    public func open(secret: [UInt8], archiveID: RandomID) throws(CryptoError) -> KeyHierarchy {
        if case .x25519(let recipient) = kind {
            guard try X25519.publicKey(privateKey: secret) == recipient.octets else {
                throw CryptoError(.wrongSecret, "another identity than the slot's")
            }
            let ephemeral = try file.base64("eph", count: 32)
            let shared = try X25519.sharedSecret(privateKey: secret, publicKey: ephemeral)
            return try open(sharedSecret: shared, archiveID: archiveID)
        }
        try expect(archiveID)
        let kek = try Self.wrappingKey(kind, secret: secret, salt: try file.base64("salt", count: 32))
        return try open(wrappingKey: kek, archiveID: archiveID)
    }

    /// What a key agreement elsewhere needs to know; `nil` for other kinds than `.x25519`.
    public func agreementRequest(archiveID: RandomID) throws(CryptoError) -> AgreementRequest? {
        guard case .x25519(let recipient) = kind else { return nil }
        return AgreementRequest(
            archiveID: archiveID, recipient: recipient, ephemeral: try file.base64("eph", count: 32), label: label)
    }

    /// The keys a slot of kind `.x25519` leads to, by X25519(identity, eph), 32 octets, computed elsewhere.
    ///
    /// - Throws: as ``open(secret:archiveID:)``; all zero octets are `.wrongSecret`.
    public func open(sharedSecret: [UInt8], archiveID: RandomID) throws(CryptoError) -> KeyHierarchy {
        guard case .x25519(let recipient) = kind else {
            throw CryptoError(.wrongSecret, "a slot of type \(kind.name) opens by no key agreement")
        }
        try expect(archiveID)
        let kek = try Self.wrappingKey(
            sharedSecret: sharedSecret, ephemeral: try file.base64("eph", count: 32), recipient: recipient)
        return try open(wrappingKey: kek, archiveID: archiveID)
    }

    private func expect(_ archiveID: RandomID) throws(CryptoError) {
        guard try file.hex("archive", count: 16) == archiveID.octets else {
            throw CryptoError(.tampered, "the slot belongs to another archive")
        }
    }

    private func open(wrappingKey: [UInt8], archiveID: RandomID) throws(CryptoError) -> KeyHierarchy {
        var kek = wrappingKey
        defer { kek.wipe() }
        guard equalInConstantTime(try file.base64("check", count: 16), Self.checkValue(kek)) else {
            throw CryptoError(.wrongSecret, "wrong passphrase, key file or identity")
        }
        let wrapped = try file.base64("wrapped", count: 72)
        guard var rootKey = try? XAES256GCM.open(wrapped, key: kek, aad: file.octets(before: "wrapped")) else {
            throw CryptoError(.tampered, "the slot was changed: its key does not unwrap")
        }
        defer { rootKey.wipe() }
        let keys = KeyHierarchy(rootKey: rootKey, archiveID: archiveID)
        guard file.isAuthentic(keys) else { throw CryptoError(.tampered, "the slot was changed: its MAC is wrong") }
        return keys
    }
}

extension KeySlot {
    private static let type = "mailarc-slot/1"

    private static func kind(_ text: String) throws(CryptoError) -> Kind {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        switch words.first {
        case "keyfile" where words.count == 1: return .keyFile
        case "plain" where words.count == 1: return .plain
        case "scrypt" where words.count == 4:
            guard let logN = Int(words[1]), let r = Int(words[2]), let p = Int(words[3]) else { break }
            let kind = Kind.scrypt(Scrypt.Cost(logN: logN, r: r, p: p))
            guard kind.text == text else { break }
            return kind
        case "x25519" where words.count == 2:
            guard let recipient = Base64.decode(String(words[1])).flatMap({ X25519Recipient(octets: $0) }) else {
                break
            }
            return .x25519(recipient)
        default: break
        }
        throw CryptoError(.malformed, "the slot type \(text.prefix(40)) is malformed")
    }

    /// Type, label and creation time of a slot of a later version; `nil` for one of a known type, and for no slot at all.
    private static func unknown(_ octets: [UInt8]) -> (type: String, label: String, created: String)? {
        guard octets.count <= 65_536, let text = String(validating: octets, as: UTF8.self), text.hasSuffix("\n"),
            text.hasPrefix("mailarc-slot/")
        else { return nil }
        let lines = text.split(separator: "\n")
        func value(_ key: String) -> String? {
            lines.first { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.utf8.count + 1)) }
        }
        let isLater = lines.first.map { $0 != type } ?? false
        guard let name = value("type"), isLater || !["scrypt", "keyfile", "plain", "x25519"].contains(Self.word(name))
        else { return nil }
        return (String(name.prefix(200)), percentDecoded(value("label") ?? ""), value("created") ?? "")
    }

    private static func word(_ text: String) -> String { String(text.prefix { $0 != " " }) }

    private static func wrappingKey(_ kind: Kind, secret: [UInt8], salt: [UInt8]) throws(CryptoError) -> [UInt8] {
        switch kind {
        case .scrypt(let cost): return try Scrypt.derive(passphrase: secret, salt: salt, cost: cost)
        case .keyFile:
            return HKDF.derive(inputKey: secret, salt: salt, info: Array("mailarc/1/slot/keyfile".utf8), count: 32)
        case .plain: return HKDF.derive(inputKey: [], salt: salt, info: Array("mailarc/1/slot/plain".utf8), count: 32)
        case .x25519, .unknown: throw CryptoError(.wrongSecret, "a slot of type \(kind.name) opens in another way")
        }
    }

    private static func wrappingKey(
        sharedSecret: [UInt8], ephemeral: [UInt8], recipient: X25519Recipient
    ) throws(CryptoError) -> [UInt8] {
        // A low-order ephemeral key would give everybody the same secret.
        guard sharedSecret.count == 32, sharedSecret.contains(where: { $0 != 0 }) else {
            throw CryptoError(.wrongSecret, "an X25519 shared secret has 32 octets that are not all zero")
        }
        return HKDF.derive(
            inputKey: sharedSecret, salt: ephemeral + recipient.octets, info: Array("mailarc/1/slot/x25519".utf8),
            count: 32)
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
