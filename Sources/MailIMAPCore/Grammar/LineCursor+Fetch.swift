import MailCore

extension LineCursor {
    // msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP …) ")"   ; RFC 9051 §9
    /// The items of a FETCH response in any order, from its `(` to its `)`; `nil` if they do not fit the grammar.
    ///
    /// QUIRK: the list may be empty, and spaces around values may be missing or doubled. Domino puts items into
    /// parentheses of their own; those are passed over.
    mutating func takeFetch(sequenceNumber: UInt32) -> FetchResponse? {
        var response = FetchResponse(sequenceNumber: sequenceNumber)
        skipSpaces()
        guard take(.open) else { return nil }
        while !isAtEnd {
            skipSpaces()
            if take(.close) { return response }
            if peek == .open, takeValue() != nil { continue }
            guard let item = takeItemName(), takeItemValue(item, into: &response) else { return nil }
        }
        return nil
    }

    /// The UID so far and the name of the item whose value begins at `headerOffset`, if it is a body.
    mutating func takeFetchPrefix(upTo headerOffset: Int) -> (sequenceNumber: UInt32, uid: UID?, item: String)? {
        guard take(.star) else { return nil }
        skipSpaces()
        guard let number = takeNumber32() else { return nil }
        skipSpaces()
        guard takeFetchWord() else { return nil }
        skipSpaces()
        guard take(.open) else { return nil }
        var response = FetchResponse(sequenceNumber: number)
        while position < headerOffset {
            skipSpaces()
            guard let item = takeItemName() else { return nil }
            var ahead = self
            ahead.skipSpaces()
            let literalStart = ahead.peek == .tilde ? ahead.position + 1 : ahead.position
            if literalStart == headerOffset {
                return FetchResponse.isBody(item) ? (number, response.uid, item) : nil
            }
            guard takeItemValue(item, into: &response) else { return nil }
        }
        return nil
    }

    /// `FETCH` in any case, also directly before its parenthesis.
    mutating func takeFetchWord() -> Bool {
        let start = position
        if takeWord() == "FETCH" { return true }
        position = start
        return false
    }

    /// `FLAGS`, `BODY[HEADER.FIELDS (DATE)]<0>`, in upper case.
    private mutating func takeItemName() -> String? {
        let start = position
        var depth = 0
        while position < end {
            let octet = octets[position]
            if octet == .openBracket {
                depth += 1
            } else if octet == .closeBracket {
                depth -= 1
            } else if depth <= 0,
                octet == .space || octet == .open || octet == .close || octet == .quote
                    || octet == .openBrace
            {
                break
            }
            position += 1
        }
        return position > start ? upperWord(start..<position) : nil
    }

    private mutating func takeItemValue(_ item: String, into response: inout FetchResponse) -> Bool {
        skipSpaces()
        switch item {
        case "UID":
            guard let value = takeNumber32() else { return false }
            response.uid = UID(value)
            return true
        case "FLAGS":
            if let flags = takeFlags() {
                response.flags = FlagSet(flags)
                return true
            }
            return takeValue() != nil
        case "INTERNALDATE":
            guard let value = takeOptionalString() else { return false }
            response.internalDate = value.map { String(decoding: $0, as: UTF8.self) }
            return true
        case "RFC822.SIZE":
            guard case .atom(let digits)? = takeValue() else { return false }
            response.octetCount = Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 < 0 ? nil : $0 }
            return true
        case "MODSEQ":
            return takeModSeq(into: &response)
        default:
            return takeOtherItem(item, into: &response)
        }
    }

    /// QUIRK: a bare number without parentheses is taken too; a negative one (Zoho) counts as none.
    private mutating func takeModSeq(into response: inout FetchResponse) -> Bool {
        guard var value = takeValue() else { return false }
        if case .list(let values) = value, values.count == 1 { value = values[0] }
        guard case .atom(let digits) = value else { return true }
        response.modSeq = UInt64(String(decoding: digits, as: UTF8.self)).flatMap { ModSeq($0) }
        return true
    }

    private mutating func takeOtherItem(_ item: String, into response: inout FetchResponse) -> Bool {
        guard let value = takeValue() else { return false }
        switch item {
        case "EMAILID", "X-GM-MSGID", "X-GUID":
            response.takeObjectID(item, value)
        case "X-GM-LABELS":
            if case .list(let labels) = value { response.labels = labels.compactMap(\.octets) }
        default:
            if FetchResponse.isBody(item) { response.bodies[item] = value } else { response.others[item] = value }
        }
        return true
    }
}

extension FetchResponse {
    /// Items whose value is message content.
    static func isBody(_ item: String) -> Bool {
        item.hasPrefix("BODY[") || item.hasPrefix("BINARY[") || item == "RFC822" || item == "RFC822.HEADER"
            || item == "RFC822.TEXT"
    }

    /// EMAILID goes before the others (RFC 8474), as it outlives a move.
    fileprivate mutating func takeObjectID(_ item: String, _ value: ResponseValue) {
        var octets = value.octets
        if case .list(let values) = value { octets = values.first?.octets }
        guard let octets, !octets.isEmpty, objectID == nil || item == "EMAILID" else { return }
        objectID = item.lowercased() + ":" + String(decoding: octets, as: UTF8.self)
    }
}
