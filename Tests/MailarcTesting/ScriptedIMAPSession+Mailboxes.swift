import MailCore

/// LIST, STATUS, SELECT and EXAMINE.
extension ScriptedIMAPSession {
    func list(_ arguments: [ScriptedArgument], _ model: Model) throws {
        var items: String?
        if arguments.count > 5 {
            guard model.has("LIST-EXTENDED"), let returns = arguments[5].list else {
                return try complete("BAD LIST takes two arguments")
            }
            if let place = returns.firstIndex(of: .word("STATUS")), place + 1 < returns.count {
                guard model.has("LIST-STATUS") else { return try complete("BAD no LIST-STATUS") }
                items = (returns[place + 1].list ?? []).compactMap(\.word).joined(separator: " ")
            }
        }
        let pattern = arguments.count > 3 ? arguments[3].word ?? "" : ""
        guard !pattern.isEmpty else {
            try wire.write("* LIST (\\Noselect) \(delimiter(model.mailboxes.first?.delimiter)) \"\"\r\n")
            return try complete("OK done")
        }
        let prefix = pattern.prefix { $0 != "*" }
        let lines = model.quirks.repeatsListings ? model.mailboxes.flatMap { [$0, $0] } : model.mailboxes
        for (index, mailbox) in lines.enumerated() where mailbox.name.hasPrefix(prefix) {
            if index == model.quirks.listFailsBehind { return try complete("NO a mailbox cannot be listed") }
            if let hidden = model.hiddenPrefix, mailbox.name.hasPrefix(hidden), !prefix.hasPrefix(hidden) { continue }
            let attributes = mailbox.attributes.joined(separator: " ")
            try write("* LIST (\(attributes)) \(delimiter(mailbox.delimiter)) \(quoted(mailbox.name))\r\n", model)
            guard let items, isSelectable(mailbox), !model.faults.omittedStatus.contains(mailbox.name),
                !model.quirks.closedMailboxes.contains(mailbox.name)
            else { continue }
            try writeStatus(mailbox, items, model)
        }
        try complete("OK done")
    }

    func status(_ arguments: [ScriptedArgument], _ model: Model) throws {
        guard arguments.count > 3, let mailbox = mailbox(arguments[2], model), isSelectable(mailbox) else {
            return try complete("NO [NONEXISTENT] no such mailbox")
        }
        guard !model.quirks.closedMailboxes.contains(mailbox.name) else {
            return try complete("NO it cannot be opened")
        }
        try writeStatus(mailbox, (arguments[3].list ?? []).compactMap(\.word).joined(separator: " "), model)
        try complete("OK done")
    }

    private func writeStatus(_ mailbox: Mailbox, _ items: String, _ model: Model) throws {
        let values = items.split(separator: " ").compactMap { item -> String? in
            switch item {
            case "MESSAGES": "MESSAGES \(mailbox.messages.count)"
            case "UIDNEXT": model.quirks.omitsUIDNext ? nil : "UIDNEXT \(mailbox.uidNext)"
            case "UIDVALIDITY": uidValidity(mailbox, model).map { "UIDVALIDITY \($0)" }
            case "HIGHESTMODSEQ" where model.quirks.omitsHighestModSeq || model.faults.highestModSeq == "": nil
            case "HIGHESTMODSEQ": "HIGHESTMODSEQ \(model.faults.highestModSeq ?? String(mailbox.highestModSeq))"
            case "APPENDLIMIT": "APPENDLIMIT \(model.mailboxAppendLimit.map(String.init) ?? "NIL")"
            default: "\(item) 0"
            }
        }
        try write("* STATUS \(quoted(mailbox.name)) (\(values.joined(separator: " ")))\r\n", model)
    }

    /// The mailbox a client of this session means.
    func mailbox(_ argument: ScriptedArgument, _ model: Model) -> Mailbox? {
        let isInbox = argument.word?.uppercased() == "INBOX"
        return model.mailboxes.first {
            named($0.name) == argument.word || (isInbox && $0.name.uppercased() == "INBOX")
        }
    }

    private func isSelectable(_ mailbox: Mailbox) -> Bool {
        !mailbox.attributes.contains { ["\\noselect", "\\nonexistent"].contains($0.lowercased()) }
    }

    private func delimiter(_ delimiter: Character?) -> String {
        delimiter.map { $0 == "\\" ? "\"\\\\\"" : "\"\($0)\"" } ?? "NIL"
    }

