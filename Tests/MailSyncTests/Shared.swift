import MailSync
import Synchronization

/// Fails once its count is used up.
final class Counter: Sendable {
    private let rest: Mutex<Int>

    init(_ count: Int) { rest = Mutex(count) }

    func countDown() throws {
        try rest.withLock { rest in
            rest -= 1
            if rest < 0 { throw Killer.Killed() }
        }
    }
}

/// The last progress reported.
final class Last: Sendable {
    private let progress = Mutex<SyncProgress?>(nil)

    var value: SyncProgress? {
        get { progress.withLock { $0 } }
        set { progress.withLock { $0 = newValue } }
    }
}
