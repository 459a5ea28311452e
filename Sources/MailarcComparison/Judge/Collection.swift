extension Promise {
    /// What an archive holds into whose INBOX everything is collected, and what becomes of the source by that.
    func collection(of scenario: Scenario) -> (source: Expectation, archive: Expectation) {
        let (start, end) = (scenario.start, scenario.ends.source)
        let archive = collected(from: start).after(scenario.archive)
        var result = Expectation()
        (result.judgesDates, result.mailboxes) = (keepsDates, ["INBOX"])
        for message in archive.messages {
            let count = archive.count(message.tag, in: message.mailbox)
            result.rules[.init(message.mailbox, message.tag)] = .init(count...count, flags: nil)
        }
        for tag in Set(end.messages.map(\.tag)) {
            let new = arrived(tag, in: scenario)
            let here = archive.count(tag, in: "INBOX")
            // In another place, or unread again, it may be taken for a new one.
            let isOther = start.messages.filter { $0.tag == tag } != end.messages.filter { $0.tag == tag }
            let excess = takes != .arriving && new == 0 && isOther ? 1 : 0
            guard here + new + excess > 0 else { continue }
            result.rules[.init("INBOX", tag)] = .init((here + new)...(here + new + excess), flags: nil)
        }
        var source = Expectation(exactly: end)
        if takes == .unseen { source.rules = source.rules.mapValues(\.withAnyFlags) }
        if takes == .arriving { source.judgesDates = keepsDates }
        return (source, result)
    }

    /// What the archive has after the first run.
    func collected(from start: AccountModel) -> AccountModel {
        AccountModel(
            messages: start.messages.filter(isTaken).map { .init(mailbox: "INBOX", key: $0.key) })
    }

    private func isTaken(_ message: AccountModel.Message) -> Bool {
        switch takes {
        case .all: true
        case .unseen: !message.flags.contains("\\Seen")
        case .arriving: false
        }
    }

    /// How often `tag` came with the events of `scenario`, as far as it is taken.
    private func arrived(_ tag: String, in scenario: Scenario) -> Int {
        scenario.source.count { step in
            guard case .append(let key, let mailbox, let flags) = step, Letter(key).tag == tag else {
                return false
            }
            return switch takes {
            case .all: true
            // Of mailboxes it was told of, which are those there were.
            case .unseen: scenario.start.mailboxes.contains(mailbox) && !flags.contains("\\Seen")
            case .arriving: mailbox == "INBOX" && flags.isEmpty
            }
        }
    }

    /// The archive has what the events of `scenario` there are about.
    package func knows(_ scenario: Scenario) -> Bool {
        guard kind == .collect else { return true }
        // It delivers; what is refused then goes back to the sender.
        guard !scenario.refusesLarge else { return false }
        var archive = collected(from: scenario.start)
        for step in scenario.archive {
            switch step {
            case .expunge(let tag, let mailbox), .flags(_, let tag, let mailbox):
                guard archive.count(tag, in: mailbox) > 0 else { return false }
            case .move(let tag, let mailbox, let target):
                guard archive.count(tag, in: mailbox) > 0, archive.mailboxes.contains(target) else { return false }
            case .rename(let mailbox, _), .delete(let mailbox):
                guard archive.mailboxes.contains(mailbox) else { return false }
            case .append, .create, .resetUIDValidity: break
            }
            archive = archive.after([step])
        }
        return true
    }
}
