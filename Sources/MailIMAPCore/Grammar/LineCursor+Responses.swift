import MailCore

extension Response {
    /// The response that one line spells; total: what fits no grammar is `.raw`.
    init(parsing cursor: LineCursor) {
        var line = cursor
        self = Self.untaggedOrTagged(&line) ?? .raw(Array(cursor.octets[0..<cursor.end]))
    }

    private static func untaggedOrTagged(_ line: inout LineCursor) -> Response? {
        if line.take(.plus) {
            line.skipSpaces()
            return .continuation(Array(line.octets[line.position..<line.end]))
        }
        if line.take(.star) {
            line.skipSpaces()
            return untagged(&line)
        }
        guard let tag = line.takeAtom() else { return nil }
        line.skipSpaces()
        guard let word = line.takeWord(), let condition = Condition(rawValue: word) else { return nil }
        return .tagged(
            tag: String(decoding: line.octets[tag], as: UTF8.self), line.takeStatus(condition))
    }

    private static func untagged(_ line: inout LineCursor) -> Response? {
        if let number = line.takeNumber32() {
            line.skipSpaces()
            return numbered(number, &line)
        }
        guard let word = line.takeWord() else { return nil }
        if let condition = Condition(rawValue: word) { return .status(line.takeStatus(condition)) }
        line.skipSpaces()
        switch word {
        case "CAPABILITY": return .capability(CapabilitySet(&line))
        case "ENABLED": return .enabled(CapabilitySet(&line).names.sorted())
        case "LIST", "XLIST": return line.takeListEntry().map { .list($0) }
        case "LSUB": return line.takeListEntry().map { .lsub($0) }
        case "STATUS": return line.takeMailboxStatus().map { .mailboxStatus($0) }
        case "SEARCH", "SORT": return line.takeSearch()
        case "ESEARCH": return .extendedSearch(line.takeExtendedSearch())
        case "FLAGS": return line.takeFlags().map { .flags($0) }
        case "VANISHED": return line.takeVanished()
        case "NAMESPACE": return line.takeNamespaces().map { .namespace($0) }
        case "ID": return .id(line.takeID())
        default: return nil
        }
    }

    private static func numbered(_ number: UInt32, _ line: inout LineCursor) -> Response? {
        switch line.takeWord() {
        case "FETCH": return line.takeFetch(sequenceNumber: number).map { .fetch($0) }
        case "EXISTS": return .exists(number)
        case "EXPUNGE": return .expunge(number)
        case "RECENT": return .recent(number)
        default: return nil
        }
    }
}

extension LineCursor {
    // resp-text = ["[" resp-text-code "]" SP] text
    mutating func takeStatus(_ condition: Condition) -> StatusResponse {
        skipSpaces()
        var code: ResponseCode?
        if peek == .openBracket, let close = codeEnd() {
            var inner = LineCursor(octets, end: close)
            inner.position = position + 1
            code = ResponseCode(&inner)
            position = close + 1
            skipSpaces()
        }
        let text = String(decoding: octets[Swift.min(position, end)..<end], as: UTF8.self)
        return StatusResponse(condition, code: code, text: text)
    }

    /// The `]` of the code that begins here: the first one outside parentheses and quotes, else the first at all.
    private func codeEnd() -> Int? {
        var depth = 0
        var isQuoted = false
        for index in (position + 1)..<Swift.max(position + 1, end) {
            switch octets[index] {
            case .quote: isQuoted.toggle()
            case .open where !isQuoted: depth += 1
            case .close where !isQuoted: depth -= 1
            case .closeBracket where !isQuoted && depth <= 0: return index
            default: break
            }
        }
        return octets[position..<end].firstIndex(of: .closeBracket)
    }

    // mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
    mutating func takeListEntry() -> ListEntry? {
        guard let flags = takeFlags() else { return nil }
        skipSpaces()
        guard let delimiter = takeOptionalString() else { return nil }
        skipSpaces()
        guard let name = takeMailboxName() else { return nil }
        skipSpaces()
        let extended = peek == .open ? takePairs() ?? [:] : [:]
        return ListEntry(
            attributes: Set(flags.map { $0.name.lowercased() }), delimiter: delimiter?.first, name: name,
            extended: extended)
    }

    /// QUIRK: an unquoted name may hold spaces and brackets; then it is the rest of the line.
    private mutating func takeMailboxName() -> [UInt8]? {
        if peek == .quote || peek == .openBrace { return takeString() }
        let start = position
        guard takeAtom() != nil else { return nil }
        var ahead = self
        ahead.skipSpaces()
        if ahead.isAtEnd || (ahead.position > position && ahead.peek == .open) {
            return Array(octets[start..<position])
        }
        position = end
        var last = end
        while last > start, octets[last - 1] == .space { last -= 1 }
        return Array(octets[start..<last])
    }

