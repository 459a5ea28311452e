import Synchronization

/// Why mail cannot be taken at the moment, for who asks before sending it.
final class CaptureCondition: Sendable {
    private struct State {
        var error: KitError?
        var until = ContinuousClock.now
    }
    private let state = Mutex(State())

    /// `nil`: mail is taken, or it is time to try again.
    var error: KitError? {
        state.withLock { state in ContinuousClock.now < state.until ? state.error : nil }
    }

    func set(_ error: KitError, for duration: Duration) {
        state.withLock { $0 = State(error: error, until: .now + duration) }
    }

    func clear() { state.withLock { $0 = State() } }
}