    /// As the wire has names: mostly UTF-8 that is ASCII.
    private func write(_ line: String, _ model: Model) throws {
        guard model.quirks.isLatin1 else { return try wire.write(line) }
        try wire.write(line.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }[...])
    }

    private func uidValidity(_ mailbox: Mailbox, _ model: Model) -> UInt32? {
        switch model.quirks.uidValidity {
        case .steady, .changing: mailbox.uidValidity
        case .zero: 0
        case .missing: nil
        }
    }

    /// `name` as this session spells it.
    private func named(_ name: String) -> String {
        isUTF8 ? ModifiedUTF7.decode(Array(name.utf8)) ?? name : name
    }

    private func quoted(_ name: String) -> String {
        "\"" + named(name).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    func select(_ arguments: [ScriptedArgument], _ model: Model) throws {
        if let endless = model.faults.endless {
            while true { try wire.write(endless[...]) }
        }
        if let farewell = model.faults.farewell {
            try wire.write("* BYE \(farewell)\r\n")
            try wire.flush()
            throw ScriptedIMAPWire.Closed()
        }
        if isQuickResync, selected != nil { try wire.write("* OK [CLOSED] before\r\n") }
        selected = nil
        guard arguments.count > 2, var mailbox = mailbox(arguments[2], model), isSelectable(mailbox) else {
            return try complete("NO [NONEXISTENT] no such mailbox")
        }
        guard !model.quirks.closedMailboxes.contains(mailbox.name) else {
            return try complete("NO it cannot be opened")
        }
        if model.quirks.uidValidity == .changing {
            mailbox.uidValidity += 1
            server.update { [mailbox] in $0.change(mailbox.name) { $0.uidValidity = mailbox.uidValidity } }
        }
        let parameters = arguments.dropFirst(3).first?.list ?? []
        let isResync = parameters.first == .word("QRESYNC")
        guard parameters.isEmpty || model.has(isResync ? "QRESYNC" : "CONDSTORE"), !isResync || isQuickResync else {
            return try complete("BAD unknown parameter")
        }
        selected = mailbox.name
        let keywords = Set(mailbox.messages.flatMap(\.flags)).filter { !$0.hasPrefix("\\") }.sorted()
        let flags = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"] + keywords
        try wire.write(
            "* FLAGS (\(flags.joined(separator: " ")))\r\n* OK [PERMANENTFLAGS (\(permanentFlags(arguments, model)))] x\r\n"
        )
        try wire.write("* \(mailbox.messages.count) EXISTS\r\n* 0 RECENT\r\n")
        let verb = arguments[1].word?.uppercased()
        if let uidValidity = uidValidity(mailbox, model) {
            try wire.write(
                "* OK [UIDVALIDITY \(uidValidity + (model.faults.falseExamine && verb == "EXAMINE" ? 1 : 0))] x\r\n")
        }
        if !model.quirks.omitsUIDNext { try wire.write("* OK [UIDNEXT \(mailbox.uidNext)] x\r\n") }
        if model.has("CONDSTORE") || model.has("QRESYNC"), !model.quirks.omitsHighestModSeq {
            let lie = model.faults.highestModSeq
            let code = lie == "" ? "NOMODSEQ" : "HIGHESTMODSEQ \(lie ?? String(mailbox.highestModSeq))"
            try wire.write("* OK [\(code)] x\r\n")
        }
        if isResync { try resync(parameters.dropFirst().first?.list ?? [], mailbox, model) }
        let isReadOnly = verb != "SELECT" || model.quirks.readOnlyMailboxes.contains(mailbox.name)
        try complete("OK [\(isReadOnly ? "READ-ONLY" : "READ-WRITE")] done")
    }

    private func resync(_ known: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        guard known.first?.word == String(mailbox.uidValidity), known.count > 1,
            let since = known[1].word.flatMap({ UInt64($0) })
        else { return }
        let gone = mailbox.expunged.filter { $0.modSeq > since }.map { String($0.uid) }
        let vanished = model.faults.falseVanished ?? gone.joined(separator: ",")
        if !vanished.isEmpty { try wire.write("* VANISHED (EARLIER) \(vanished)\r\n") }
        for (index, message) in mailbox.messages.enumerated() where message.modSeq > since {
            let flags = message.flags.joined(separator: " ")
            try wire.write(
                "* \(index + 1) FETCH (UID \(message.uid) FLAGS (\(flags)) MODSEQ (\(message.modSeq)))\r\n")
        }
    }
}
