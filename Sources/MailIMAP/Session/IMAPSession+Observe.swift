import MailCore
import MailIMAPCore
import MailTransport

extension IMAPSession {
    /// One mailbox to look at: its name, what is known of it, what a listing said, and what is too much for one look.
    /// ``expected`` is the UIDVALIDITY of a listing.
    typealias Glance = (
        mailbox: MailboxName, cursor: MailboxCursor?, announced: MailboxStatus?, expected: UIDValidity?, limit: Int?
    )

    /// Looks at `mailboxes`: all first flights at once, then whatever single ones still need.
    func observe(
        _ mailboxes: [Glance]
    ) async throws(StoreError) -> [Result<MailboxObservation, StoreError>] {
        selected = nil
        var looks = mailboxes.map(look)
        var open = looks.indices.last
        if pipelining == .refused {
            for index in looks.indices { try await fly(looks[index].commands, into: &looks[index]) }
        } else {
            var tags: [[String]] = []
            for look in looks { tags.append(try await send(look.commands)) }
            for index in looks.indices { try await collect(tags[index], into: &looks[index]) }
            for index in looks.indices where looks[index].wasMisunderstood && pipelining != .proven {
                looks[index] = try await lookSlowly(at: mailboxes[index])
                open = index
            }
        }
        var results: [Result<MailboxObservation, StoreError>] = []
        for index in looks.indices {
            let result = try await conclude(&looks[index], index, &open)
            guard case .success(let observation) = result, let expected = mailboxes[index].expected,
                observation.status.uidValidity != expected
            else {
                results.append(result)
                continue
            }
            results.append(try await lookAgain(at: mailboxes[index]))
            open = nil
        }
        return results
    }

    /// A look at a mailbox whose UIDVALIDITY is not the one that was listed.
    ///
    /// QUIRK: Courier's EXAMINE has another one than STATUS and SELECT. Where SELECT does not agree either, the mailbox
    /// was replaced just now, or its UIDs mean nothing: either way this look is a volatile one.
    private func lookAgain(at glance: Glance) async throws(StoreError) -> Result<MailboxObservation, StoreError> {
        let wasOpenedBySelect = opensBySelect
        examinesFalsely = true
        var glance = glance
        if wasOpenedBySelect { glance.cursor = nil }
        for cursor in [glance.cursor, nil] {
            glance.cursor = cursor
            var look = look(at: glance)
            var open: Int? = 0
            try await fly(look.commands, into: &look)
            let result = try await conclude(&look, 0, &open)
            guard case .success(var observation) = result else {
                examinesFalsely = wasOpenedBySelect
                return result
            }
            if observation.status.uidValidity == glance.expected { return result }
            guard case .full = observation.content else { continue }
            examinesFalsely = false
            observation.status.uidValidity = UIDValidity(0)
            return .success(observation)
        }
        throw StoreError(.protocolViolation, "A look without a cursor gave changes only", mailbox: glance.mailbox)
    }

    private func look(at glance: Glance) -> MailboxLook {
        MailboxLook(
            glance.mailbox, since: glance.cursor, capabilities: capabilities, isUTF8: isUTF8,
            opensBySelect: opensBySelect, announced: glance.announced, rowLimit: glance.limit)
    }

    /// The first flight again, command by command: was it a command that was refused, or that it did not wait?
    private func lookSlowly(at glance: Glance) async throws(StoreError) -> MailboxLook {
        var look = look(at: glance)
        pipelining = .refused
        try await fly(look.commands, into: &look)
        if look.wasMisunderstood { pipelining = .proven }
        return look
    }

    private func send(_ commands: [Command]) async throws(StoreError) -> [String] {
        var tags: [String] = []
        for command in commands { tags.append(try await send(command)) }
        return tags
    }

    /// Sends `commands`, all at once if the server allows it, and gives the answers to `look`.
    private func fly(_ commands: [Command], into look: inout MailboxLook) async throws(StoreError) {
        guard pipelining == .refused else { return try await collect(try await send(commands), into: &look) }
        for command in commands { try await collect([try await send(command)], into: &look) }
    }

    /// Gives responses to `look` until all of `tags` completed.
    private func collect(_ tags: [String], into look: inout MailboxLook) async throws(StoreError) {
        let first = look.finishedCount
        let numbers = Dictionary(zip(tags, first...), uniquingKeysWith: { $1 })
        var open = Set(tags)
        while !open.isEmpty {
            let response = try await nextResponse()
            do {
                switch response {
                case .tagged(let tag, let status):
                    guard open.remove(tag) != nil, let number = numbers[tag] else {
                        throw StoreError(.protocolViolation, "The server answered with a wrong tag")
                    }
                    look.complete(status, number: number)
                case .extendedSearch(let result):
                    guard let tag = result.tag else { fallthrough }
                    if let number = numbers[tag] { try look.receive(response, for: number) }
                default: try look.receive(response)
                }
            } catch let error as ProtocolError {
                throw StoreError(.limitExceeded, error.message, mailbox: look.mailbox, cause: error)
            } catch {
                throw TransportError.store(error)
            }
        }
    }

    /// Sends what `look`, number `index`, still needs; `open` is the look whose mailbox is open.
    private func conclude(
        _ look: inout MailboxLook, _ index: Int, _ open: inout Int?
    ) async throws(StoreError) -> Result<MailboxObservation, StoreError> {
        while true {
            switch look.conclude() {
            case .done(let observation): return .success(observation)
            case .fail(let error): return .failure(error)
            case .again(let commands):
                if open != index, look.isOpenExpected {
                    let name = WireName(look.mailbox, isUTF8: isUTF8)
                    _ = try await run(.open(name, bySelect: opensBySelect)) { response throws(StoreError) in
                        guard case .exists = response else { return }
                        try? look.receive(response)
                    }
                }
                open = index
                try await fly(commands, into: &look)
            }
        }
    }
}
