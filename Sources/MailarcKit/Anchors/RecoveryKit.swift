import ArchiveCrypto
import MailCore

/// The erasure secret on paper: with a passphrase and the folder it opens an archive whose anchors are all lost.
///
/// It is worth something until the next epoch change (an erasure, another anchor) and says so.
public struct RecoveryKit: Sendable {
    let secret: ErasureSecret

    init(_ secret: ErasureSecret) { self.secret = secret }

    /// 32 characters without i, l, o, u (Crockford's base 32), five bits each.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let prefix = "mailarc-kit-1"
    private static let lineCount = 4
    private static let lineLength = 13

    /// Reads a kit: its text as printed, or the line of its QR code. Case, spaces and dashes do not count.
    ///
    /// - Throws: `.usage` naming the line with the slip.
    public init(parsing octets: [UInt8]) throws(KitError) {
        let text = String(decoding: octets, as: UTF8.self).lowercased()
        var fields: [String: String] = [:]
        if let code = text.split(whereSeparator: \.isWhitespace).first(where: { $0.hasPrefix(Self.prefix + ":") }) {
            let words = code.split(separator: ":")
            guard words.count == 4 + Self.lineCount - 1 else { throw Self.failure("the code is cut off") }
            (fields["archive"], fields["epoch"]) = (String(words[1]), String(words[2]))
            for (index, line) in words[3...].enumerated() { fields["line \(index + 1)"] = String(line) }
        } else {
            for line in text.split(whereSeparator: \.isNewline) {
                let halves = line.split(separator: ":", maxSplits: 1)
                guard halves.count == 2 else { continue }
                fields[String(halves[0]).trimmed] = String(halves[1]).trimmed
            }
        }
        guard let archive = fields["archive"], let id = RandomID(hex: archive.filter { $0 != " " }),
            let epoch = fields["epoch"].flatMap({ UInt32($0) })
        else { throw Self.failure("it names no archive and epoch") }
        var digits: [UInt8] = []
        for number in 1...Self.lineCount {
            let line = (fields["line \(number)"] ?? "").utf8.compactMap(Self.digit)
            guard line.count == Self.lineLength + 2,
                Self.check(number, Array(line.prefix(Self.lineLength)), id, epoch) == Array(line.suffix(2))
            else { throw Self.failure("line \(number) has a slip") }
            digits += line.prefix(Self.lineLength)
        }
        self.init(ErasureSecret(epoch: epoch, secret: Self.octets(digits), archive: id.description))
    }

    private static func failure(_ message: String) -> KitError {
        KitError(.usage, "the recovery kit cannot be read: \(message)", hint: "compare it with the print")
    }

    /// The four lines of 13 characters and two check characters.
    private var lines: [String] {
        guard let id = RandomID(hex: secret.archive) else { return [] }
        let digits = Self.digits(secret.secret)
        return (0..<Self.lineCount).map { index in
            let line = Array(digits[index * Self.lineLength..<(index + 1) * Self.lineLength])
            let all = line + Self.check(index + 1, line, id, secret.epoch)
            return String(decoding: all.map { Self.alphabet[Int($0)] }, as: UTF8.self)
        }
    }

    /// What the QR code says.
    public var code: String {
        ([Self.prefix, secret.archive, String(secret.epoch)] + lines).joined(separator: ":").uppercased()
    }

    /// The kit as it is printed.
    public func text(made: String) -> String {
        let body = lines.enumerated().map { index, line in
            let groups = stride(from: 0, to: line.count, by: 5).map { start in
                String(line.dropFirst(start).prefix(5))
            }
            return "line \(index + 1):  " + groups.joined(separator: " ")
        }
        return """
            RECOVERY KIT of a mailarc archive

            archive: \(secret.archive)
            epoch:   \(secret.epoch)
            made:    \(made)

            \(body.joined(separator: "\n"))

            Opens the archive together with its folder and one of its passphrases or keys when no
            anchor can be reached: mailarc … --recovery-kit FILE (this text, typed or scanned).
            VALID ONLY UNTIL THE NEXT ERASURE, or change of anchors; from then on it opens nothing:
            print a new one then, and destroy this one. By itself it opens nothing either.

            """
    }

    // 32 octets are 256 bits: 52 digits of 5 bits with 4 bits of padding, which are 0.
    private static func digits(_ octets: [UInt8]) -> [UInt8] {
        var digits: [UInt8] = []
        var (bits, count): (UInt32, Int) = (0, 0)
        for octet in octets {
            bits = bits << 8 | UInt32(octet)
            count += 8
            while count >= 5 {
                count -= 5
                digits.append(UInt8(bits >> UInt32(count) & 31))
            }
        }
        digits.append(UInt8(bits << UInt32(5 - count) & 31))
        return digits
    }

    private static func octets(_ digits: [UInt8]) -> [UInt8] {
        var octets: [UInt8] = []
        var (bits, count): (UInt32, Int) = (0, 0)
        for digit in digits {
            bits = bits << 5 | UInt32(digit)
            count += 5
            if count >= 8 {
                count -= 8
                octets.append(UInt8(bits >> UInt32(count) & 255))
            }
        }
        return Array(octets.prefix(32))
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        let meant: UInt8 =
            switch character {
            case UInt8(ascii: "o"): UInt8(ascii: "0")
            case UInt8(ascii: "i"), UInt8(ascii: "l"): UInt8(ascii: "1")
            default: character
            }
        return alphabet.firstIndex(of: meant).map { UInt8($0) }
    }

    /// Two digits that a slip in the line, or a line of another kit, would change.
    private static func check(_ number: Int, _ line: [UInt8], _ archive: RandomID, _ epoch: UInt32) -> [UInt8] {
        let octets = Array("mailarc kit \(archive) \(epoch) \(number) ".utf8) + line
        return SHA256.hash(octets).prefix(2).map { $0 & 31 }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
