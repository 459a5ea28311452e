import ArchiveStore
import MailCore

extension Workspace {
    /// Keeps the archive up to date with `accounts` until the task is cancelled, which is no error.
    ///
    /// Between two pulls no file of the archive is open and no lock is held, so that other commands can work. This
    /// workspace is closed; each pull opens the archive as it then is.
    /// - Throws: what is wrong with an account at its first connection (password, certificate), or with the archive.
    public func watch(
        _ accounts: [AccountConfiguration], _ request: WatchRequest, _ handler: @escaping WatchHandler
    ) async throws(KitError) {
        await close()
        let (archive, turn) = (archive, Turn())
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for account in accounts {
                    group.addTask {
                        var watcher = AccountWatcher(archive, account, request, turn: turn, handler: handler)
                        try await watcher.run()
                    }
                }
                defer { group.cancelAll() }
                while try await group.next() != nil {}
            }
        } catch let error as KitError {
            throw error
        } catch { throw KitError(.internalError, "the watch ended", cause: error) }
        for account in accounts { handler(WatchEvent(account.name, .stopped, "stopped")) }
    }

    /// The archive as it is now; no secret is asked for again.
    static func reopen(_ archive: Archive) async throws(KitError) -> Workspace {
        let now: Archive
        do { now = try archive.reopened() } catch { throw KitError(error, at: archive.path) }
        return try await ready(now)
    }
}
