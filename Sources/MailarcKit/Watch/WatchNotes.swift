import MailCore
import Synchronization

/// What the tasks that wait tell the one that acts.
final class WatchNotes: Sendable {
    /// An end that is watched now.
    struct Armed: Sendable {
        var side: String?
        var method: String
    }

    private let state = Mutex<(armed: [Armed], error: KitError?)>(([], nil))

    /// Why the watch cannot go on.
    var error: KitError? { state.withLock { $0.error } }

    func arm(_ method: String, side: String? = nil) {
        state.withLock { $0.armed.append(Armed(side: side, method: method)) }
    }

    /// What was armed since the last call.
    func takeArmed() -> [Armed] {
        state.withLock { state in
            defer { state.armed = [] }
            return state.armed
        }
    }

    /// The first error counts; the others follow from it.
    func fail(_ error: KitError) { state.withLock { $0.error = $0.error ?? error } }
}

extension KitError {
    /// What ended the wait for changes of an account.
    init(watching error: StoreError) {
        guard error.kind == .capabilityMissing else {
            self.init(error)
            return
        }
        self.init(.usage, error.message, hint: "--method auto takes the best it has")
    }
}
