public import MailCore

/// The name of a Maildir file: the base name that never changes, and the info that holds the flags.
///
/// - SeeAlso: https://cr.yp.to/proto/maildir.html
public struct MaildirFileName: Sendable, Hashable {
    /// Everything before the info; the message's identity in its mailbox.
    public var base: [UInt8]
    /// The letters after `2,`.
    public var letters: [UInt8]

    // file = base [":2," letters]; `!` and `;` stand for the colon where it cannot be used
    public init(parsing name: [UInt8]) {
        base = Array(Self.base(of: name[...]))
        letters = Array(name.dropFirst(base.count + 3).prefix { $0 != UInt8(ascii: ",") })
    }

    /// Everything before the info.
    static func base(of name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let mark = name.lastIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "!") || $0 == UInt8(ascii: ";") }
        guard let mark, name[(mark + 1)...].starts(with: [UInt8(ascii: "2"), UInt8(ascii: ",")]) else { return name }
        return name[..<mark]
    }

    public init(base: [UInt8], letters: [UInt8]) { (self.base, self.letters) = (base, letters) }

    public var octets: [UInt8] { base + Array(":2,".utf8) + letters }

    /// The `,S=` hint: octets of the file.
    public var announcedOctetCount: Int? {
        for field in base.split(separator: UInt8(ascii: ",")).dropFirst() where field.starts(with: "S=".utf8) {
            return Int(String(decoding: field.dropFirst(2), as: UTF8.self))
        }
        return nil
    }

    private static let systemFlags: [(UInt8, Flag)] = [
        (UInt8(ascii: "D"), .draft), (UInt8(ascii: "F"), .flagged), (UInt8(ascii: "P"), Flag("$Forwarded")),
        (UInt8(ascii: "R"), .answered), (UInt8(ascii: "S"), .seen), (UInt8(ascii: "T"), .deleted),
    ]

    /// The flags the letters mean; `a` to `z` are `keywords` 0 to 25 (Dovecot).
    public func flags(keywords: [Int: String]) -> FlagSet {
        var flags: [Flag] = []
        for letter in letters {
            if let known = Self.systemFlags.first(where: { $0.0 == letter }) {
                flags.append(known.1)
            } else if letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z"), let name = keywords[Int(letter) - 0x61]
            {
                flags.append(Flag(name))
            }
        }
        return FlagSet(flags)
    }

    /// Whether ``flags(keywords:)`` tells what the letter means.
    static func isKnown(_ letter: UInt8, keywords: [Int: String]) -> Bool {
        systemFlags.contains { $0.0 == letter } || keywords[Int(letter) - 0x61] != nil
    }

    /// The letters of `flags`, ascending, and the keywords that have no letter.
    static func letters(_ flags: FlagSet, keywords: inout [String]) -> [UInt8] {
        var letters: [UInt8] = []
        for flag in flags.flags {
            if let known = systemFlags.first(where: { $0.1 == flag }) {
                letters.append(known.0)
            } else if !flag.isSystemFlag {
                let index = keywords.firstIndex { Flag($0) == flag } ?? keywords.count
                guard index < 26 else { continue }
                if index == keywords.count { keywords.append(flag.name) }
                letters.append(UInt8(0x61 + index))
            }
        }
        return letters.sorted()
    }
}

/// The flags of many files: most have one of a few sets of letters, so each set is read once.
struct FlagsByLetters {
    let keywords: [Int: String]
    private var known: [[UInt8]: FlagSet] = [:]

    init(keywords: [Int: String]) { self.keywords = keywords }

    subscript(name: MaildirFileName) -> FlagSet {
        mutating get {
            if let flags = known[name.letters] { return flags }
            let flags = name.flags(keywords: keywords)
            // LIMIT: letters are others' to choose, and must not fill the memory.
            if known.count < 1_000 { known[name.letters] = flags }
            return flags
        }
    }
}

/// Reads `dovecot-keywords`: lines of a number and a name.
enum DovecotKeywords {
    static func parse(_ octets: [UInt8]) -> [Int: String] {
        var result: [Int: String] = [:]
        for line in octets.split(separator: 0x0A) {
            let fields = line.split(separator: 0x20, maxSplits: 1)
            guard fields.count == 2, let index = Int(String(decoding: fields[0], as: UTF8.self)), index >= 0 else {
                continue
            }
            result[index] = String(decoding: fields[1].filter { $0 != 0x0D }, as: UTF8.self)
        }
        return result
    }
}

/// Reads `dovecot-uidlist`, version 3: a header with V and N, then lines of UID, extensions, `:` and a file name.
struct DovecotUIDList {
    var validity: UIDValidity
    /// Of each file; those that are not in the list have the next ones.
    var uids: [UID] = []
    var next: UInt32

    /// `nil` when `octets` are no such list.
    init?(_ octets: [UInt8], of files: MaildirFiles) {
        var lines = octets.lazy.split(separator: 0x0A).makeIterator()
        guard let header = lines.next() else { return nil }
        let fields = header.split(separator: 0x20)
        guard fields.first.map({ $0.elementsEqual("3".utf8) }) == true else { return nil }
        func number(_ letter: UInt8) -> UInt32? {
            fields.dropFirst().first { $0.first == letter }.flatMap {
                UInt32(String(decoding: $0.dropFirst(), as: UTF8.self))
            }
        }
        guard let value = number(UInt8(ascii: "V")), value != 0 else { return nil }
        validity = UIDValidity(value)
        next = number(UInt8(ascii: "N")) ?? 1
        var values = [UInt32](repeating: 0, count: files.count)
        while let line = lines.next() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                let digits = line.split(separator: 0x20, maxSplits: 1).first,
                let value = UInt32(String(decoding: digits, as: UTF8.self)), value != 0
            else { continue }
            // The list may hold a file name with its info; the base is what counts.
            let base = MaildirFileName.base(of: Array(line[(colon + 1)...])[...])
            for place in files.positions(ofBase: base) { values[place] = value }
            if value >= next { next = value == .max ? .max : value + 1 }
        }
        for place in values.indices where values[place] == 0 {
            values[place] = next
            next = next == .max ? .max : next + 1
        }
        uids = values.map { UID($0) ?? .max }
    }
}
