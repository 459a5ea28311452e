public import MailCore

/// The one connection of an account, lent to one task at a time; a server lets nobody else in meanwhile.
///
/// - SeeAlso: RFC 1939 §4
public actor POP3Connection {
    private let configuration: POP3Configuration
    private var session: POP3Session?
    private var isLent = false
    private var hasWorked = false
    private var isClosed = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// LIMIT: how often, and how long, it is tried again where a session that just ended may still hold the maildrop, or
    /// the server wants a pause between two logins.
    private static let pauses = [Duration.milliseconds(250), .seconds(1), .seconds(3)]

    public init(_ configuration: POP3Configuration) { self.configuration = configuration }

    /// Logs in once, so that a wrong password or certificate shows here.
    public func connect() async throws(StoreError) { giveBack(try await lease()) }

    /// Ends the session in order; nothing is deleted by that.
    public func close() async {
        isClosed = true
        if let session { _ = await session.quit() }
        session = nil
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    /// The session, a new one where there is none; ``giveBack(_:)`` or ``discard(_:)`` must follow.
    func lease() async throws(StoreError) -> POP3Session {
        while isLent, !isClosed { await withCheckedContinuation { waiters.append($0) } }
        guard !isClosed else { throw StoreError(.connectionFailed, "The account was closed") }
        isLent = true
        if let session {
            self.session = nil
            return session
        }
        do throws(StoreError) { return try await open() } catch {
            free()
            throw error
        }
    }

    private func open() async throws(StoreError) -> POP3Session {
        for pause in Self.pauses {
            do throws(StoreError) { return try await openOnce() } catch {
                let mayPass = [.throttled, .connectionFailed, .connectionLost].contains(error.kind)
                guard hasWorked, mayPass, (try? await Task.sleep(for: pause)) != nil else { throw error }
            }
        }
        return try await openOnce()
    }

    private func openOnce() async throws(StoreError) -> POP3Session {
        let session = try await POP3Session.open(configuration)
        hasWorked = true
        return session
    }

    /// Takes back a session between commands.
    func giveBack(_ session: POP3Session) {
        if isClosed { session.close() } else { self.session = session }
        free()
    }

    /// Takes back a session that is over.
    func discard(_ session: POP3Session) {
        session.close()
        free()
    }

    private func free() {
        isLent = false
        if !waiters.isEmpty { waiters.removeFirst().resume() }
    }
}

extension POP3Connection {
    /// LIMIT: connections that may break one after the other in one call.
    static let replacementLimit = 3

    /// Runs `body`, which can be repeated, on the session: again on a new one if it breaks.
    nonisolated func withSession<T>(
        _ body: (POP3Session) async throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        var replaced = 0
        while true {
            let session = try await lease()
            do throws(StoreError) {
                let result = try await body(session)
                await giveBack(session)
                return result
            } catch {
                await discard(session)
                guard error.kind == .connectionLost, error.retry == .now, replaced < Self.replacementLimit else {
                    throw error
                }
                replaced += 1
            }
        }
    }

    /// What the server says it can do, how it was logged in, and what it holds.
    nonisolated public func facts() async throws(StoreError) -> POP3Facts {
        try await withSession { (session) async throws(StoreError) in
            let listing = try await session.listing()
            let identified = listing.entries.count { $0.uniqueID != nil }
            return POP3Facts(
                implementation: session.implementation, offers: session.offers,
                mechanisms: session.mechanisms, login: session.method, hasPipelining: session.pipelines,
                hasUniqueIDs: listing.hasUniqueIDs,
                deletesWhatWasRead: session.capabilities.deletesWhatWasRead, messageCount: listing.entries.count,
                unidentifiedCount: listing.entries.count - identified)
        }
    }
}

/// What an account is like.
public struct POP3Facts: Sendable, Hashable {
    /// Name and version, where the server says.
    public var implementation: String?
    /// Lines of CAPA; none where the server has no CAPA.
    public var offers: [String]
    /// Those of SASL that were offered for the login.
    public var mechanisms: [String]
    /// `SCRAM-SHA-256`, `PLAIN`, `LOGIN`, or `USER` for USER and PASS.
    public var login: String
    public var hasPipelining: Bool
    /// UIDL is there: messages can be told from each other for good.
    public var hasUniqueIDs: Bool
    /// `EXPIRE 0`.
    public var deletesWhatWasRead: Bool
    public var messageCount: Int
    /// Messages that no unique-id tells from others.
    public var unidentifiedCount: Int
}
