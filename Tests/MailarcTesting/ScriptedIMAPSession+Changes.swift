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
        let (uids, completion) = worked(set, mailbox, model)
        let isAdding = mode.hasPrefix("+")
        server.update { model in
            model.change(mailbox.name) { mailbox in
                for message in mailbox.messages where uids.contains(message.uid) {
                    let rest = message.flags.filter { old in !flags.contains { $0.lowercased() == old.lowercased() } }
                    mailbox.setFlags(message.uid, isAdding ? rest + flags : rest)
                }
            }
        }
        try complete(completion)
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
                model.change(name) { target in
                    new.append(
                        target.append(message.octets, flags: message.flags, internalDate: message.internalDate))
                }
                if moves { model.change(mailbox.name) { $0.expunge(uid) } }
            }
        }
        let code = "[COPYUID \(target.uidValidity) \(list(uids)) \(list(new))]"
        if moves {
            try wire.write("* OK \(code) moved\r\n")
            try report(uids, mailbox)
        }
        try complete(moves || completion != "OK done" || uids.isEmpty ? completion : "OK \(code) done")
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
            model.change(mailbox.name) { mailbox in for uid in marked { mailbox.expunge(uid) } }
        }
        try report(marked, mailbox)
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
