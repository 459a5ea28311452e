import MailCore
import MailIMAPCore
import MailTransport

extension IMAPSession {
    /// Asks to be told of changes in all mailboxes; false where the server refuses.
    func notify() async throws(StoreError) -> Bool {
        // RFC 5465 §5: a server that does not know an event refuses all; without names a new mailbox shows by its status.
        for events: [NotifyEvent] in [
            [.messageNew, .messageExpunge, .flagChange, .mailboxName], [.messageNew, .messageExpunge, .flagChange],
        ] {
            let status = try await run(.notify(events))
            if status.condition == .ok { return true }
            if status.isTemporary { throw .throttled(status) }
        }
        return false
    }

    /// Waits for what the server tells of any mailbox, with a sign of life now and then.
    func awaitNotifications(
        _ options: AccountWatch.Options, _ changed: @Sendable () -> Void
    ) async throws(StoreError) {
        while true {
            if let response = try await nextResponse(within: options.interval) {
                try await hear(response, options, changed)
                continue
            }
            var heard: [Response] = []
            _ = try await run(.noop) { response throws(StoreError) in
                // LIMIT: what comes with one NOOP; only whether anything did matters.
                if heard.count < 1_000 { heard.append(response) }
            }
            for response in heard { try await hear(response, options, changed) }
        }
    }

    private func hear(
        _ response: Response, _ options: AccountWatch.Options, _ changed: @Sendable () -> Void
    ) async throws(StoreError) {
        guard response.isChange else { return }
        switch response {
        case .mailboxStatus(let status):
            guard options.isWanted(WireName.decode(status.name, delimiter: nil, isUTF8: isUTF8)) else { return }
        case .status:
            guard try await notify() else {
                throw StoreError(.connectionLost, "The server tells of changes no more", retry: .later)
            }
        default: break
        }
        changed()
    }

    /// Idles in `mailbox` again and again, so that neither server nor network takes the connection for dead.
    func keepIdling(
        in mailbox: MailboxName, _ options: AccountWatch.Options, _ changed: @Sendable () -> Void
    ) async throws(StoreError) {
        let status = try await run(.open(WireName(mailbox, isUTF8: isUTF8), bySelect: opensBySelect))
        guard status.condition == .ok else {
            if status.isTemporary { throw .throttled(status) }
            throw StoreError(.noSuchMailbox, "The server does not open it: \(status.text)", mailbox: mailbox)
        }
        // What came since the mailboxes were looked at.
        changed()
        while true { try await idle(for: options.interval, changed) }
    }

    /// One IDLE, ended after `duration`.
    func idle(for duration: Duration, _ changed: @Sendable () -> Void) async throws(StoreError) {
        let tag = try await send(.idle)
        let end = ContinuousClock.now + duration
        var isIdling = false
        var isEnding = false
        while true {
            let rest = isIdling && !isEnding ? end - ContinuousClock.now : configuration.server.responseTimeout
            if rest > .zero, let response = try await nextResponse(within: rest) {
                if case .tagged(tag, let status) = response {
                    guard status.condition == .ok else {
                        throw StoreError(.refused, "The server does not idle: \(status.text)", retry: .later)
                    }
                    return
                }
                if case .continuation = response { isIdling = true }
                if response.isChange { changed() }
                continue
            }
            guard isIdling, !isEnding else {
                throw StoreError(.connectionLost, "The server did not answer in time", retry: .later)
            }
            transport.write(Command.idleEnd)
            isEnding = true
        }
    }

    /// Looks at the counters of all mailboxes again and again.
    func keepLooking(
        _ seen: [MailboxName: MailboxStatus?], _ options: AccountWatch.Options, _ changed: @Sendable () -> Void
    ) async throws(StoreError) {
        var seen = seen
        while true {
            do { try await Task.sleep(for: options.interval) } catch { throw TransportError.store(error) }
            let now = try await look(options)
            // Without modification sequences counters do not tell of flags.
            if now != seen || now.values.contains(where: { $0?.highestModSeq == nil }) { changed() }
            seen = now
        }
    }

    /// The counters of the mailboxes that matter, `nil` where the server tells none.
    func look(_ options: AccountWatch.Options) async throws(StoreError) -> [MailboxName: MailboxStatus?] {
        let wanted = try await mailboxes().listings.filter { $0.isSelectable && options.isWanted($0.name) }
        return Dictionary(wanted.map { ($0.name, $0.status) }) { first, _ in first }
    }

    /// The next response; `nil` when nothing came for `duration`, and nothing of one.
    private func nextResponse(within duration: Duration) async throws(StoreError) -> Response? {
        patience = duration
        defer { patience = nil }
        do { return try await nextResponse() } catch {
            guard error.cause is InletTimeout, !hasBufferedOctets else { throw error }
            return nil
        }
    }
}
