import MailCore

extension ScriptedIMAPSession {
    private typealias Message = ScriptedIMAPServer.Message

    /// The UIDs `text` names, `*` being the last message.
    func uids(_ text: String, _ mailbox: Mailbox) -> Set<UInt32> {
        let last = mailbox.messages.last?.uid ?? 0
        var result: Set<UInt32> = []
        for range in text.split(separator: ",") {
            let bounds = range.split(separator: ":").map { $0 == "*" ? last : UInt32($0) ?? 0 }
            guard let first = bounds.first, let second = bounds.last else { continue }
            for message in mailbox.messages where message.uid >= min(first, second) && message.uid <= max(first, second)
            {
                result.insert(message.uid)
            }
        }
        return result
    }

    func fetch(_ arguments: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        if let answer = model.faults.fetchAnswer {
            try wire.write(answer[...])
            try wire.flush()
            throw ScriptedIMAPWire.Closed()
        }
        guard arguments.count > 4, let set = arguments[3].word else { return try complete("BAD no set") }
        let items = (arguments[4].list ?? [arguments[4]]).compactMap { $0.word?.uppercased() }
        var since: UInt64 = 0
        if arguments.count > 5, let modifier = arguments[5].list, modifier.first == .word("CHANGEDSINCE") {
            guard model.has("CONDSTORE") else { return try complete("BAD no CONDSTORE") }
            since = modifier.last?.word.flatMap { UInt64($0) } ?? 0
        }
        guard model.has("CONDSTORE") && !model.quirks.refusesModSeq || !items.contains("MODSEQ") else {
            return try complete("BAD no MODSEQ")
        }
        var wanted = uids(set, mailbox)
        var completion = "OK done"
        if let limit = model.messageLimit, wanted.count > limit {
            let worked = wanted.sorted().suffix(limit)
            completion = "OK [MESSAGELIMIT \(limit) \(worked.first ?? 0)] part"
            wanted = Set(worked)
        }
        let hasBodies = items.contains { $0.hasPrefix("BODY.PEEK[") }
        if hasBodies, !wanted.isDisjoint(with: model.faults.refused) { return try complete("NO [UNAVAILABLE] not now") }
        for (index, message) in mailbox.messages.enumerated() where wanted.contains(message.uid) {
            guard message.modSeq > since else { continue }
            if hasBodies, isOmitted(message.uid, model) { continue }
            try wire.write("* \(index + 1) \(model.faults.oddFetch ? "fetch" : "FETCH") (")
            let isWithheld = withholdsUID(message.uid, model)
            let order = (model.faults.oddFetch ? items.reversed() : items).filter { item in
                !(item == "UID" && isWithheld) && !(item == "MODSEQ" && model.quirks.omitsModSeq)
            }
            for (place, item) in order.enumerated() {
                if place > 0 { try wire.write(" ") }
                try write(item, of: message, model)
            }
            try wire.write(")\r\n")
        }
        if hasBodies, let last = wanted.max(), let times = model.faults.breakBehind[last], times > 0 {
            server.update { $0.faults.breakBehind[last] = times - 1 }
            try wire.flush()
            throw ScriptedIMAPWire.Closed()
        }
        try complete(completion)
    }

    private func withholdsUID(_ uid: UInt32, _ model: Model) -> Bool {
        guard model.quirks.withheldUIDs.uids.contains(uid), model.quirks.withheldUIDs.times > 0 else { return false }
        server.update { $0.quirks.withheldUIDs.times -= 1 }
        return true
    }

    private func isOmitted(_ uid: UInt32, _ model: Model) -> Bool {
        guard model.faults.omitted.contains(uid), model.faults.omissions > 0 else { return false }
        server.update { $0.faults.omissions -= 1 }
        return true
    }

    private func write(_ item: String, of message: Message, _ model: Model) throws {
        switch item {
        case "UID": try wire.write("UID \(message.uid)")
        case "FLAGS": try wire.write("FLAGS (\(message.flags.joined(separator: " ")))")
        case "INTERNALDATE": try wire.write("INTERNALDATE \"\(message.internalDate)\"")
        case "RFC822.SIZE":
            try wire.write("RFC822.SIZE \(model.quirks.size ?? message.octets.count + model.faults.sizeError)")
        case "MODSEQ": try wire.write("MODSEQ (\(message.modSeq))")
        case "X-GM-MSGID": try wire.write("X-GM-MSGID \(message.gmailID ?? 0)")
        case "X-GM-LABELS": try wire.write("X-GM-LABELS \(model.labels(of: message, in: selected ?? ""))")
        default: try writeBody(item, of: message, model)
        }
    }

    /// `BODY.PEEK[]` and `BODY.PEEK[]<offset.count>`
    private func writeBody(_ item: String, of message: Message, _ model: Model) throws {
        let bounds = item.drop { $0 != "<" }.dropFirst().dropLast().split(separator: ".").compactMap { Int($0) }
        let start = min(bounds.first ?? 0, message.octets.count)
        let end = min(message.octets.count, start + (bounds.count > 1 ? bounds[1] : message.octets.count))
        let name = "BODY[]" + (bounds.isEmpty ? "" : "<\(start)>")
        if model.faults.nilBodies.contains(message.uid) { return try wire.write("\(name) NIL") }
        if model.faults.emptyBodies.contains(message.uid) { return try wire.write("\(name) \"\"") }
        if let id = message.gmailID { server.update { $0.sentBodies[id, default: 0] += 1 } }
        let announced = end - start + model.faults.literalError[message.uid, default: 0]
        try wire.write("\(name) {\(announced)}\r\n")
        if let fault = model.faults.breakAfter[message.uid], fault.times > 0, fault.octetCount < end {
            server.update { $0.faults.breakAfter[message.uid]?.times -= 1 }
            try wire.write(message.octets[start..<max(start, fault.octetCount)])
            try wire.flush()
            throw ScriptedIMAPWire.Closed()
        }
        try wire.write(message.octets[start..<end])
    }

    func search(_ arguments: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        var rest = arguments.dropFirst(3)
        let isExtended = rest.first == .word("RETURN")
        guard !isExtended || model.has("ESEARCH") else { return try complete("BAD no ESEARCH") }
        if isExtended { rest = rest.dropFirst(2) }
        let words = rest.compactMap(\.word)
        guard !model.quirks.refusesKeywordSearch || words.first != "KEYWORD" else {
            return try complete("BAD no KEYWORD")
        }
        let among = words.firstIndex(of: "UID").flatMap { words.dropFirst($0 + 1).first }.map { uids($0, mailbox) }
        let flag = words.first == "KEYWORD" ? words.dropFirst().first : words.first.map { "\\" + $0 }
        var found = mailbox.messages.filter { among?.contains($0.uid) ?? true }
        var completion = "OK done"
        if let limit = model.messageLimit, found.count > limit {
            found = found.suffix(limit)
            completion = "OK [MESSAGELIMIT \(limit) \(found.first?.uid ?? 0)] part"
        }
        found = found.filter { message in
            ["ALL", "UID"].contains(words.first)
                || message.flags.contains { $0.lowercased() == flag?.lowercased() }
        }
        if isExtended {
            let set = UIDSet(found.compactMap { UID($0.uid) })
            let tag = arguments[0].word ?? ""
            try wire.write("* ESEARCH (TAG \"\(tag)\") UID\(set.isEmpty ? "" : " ALL \(set)")\r\n")
        } else {
            try wire.write("* SEARCH\(found.map { " \($0.uid)" }.joined())\r\n")
        }
        guard model.faults.interleavesSearches, wire.hasMore() else { return try complete(completion) }
        postpone(completion)
    }
}
