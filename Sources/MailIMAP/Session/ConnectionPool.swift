import MailCore
import MailIMAPCore

/// The connections of one account, each lent to one task at a time.
actor ConnectionPool {
    private let configuration: IMAPConfiguration
    private var idle: [IMAPSession] = []
    private var openCount = 0
    private var isClosed = false
    private var waiters: [(id: Int, continuation: CheckedContinuation<Void, Never>)] = []
    private var waiterCount = 0

    init(_ configuration: IMAPConfiguration) { self.configuration = configuration }

    /// A session for one task, one that has `mailbox` open if there is one; waits when all are lent.
    func lease(for mailbox: MailboxName? = nil) async throws(StoreError) -> IMAPSession {
        while idle.isEmpty, openCount >= max(1, configuration.maxConnections) {
            await waitForReturn()
            guard !Task.isCancelled else { throw StoreError(.cancelled, "The task was cancelled") }
        }
        guard !isClosed else { throw StoreError(.connectionFailed, "The account was closed") }
        if let index = idle.firstIndex(where: { $0.selected?.name == mailbox }) ?? idle.indices.last {
            return idle.remove(at: index)
        }
        openCount += 1
        do {
            return try await IMAPSession.open(configuration)
        } catch {
            openCount -= 1
            wakeOne()
            throw error
        }
    }

    /// Takes back a session between commands.
    func giveBack(_ session: IMAPSession) {
        guard !isClosed else { return discard(session) }
        idle.append(session)
        wakeOne()
    }

    /// Takes back a session that is not at rest.
    func discard(_ session: IMAPSession) {
        session.close()
        openCount -= 1
        wakeOne()
    }

    func close() async {
        isClosed = true
        for session in idle {
            _ = try? await session.send(.logout)
            session.close()
        }
        openCount -= idle.count
        idle = []
        for waiter in waiters { waiter.continuation.resume() }
        waiters = []
    }

    private func waitForReturn() async {
        waiterCount += 1
        let id = waiterCount
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled || isClosed { continuation.resume() } else { waiters.append((id, continuation)) }
            }
        } onCancel: {
            Task { await self.wake(id) }
        }
    }

    private func wake(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume()
    }

    private func wakeOne() {
        if !waiters.isEmpty { waiters.removeFirst().continuation.resume() }
    }
}
