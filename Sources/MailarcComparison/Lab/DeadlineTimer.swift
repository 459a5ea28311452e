import Dispatch
import Synchronization

/// Does something once, unless it is cancelled before.
final class DeadlineTimer: Sendable {
    private enum State { case waiting, done, cancelled }
    private let state = Mutex(State.waiting)

    init(seconds: Int, _ action: @escaping @Sendable () -> Void) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) { [weak self] in
            self?.state.withLock { state in
                guard state == .waiting else { return }
                state = .done
                action()
            }
        }
    }

    /// Nothing is done any more; true when it was done already.
    func cancel() -> Bool {
        state.withLock { state in
            if state == .done { return true }
            state = .cancelled
            return false
        }
    }
}

/// Runs what blocks off the threads that tasks share.
enum Blocking {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread of its own while it works.
            DispatchQueue(label: "mailarc.comparison").async { continuation.resume(returning: body()) }
        }
    }
}
