import Foundation

/// CREATE and APPEND.
extension ScriptedIMAPSession {
    /// One message of an APPEND.
    private struct Item {
        var flags: [String] = []
        var internalDate = "23-Nov-2026 00:00:00 +0000"
        var octets: [UInt8] = []
        var isBinary = false
    }

    func permanentFlags(_ arguments: [ScriptedArgument], _ model: Model) -> String {
        arguments[1].word?.uppercased() == "SELECT" ? model.permanentFlags : ""
    }

    func create(_ arguments: [ScriptedArgument], _ model: Model) throws {
        guard arguments.count > 2, let name = arguments[2].word else { return try complete("BAD no name") }
        guard !model.mailboxes.contains(where: { $0.name == name }) else { return try complete("NO it is there") }
        if let text = model.quirks.createRefusal { return try complete(text) }
        if let prefix = model.quirks.createPrefix, !name.hasPrefix(prefix) {
            return try complete("NO Invalid mailbox name: should probably be prefixed with: \(prefix)")
        }
        var mailbox = Mailbox(name, uidValidity: 9)
        mailbox.delimiter = model.mailboxes.first?.delimiter
        if let use = arguments.dropFirst(3).first?.list?.last?.list?.first?.word {
            guard model.has("CREATE-SPECIAL-USE") else { return try complete("BAD no uses") }
            mailbox.attributes = [use]
        }
        server.update { $0.mailboxes.append(mailbox) }
        try complete("OK done")
    }

    func append(_ arguments: [ScriptedArgument], _ model: Model) throws {
        guard arguments.count > 3, let name = arguments[2].word else { return try complete("BAD no mailbox") }
        guard let place = mailbox(arguments[2], model)?.name else {
            return try complete("NO [TRYCREATE] no such mailbox")
        }
        let items = Self.items(raw, behind: name)
        guard !items.isEmpty, items.count == 1 || model.has("MULTIAPPEND") else { return try complete("BAD too many") }
        let refused = items.lazy.compactMap { self.refusal(of: $0.flags, in: place, model) }.first
        if let text = refused ?? refusal(items, model) { return try complete(text) }
        var uids: [UInt32] = []
        var hasBroken = false
        server.update { model in
            for item in items {
                uids.append(model.add(item.octets, to: place, flags: item.flags, internalDate: item.internalDate))
            }
            guard let fault = model.faults.breakBehindAppends, fault.times > 0 else { return }
            model.faults.breakBehindAppends?.count -= items.count
            guard fault.count <= items.count else { return }
            model.faults.breakBehindAppends = (fault.count, fault.times - 1)
            hasBroken = true
        }
        if hasBroken { throw ScriptedIMAPWire.Closed() }
        guard model.has("UIDPLUS"), let first = uids.first, let last = uids.last else { return try complete("OK done") }
        let validity = server.model.mailboxes.first { $0.name == place }?.uidValidity ?? 0
        try complete("OK [APPENDUID \(validity) \(first == last ? "\(first)" : "\(first):\(last)")] done")
    }

    private func refusal(_ items: [Item], _ model: Model) -> String? {
        if items.contains(where: { $0.isBinary && !model.has("BINARY") }) { return "BAD no BINARY" }
        if items.contains(where: { !$0.isBinary && $0.octets.contains(0) }) { return "BAD NUL in a literal" }
        if model.quirks.wantsFinalLineEnd, items.contains(where: { !$0.octets.suffix(2).elementsEqual([13, 10]) }) {
            return "NO message must end with CRLF"
        }
        let limit = model.mailboxAppendLimit
        if let limit, items.contains(where: { $0.octets.count > limit }) { return "NO [TOOBIG] too big" }
        if let text = model.faults.refusedText,
            items.contains(where: { String(decoding: $0.octets, as: UTF8.self).contains(text) })
        {
            return model.faults.refusal
        }
        guard let quota = model.quota else { return nil }
        let used = model.mailboxes.reduce(0) { $0 + $1.messages.reduce(0) { $0 + $1.octets.count } }
        let more = items.reduce(0) { $0 + $1.octets.count }
        return used + more > quota ? "NO [OVERQUOTA] the quota is used up" : nil
    }

    /// The messages of the command `raw`, octet for octet.
    private static func items(_ raw: [UInt8], behind name: String) -> [Item] {
        let spelt = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        guard let start = Data(raw).range(of: Data(spelt.utf8)) ?? Data(raw).range(of: Data(name.utf8)) else {
            return []
        }
        var position = start.upperBound
        if raw[position] == UInt8(ascii: "\"") { position += 1 }
        var items: [Item] = []
        var item = Item()
        func text(upTo end: UInt8) -> String {
            let close = raw[position...].firstIndex(of: end) ?? raw.endIndex
            defer { position = min(close + 1, raw.endIndex) }
            return String(decoding: raw[position..<close], as: UTF8.self)
        }
        while position < raw.count {
            position += 1
            switch raw[position - 1] {
            case UInt8(ascii: "(") where raw[position] != UInt8(ascii: "~"):
                item.flags = text(upTo: UInt8(ascii: ")")).split(separator: " ").map(String.init)
            case UInt8(ascii: "\""): item.internalDate = text(upTo: UInt8(ascii: "\""))
            case UInt8(ascii: "~"): item.isBinary = true
            case UInt8(ascii: "{"):
                let digits = text(upTo: 10).filter(\.isNumber)
                let end = min(raw.count, position + (Int(digits) ?? 0))
                item.octets = Array(raw[position..<end])
                position = end
                items.append(item)
                item = Item()
            default: break
            }
        }
        return items
    }
}
