import MailCore

/// What changes messages: UID STORE, COPY, MOVE and EXPUNGE.
extension ScriptedIMAPSession {
    /// Of the messages `set` names, those the server works on: the last ones. RFC 9738
    private func worked(_ set: String, _ mailbox: Mailbox, _ model: Model) -> (uids: [UInt32], completion: String) {
        let wanted = uids(set, mailbox).sorted()
        guard let limit = model.messageLimit, wanted.count > limit else { return (wanted, "OK done") }
        let worked = Array(wanted.suffix(limit))
        return (worked, "OK [MESSAGELIMIT \(limit) \(worked.first ?? 0)] part")
    }

    func store(_ arguments: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        guard arguments.count > 5, let set = arguments[3].word, let mode = arguments[arguments.count - 2].word,
            let flags = arguments[arguments.count - 1].list?.compactMap(\.word)
        else { return try complete("BAD no set or flags") }
        if let text = refusal(of: flags, in: mailbox.name, model) { return try complete(text) }
        let (uids, completion) = worked(set, mailbox, model)
        let isAdding = mode.hasPrefix("+")
        server.update { model in
            for message in mailbox.messages where uids.contains(message.uid) {
                let rest = message.flags.filter { old in !flags.contains { $0.lowercased() == old.lowercased() } }
                model.setFlags(message.uid, isAdding ? rest + flags : rest, in: mailbox.name)
            }
        }
        try complete(completion)
    }

    /// Why flags cannot be set in a mailbox.
    func refusal(of flags: [String], in mailbox: String, _ model: Model) -> String? {
        if model.quirks.readOnlyMailboxes.contains(mailbox) { return "NO [READ-ONLY] it cannot be changed" }
        return model.quirks.refusesKeywords && holdsKeyword(flags) ? "NO no keywords" : nil
    }

    func copy(_ arguments: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model, moves: Bool) throws {
        guard arguments.count > 4, let set = arguments[3].word, let name = arguments[4].word,
            let target = model.mailboxes.first(where: { $0.name == name })
        else { return try complete("NO [TRYCREATE] no such mailbox") }
        let (uids, completion) = worked(set, mailbox, model)
        var new: [UInt32] = []
        server.update { model in
            for uid in uids {
                guard let message = mailbox.messages.first(where: { $0.uid == uid }) else { continue }
                new.append(model.copy(message, to: name))
                if moves { model.expunge(uid, from: mailbox.name) }
            }
        }
        let code = "[COPYUID \(target.uidValidity) \(list(uids)) \(list(new))]"
        if moves {
            try wire.write("* OK \(code) moved\r\n")
            try report(uids, mailbox)
        }
        try complete(moves || completion != "OK done" || uids.isEmpty ? completion : "OK \(code) done")
    }

    func delete(_ arguments: [ScriptedArgument], _ model: Model) throws {
        guard arguments.count > 2, let name = arguments[2].word,
            let mailbox = model.mailboxes.first(where: { $0.name == name })
        else { return try complete("NO [NONEXISTENT] no such mailbox") }
        guard name != "INBOX", !model.isGmail || mailbox.attributes.isEmpty else {
            return try complete("NO [CANNOT] it is the server's own")
        }
        server.update { model in model.mailboxes.removeAll { $0.name == name } }
        try complete("OK done")
    }

    func expunge(_ arguments: [ScriptedArgument], _ mailbox: Mailbox, _ model: Model) throws {
        guard model.has("UIDPLUS"), arguments.count > 3, let set = arguments[3].word else {
            return try complete("BAD no UIDPLUS, or no set")
        }
        let (uids, completion) = worked(set, mailbox, model)
        let marked = uids.filter { uid in
            mailbox.messages.contains { $0.uid == uid && $0.flags.contains { $0.lowercased() == "\\deleted" } }
        }
        server.update { model in
            for uid in marked { model.expunge(uid, from: mailbox.name) }
        }
        let left = server.model.mailboxes.first { $0.name == mailbox.name }?.messages.map(\.uid) ?? []
        try report(marked.filter { !left.contains($0) }, mailbox)
        try complete(completion)
    }

    /// Tells which messages left.
    private func report(_ gone: [UInt32], _ mailbox: Mailbox) throws {
        if isQuickResync, !gone.isEmpty { return try wire.write("* VANISHED \(list(gone))\r\n") }
        for (index, message) in mailbox.messages.enumerated().reversed() where gone.contains(message.uid) {
            try wire.write("* \(index + 1) EXPUNGE\r\n")
        }
    }

    private func list(_ uids: [UInt32]) -> String { uids.map(String.init).joined(separator: ",") }
}
