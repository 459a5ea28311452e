import MailCore

/// The archive's small text files: `key value` lines, LF (ArchiveFormat.md §3).
public struct TextFile: Sendable {
    // LIMIT: ArchiveFormat.md §13.
    static let maxOctets = 65_536

    /// The lines of each type, in their order; those marked `?` may be absent, those marked `*` stand any number of times.
    private static let layouts = [
        "mailarc-archive/1": [
            "archive", "origin", "created", "suite", "required", "optional", "log-key", "writer", "mac",
        ],
        "mailarc-writer/1": ["archive", "writer", "key", "mac"],
        "mailarc-slot/1": ["archive", "type", "salt", "eph?", "label", "created", "check", "wrapped", "mac"],
        "mailarc-erasure/1": ["archive", "epoch", "secret"],
        "mailarc-vault/1": ["epoch", "rev", "root"],
        "mailarc-gone/1": [
            "archive", "writer", "object", "pack", "sequence", "previous", "by", "leaf", "signer", "signature",
        ],
        "mailarc-anchors/1": ["archive", "change?", "anchor*", "joining*", "leaving*", "outstanding*", "mac"],
        "mailarc-log-keys/1": ["archive", "former*", "mac"],
        "mailarc-host/1": [
            "archive", "writer", "name", "created", "key", "sequence", "digest", "prekey*", "mac",
        ],
        "mailarc-credential/1": ["archive", "writer", "name", "seed", "prekey*"],
        "mailarc-outbox/1": ["archive", "writer", "sequence", "prekey", "digest"],
    ]

    /// The first line, `mailarc-slot/1`.
    public let type: String
    /// In order; a value may be empty.
    public private(set) var fields: [(key: String, value: String)] = []

    /// A file without lines yet.
    public init(type: String) { self.type = type }

    /// Reads `octets`; refuses another type, and any line that is not the one the type has at that place.
    public init(parsing octets: [UInt8], type: String) throws(CryptoError) {
        guard octets.count <= Self.maxOctets, octets.last == UInt8(ascii: "\n"),
            let text = String(validating: octets, as: UTF8.self)
        else { throw CryptoError(.malformed, "not a text file of an archive") }
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first == type else {
            throw CryptoError(.malformed, "expected \(type), found \(lines.first?.prefix(40) ?? "nothing")")
        }
        self.type = type
        for line in lines.dropFirst() {
            let halves = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else {
                throw CryptoError(.malformed, "a line of the \(type) file is not \"key value\"")
            }
            fields.append((String(halves[0]), String(halves[1])))
        }
        guard Self.isInOrder(fields.map(\.key), type) else {
            throw CryptoError(.malformed, "the \(type) file has other lines, or another order, than it must")
        }
    }

    private static func isInOrder(_ keys: [String], _ type: String) -> Bool {
        guard let layout = layouts[type] else { return false }
        var rest = keys[...]
        for line in layout {
            switch line.last {
            case "?": if rest.first == String(line.dropLast()) { rest.removeFirst() }
            case "*": rest = rest.drop { $0 == String(line.dropLast()) }
            default: guard rest.popFirst() == line else { return false }
            }
        }
        return rest.isEmpty
    }

    public mutating func append(_ key: String, _ value: String) { fields.append((key, value)) }

    /// The values of all fields `key`, in order.
    public func values(_ key: String) -> [String] { fields.filter { $0.key == key }.map(\.value) }

    /// The value of the first field `key`.
    public func value(_ key: String) throws(CryptoError) -> String {
        guard let field = fields.first(where: { $0.key == key }) else {
            throw CryptoError(.malformed, "the \(type) file lacks the line \(key)")
        }
        return field.value
    }

    /// The decoded value of `key`, `count` octets.
    public func base64(_ key: String, count: Int) throws(CryptoError) -> [UInt8] {
        guard let octets = Base64.decode(try value(key)), octets.count == count else {
            throw CryptoError(.malformed, "the line \(key) of the \(type) file is not base64 of \(count) octets")
        }
        return octets
    }

    /// The decoded value of `key`, `count` octets.
    public func hex(_ key: String, count: Int) throws(CryptoError) -> [UInt8] {
        let text = try value(key)
        guard let octets = [UInt8](hex: text), octets.count == count, octets.hex == text else {
            throw CryptoError(.malformed, "the line \(key) of the \(type) file is not hexadecimal of \(count) octets")
        }
        return octets
    }

    /// The value of `key`, decimal without leading zeros or sign.
    public func number(_ key: String) throws(CryptoError) -> UInt32 {
        let text = try value(key)
        guard let number = UInt32(text), String(number) == text else {
            throw CryptoError(.malformed, "the line \(key) of the \(type) file is not a number")
        }
        return number
    }

    /// The file as it stands on disk.
    public var octets: [UInt8] { Array((([type] + fields.map(Self.line)).joined(separator: "\n") + "\n").utf8) }

    /// What the line `key` authenticates: every octet before it.
    public func octets(before key: String) -> [UInt8] {
        let head = fields.prefix { $0.key != key }
        return Array((([type] + head.map(Self.line)).joined(separator: "\n") + "\n").utf8)
    }

    /// Appends the `mac` line.
    public mutating func sign(_ keys: KeyHierarchy) {
        append("mac", Base64.encode(HMAC.sha256(key: keys.slot, octets)))
    }

    /// Whether the `mac` line is the right one and the last.
    public func isAuthentic(_ keys: KeyHierarchy) -> Bool {
        guard fields.last?.key == "mac", let mac = Base64.decode(fields.last?.value ?? "") else { return false }
        return equalInConstantTime(mac, HMAC.sha256(key: keys.slot, octets(before: "mac")))
    }

    private static func line(_ field: (key: String, value: String)) -> String { "\(field.key) \(field.value)" }
}

/// Base64 with padding, for keys and signatures in text files.
///
/// - SeeAlso: RFC 4648 §4
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ octets: [UInt8]) -> String {
        var result: [UInt8] = []
        for start in stride(from: 0, to: octets.count, by: 3) {
            let group = octets[start..<min(start + 3, octets.count)]
            let bits = group.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
            for digit in 0..<4 {
                let isUsed = digit <= group.count
                result.append(isUsed ? alphabet[Int(bits >> UInt32(18 - 6 * digit) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// `nil` for anything but the canonical encoding of some octets.
    public static func decode(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count % 4 == 0 { result += [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)] }
        }
        switch count % 4 {
        case 2: result.append(UInt8(bits >> 4 & 0xFF))
        case 3: result += [UInt8(bits >> 10 & 0xFF), UInt8(bits >> 2 & 0xFF)]
        default: break
        }
        return encode(result) == text ? result : nil
    }
}