    // mailbox-data = "STATUS" SP mailbox SP "(" [status-att-list] ")"
    mutating func takeMailboxStatus() -> MailboxStatusResponse? {
        let name: [UInt8]
        if peek == .quote || peek == .openBrace {
            guard let string = takeString() else { return nil }
            name = string
        } else {
            // QUIRK: an unquoted name with spaces: the items are the last list of the line.
            guard let open = octets[position..<end].lastIndex(of: .open), open > position else { return nil }
            var last = open
            while last > position, octets[last - 1] == .space { last -= 1 }
            name = Array(octets[position..<last])
            position = open
        }
        skipSpaces()
        guard let items = takePairs() else { return nil }
        var status = MailboxStatusResponse(name: name)
        for (item, value) in items { status.take(item, value) }
        return status
    }

    // mailbox-data = "SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]
    mutating func takeSearch() -> Response? {
        var numbers: [UInt32] = []
        while let number = takeNumber32() {
            numbers.append(number)
            skipSpaces()
        }
        if take(.open), takeWord() == "MODSEQ" {
            skipSpaces()
            return .search(numbers, modSeq: takeNumber().flatMap { ModSeq($0) })
        }
        return isAtEnd ? .search(numbers, modSeq: nil) : nil
    }

    // esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
    mutating func takeExtendedSearch() -> ExtendedSearch {
        var result = ExtendedSearch()
        if peek == .open, let correlator = takePairs() {
            result.tag = correlator["TAG"]?.octets.map { String(decoding: $0, as: UTF8.self) }
        }
        skipSpaces()
        while let word = takeWord() {
            skipSpaces()
            switch word {
            case "UID": result.isUID = true
            case "MIN": result.min = takeNumber32()
            case "MAX": result.max = takeNumber32()
            case "COUNT": result.count = takeNumber32()
            case "ALL": result.all = takeUIDSet()
            case "MODSEQ": result.modSeq = takeNumber().flatMap { ModSeq($0) }
            default: _ = takeValue()
            }
            skipSpaces()
        }
        return result
    }

    // expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids
    mutating func takeVanished() -> Response? {
        var isEarlier = false
        if peek == .open {
            guard case .list(let words)? = takeValue() else { return nil }
            isEarlier = words.contains { word in
                word.octets.map { String(decoding: $0, as: UTF8.self).uppercased() } == "EARLIER"
            }
        }
        skipSpaces()
        return takeUIDSet().map { .vanished($0, isEarlier: isEarlier) }
    }

    mutating func takeNamespaces() -> Namespaces? {
        var lists: [[Namespaces.Namespace]] = []
        while lists.count < 3 {
            skipSpaces()
            guard let value = takeValue() else { break }
            guard case .list(let entries) = value else {
                lists.append([])
                continue
            }
            lists.append(
                entries.compactMap { entry in
                    guard case .list(let fields) = entry, let prefix = fields.first?.octets else { return nil }
                    return Namespaces.Namespace(
                        prefix: prefix, delimiter: fields.count > 1 ? fields[1].octets?.first : nil)
                })
        }
        guard let personal = lists.first else { return nil }
        return Namespaces(
            personal: personal, otherUsers: lists.count > 1 ? lists[1] : [], shared: lists.count > 2 ? lists[2] : [])
    }

    mutating func takeID() -> [String: String] {
        guard let pairs = takePairs() else { return [:] }
        var result: [String: String] = [:]
        for (key, value) in pairs {
            if let octets = value.octets { result[key.lowercased()] = String(decoding: octets, as: UTF8.self) }
        }
        return result
    }
}

extension MailboxStatusResponse {
    fileprivate mutating func take(_ item: String, _ value: ResponseValue) {
        if item == "MAILBOXID" {
            var id = value.octets
            if case .list(let values) = value { id = values.first?.octets }
            mailboxID = id.map { String(decoding: $0, as: UTF8.self) }
            return
        }
        guard let digits = value.octets, let number = UInt64(String(decoding: digits, as: UTF8.self)) else { return }
        switch item {
        case "MESSAGES": messages = UInt32(exactly: number)
        case "UIDNEXT": uidNext = UInt32(exactly: number)
        case "UIDVALIDITY": uidValidity = UInt32(exactly: number)
        case "UNSEEN": unseen = UInt32(exactly: number)
        case "RECENT": recent = UInt32(exactly: number)
        case "SIZE": size = number
        case "HIGHESTMODSEQ": highestModSeq = number
        case "APPENDLIMIT": appendLimit = number
        default: break
        }
    }
}
