extension SMTPCommand {
    /// The command that `line` (without CRLF) is.
    ///
    /// Verbs and keywords in any case. A space behind `FROM:` and `TO:` is tolerated, as everybody does; a local part or
    /// domain may be what no RFC allows, as long as its end can be told: an archive does not refuse mail for that.
    /// - Throws: what to answer.
    package init(parsing line: [UInt8]) throws(SMTPSyntaxError) {
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw SMTPSyntaxError("5.5.2", "Control characters are no part of a command", code: 500)
        }
        let verb = line.prefix { $0 != 0x20 && $0 != 0x09 }
        var rest = SMTPCursor(line[verb.endIndex...])
        let name = String(decoding: verb, as: UTF8.self).uppercased()
        if let hello = Hello(rawValue: name) {
            self = .hello(hello, name: try rest.helloName())
            return
        }
        switch name {
        case "MAIL":
            let (path, parameters) = try rest.path(behind: "FROM:", status: "5.1.7")
            self = .mail(path, parameters)
        case "RCPT":
            let (path, parameters) = try rest.path(behind: "TO:", status: "5.1.3")
            guard !path.text.isEmpty else { throw SMTPSyntaxError("5.1.3", "A recipient is needed") }
            self = .recipient(path, parameters)
        case "BDAT": self = try rest.chunk()
        case "DATA": self = try rest.nothingBehind(.data)
        case "RSET": self = try rest.nothingBehind(.reset)
        case "QUIT": self = try rest.nothingBehind(.quit)
        case "STARTTLS": self = try rest.nothingBehind(.startTLS)
        case "NOOP": self = .noop
        case "HELP": self = .help
        case "VRFY": self = .verify
        case "EXPN", "ETRN", "TURN", "SEND", "SOML", "SAML", "AUTH", "XCLIENT", "XFORWARD", "BURL":
            self = .unserved(name)
        default: self = .unknown
        }
    }
}

/// Reads the arguments of a command.
private struct SMTPCursor {
    private var rest: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) { rest = octets }

    private mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

    mutating func nothingBehind(_ command: SMTPCommand) throws(SMTPSyntaxError) -> SMTPCommand {
        skipSpace()
        guard rest.isEmpty else { throw SMTPSyntaxError("5.5.4", "The command takes no arguments") }
        return command
    }

    /// LIMIT: 255 octets, a domain's (RFC 5321 §4.5.3.1.2); it is kept as the client's own claim.
    mutating func helloName() throws(SMTPSyntaxError) -> String {
        skipSpace()
        let name = rest.prefix { $0 != 0x20 && $0 != 0x09 }
        guard (1...255).contains(name.count), let text = String(validating: name, as: UTF8.self) else {
            throw SMTPSyntaxError("5.5.4", "Say who you are")
        }
        return text
    }

    // bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]   ; RFC 3030 §2
    mutating func chunk() throws(SMTPSyntaxError) -> SMTPCommand {
        let words = rest.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map { String(decoding: $0, as: UTF8.self) }
        let isLast = words.count == 2 && words[1].uppercased() == "LAST"
        guard words.count == 1 || isLast, let size = words.first, size.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            size.utf8.count <= 15, let count = Int(size)
        else { throw SMTPSyntaxError("5.5.4", "BDAT takes a number of octets and LAST") }
        return .chunk(octetCount: count, isLast: isLast)
    }

    // Reverse-path = Path / "<>" ; Path = "<" [ A-d-l ":" ] Mailbox ">"   ; RFC 5321 §4.1.2
    mutating func path(
        behind prefix: String, status: String
    ) throws(SMTPSyntaxError) -> (SMTPPath, [SMTPParameter]) {
        skipSpace()
        let word = Array(prefix.utf8)
        guard rest.count > word.count, String(decoding: rest.prefix(word.count), as: UTF8.self).uppercased() == prefix
        else { throw SMTPSyntaxError("5.5.4", "\(prefix)<address> is needed") }
        rest = rest.dropFirst(word.count)
        skipSpace()
        guard rest.first == UInt8(ascii: "<"), let end = Self.pathEnd(rest) else {
            throw SMTPSyntaxError(status, "The address is not between angle brackets")
        }
        var inner = rest[(rest.startIndex + 1)..<end]
        rest = rest[(end + 1)...]
        if inner.first == UInt8(ascii: "@"), let colon = inner.firstIndex(of: UInt8(ascii: ":")) {
            inner = inner[(colon + 1)...]
        }
        guard let text = String(validating: inner, as: UTF8.self) else {
            throw SMTPSyntaxError(status, "The address is no UTF-8")
        }
        return (SMTPPath(text), try parameters())
    }

    /// Where the `>` is that is not in a quoted string; nothing behind a space or `<` outside of one.
    private static func pathEnd(_ octets: ArraySlice<UInt8>) -> Int? {
        var isQuoted = false
        var index = octets.startIndex + 1
        while index < octets.endIndex {
            let octet = octets[index]
            switch octet {
            case UInt8(ascii: "\\") where isQuoted: index += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ">") where !isQuoted: return index
            case UInt8(ascii: "<") where !isQuoted, 0x20 where !isQuoted, 0x09: return nil
            default: break
            }
            index += 1
        }
        return nil
    }

    private mutating func parameters() throws(SMTPSyntaxError) -> [SMTPParameter] {
        guard rest.isEmpty || rest.first == 0x20 else { throw SMTPSyntaxError("5.5.4", "A space is needed behind >") }
        var result: [SMTPParameter] = []
        for word in rest.split(separator: 0x20) {
            let halves = word.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let keyword = String(decoding: halves[0], as: UTF8.self).uppercased()
            guard !keyword.isEmpty, keyword.utf8.allSatisfy(Self.isKeyword) else {
                throw SMTPSyntaxError("5.5.4", "A parameter is malformed")
            }
            result.append(
                SMTPParameter(keyword, halves.count == 2 ? String(decoding: halves[1], as: UTF8.self) : nil))
        }
        return result
    }

    private static func isKeyword(_ octet: UInt8) -> Bool {
        (0x41...0x5A).contains(octet) || (0x30...0x39).contains(octet) || octet == UInt8(ascii: "-")
    }
}
