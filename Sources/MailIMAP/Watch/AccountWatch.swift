public import MailCore
import MailIMAPCore
import MailTransport

/// How changes of an account are noticed.
public enum WatchMethod: String, Sendable, Hashable, CaseIterable {
    /// The server tells of every mailbox. RFC 5465
    case notify
    /// The server tells of one mailbox a connection; the others are looked at. RFC 2177
    case idle
    /// All mailboxes are looked at.
    case poll
}

/// Connections that wait for changes of an account, and read nothing but counters.
public struct AccountWatch: Sendable {
    public struct Options: Sendable {
        /// `nil`: the best the server has.
        public var method: WatchMethod?
        /// From one look at all mailboxes, or sign of life, to the next.
        public var interval = Duration.seconds(60)
        /// Whether a change of this mailbox matters.
        public var isWanted: @Sendable (MailboxName) -> Bool = { _ in true }
        /// What is idled on beside INBOX, where it comes to that.
        public var idleMailboxes: [String] = []

        public init() {}
    }

    /// LIMIT: a server may end a session that was silent for 30 minutes (RFC 9051 §5.4), RFC 2177 asks for 29.
    static let longestSilence = Duration.seconds(28 * 60)
    /// LIMIT: connections that idle; servers allow about ten in all.
    private static let idleLimit = 5

    private let configuration: IMAPConfiguration
    private let options: Options

    public init(_ configuration: IMAPConfiguration, _ options: Options = Options()) {
        var options = options
        options.interval = min(options.interval, Self.longestSilence)
        (self.configuration, self.options) = (configuration, options)
    }

    /// Watches until the connection breaks or the task is cancelled.
    ///
    /// - Parameter armed: called once, with the method: whatever changes from now on is told.
    /// - Parameter changed: called for each change, perhaps several times for one, and where there may have been one.
    /// - Throws: connection errors; `.cancelled`; `.capabilityMissing` where ``Options/method`` is not to be had.
    public func run(
        armed: @escaping @Sendable (WatchMethod) -> Void, changed: @escaping @Sendable () -> Void
    ) async throws(StoreError) {
        let session = try await IMAPSession.open(configuration)
        defer { session.close() }
        if wants(.notify), session.capabilities.hasNotify, try await session.notify() {
            armed(.notify)
            return try await session.awaitNotifications(options, changed)
        }
        guard options.method != .notify else { throw missing("NOTIFY") }
        let seen = try await session.look(options)
        guard wants(.idle), session.capabilities.hasIdle else {
            guard options.method != .idle else { throw missing("IDLE") }
            armed(.poll)
            return try await session.keepLooking(seen, options, changed)
        }
        armed(.idle)
        try await idle(on: idleMailboxes(seen), beside: session, seen, changed)
    }

    private func wants(_ method: WatchMethod) -> Bool { options.method == nil || options.method == method }

    private func missing(_ name: String) -> StoreError {
        StoreError(.capabilityMissing, "The server has no \(name)")
    }

    private func idleMailboxes(_ seen: [MailboxName: MailboxStatus?]) -> [MailboxName] {
        let names = seen.keys.filter { name in
            name.text.uppercased() == "INBOX" || options.idleMailboxes.contains(name.text)
        }
        return Array(names.sorted { $0.text < $1.text }.prefix(Self.idleLimit))
    }

    /// One connection for each of `mailboxes`, and `session` for all others.
    private func idle(
        on mailboxes: [MailboxName], beside session: IMAPSession, _ seen: [MailboxName: MailboxStatus?],
        _ changed: @escaping @Sendable () -> Void
    ) async throws(StoreError) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for mailbox in mailboxes {
                    group.addTask {
                        do {
                            let own = try await IMAPSession.open(configuration)
                            defer { own.close() }
                            try await own.keepIdling(in: mailbox, options, changed)
                        } catch let error as StoreError {
                            // Gone since it was listed, or not to be opened, or a connection too many: then it is looked
                            // at like the others.
                            guard error.kind == .noSuchMailbox || error.kind == .throttled else { throw error }
                        }
                    }
                }
                group.addTask { try await session.keepLooking(seen, options, changed) }
                // Without one of them there is nothing to rely on.
                defer { group.cancelAll() }
                while try await group.next() != nil {}
            }
        } catch { throw TransportError.store(error) }
    }
}
