import MailCore
import MailIMAPCore

extension IMAPSession {
    /// Looks at `mailboxes`: all first flights at once, then whatever single ones still need.
    func observe(
        _ mailboxes: [(MailboxName, MailboxCursor?)]
    ) async throws(StoreError) -> [Result<MailboxObservation, StoreError>] {
        var looks = mailboxes.map {
            MailboxLook($0.0, since: $0.1, capabilities: capabilities, isUTF8: isUTF8)
        }
        selected = nil
        var tags: [[String]] = []
        for look in looks {
            var own: [String] = []
            for command in look.commands { own.append(try await send(command)) }
            tags.append(own)
        }
        for index in looks.indices { try await collect(tags[index], into: &looks[index]) }
        var results: [Result<MailboxObservation, StoreError>] = []
        for index in looks.indices {
            results.append(try await conclude(&looks[index], isOpen: index == looks.count - 1))
        }
        return results
    }

    /// Gives responses to `look` until all of `tags` completed.
    private func collect(_ tags: [String], into look: inout MailboxLook) async throws(StoreError) {
        var open = tags[...]
        while let next = open.first {
            let response = try await nextResponse()
            do {
                if case .tagged(let tag, let status) = response {
                    guard tag == next else {
                        throw StoreError(.protocolViolation, "The server answered with a wrong tag")
                    }
                    look.complete(status)
                    open.removeFirst()
                } else {
                    try look.receive(response)
                }
            } catch let error as ProtocolError {
                throw StoreError(.limitExceeded, error.message, mailbox: look.mailbox, cause: error)
            } catch {
                throw TransportError.store(error)
            }
        }
    }

    private func conclude(
        _ look: inout MailboxLook, isOpen: Bool
    ) async throws(StoreError) -> Result<MailboxObservation, StoreError> {
        var isOpen = isOpen
        while true {
            switch look.conclude() {
            case .done(let observation): return .success(observation)
            case .fail(let error): return .failure(error)
            case .again(let commands):
                if !isOpen, look.isOpenExpected {
                    _ = try await run(.examine(WireName(look.mailbox, isUTF8: isUTF8))) { response throws(StoreError) in
                        guard case .exists = response else { return }
                        try? look.receive(response)
                    }
                }
                isOpen = true
                var tags: [String] = []
                for command in commands { tags.append(try await send(command)) }
                try await collect(tags, into: &look)
            }
        }
    }
}
