import Glibc
import Synchronization

/// Counts the octets all ``CuttingProxy``s it is given to hand on, and springs at the Nth: no clock is involved, so a
/// point of a run is the same point on any machine.
public final class OctetTrap: Sendable {
    public enum Deed: Sendable, Hashable {
        /// SIGKILL; nothing passes any more, as if the host was gone.
        case kill
        /// The connection that brought the octet ends there; the others go on.
        case cut
        /// A signal; everything passes as before.
        case signal(Int32)
    }

    /// What passed since the trap was armed.
    public struct Passed: Sendable {
        public var toServer = 0
        public var fromServer = 0
        public var isSprung = false
        public var octets: Int { toServer + fromServer }
    }

    enum Verdict {
        case all
        case cut(after: Int)
        case nothing
    }

    private struct State {
        var passed = Passed()
        var target: Int?
        var deed = Deed.kill
        var process: RunningProcess?
    }
    private let state = Mutex(State())

    public init() {}

    /// Begins to count; at octet `target` (from 1; `nil`: never) `deed` is done.
    public func arm(at target: Int? = nil, _ deed: Deed = .kill) {
        state.withLock { $0 = State(target: target, deed: deed) }
    }

    /// The process that signals are for; a trap that has sprung already does its deed now.
    public func attach(_ process: RunningProcess) {
        let deed = state.withLock { state in
            state.process = process
            return state.passed.isSprung ? state.deed : nil
        }
        Self.strike(process, deed)
    }

    /// Ends counting.
    public func take() -> Passed {
        state.withLock { state in
            defer { state = State() }
            return state.passed
        }
    }

    /// `count` octets want to pass.
    func pass(_ count: Int, fromClient: Bool) -> Verdict {
        let (verdict, process, deed) = state.withLock { state -> (Verdict, RunningProcess?, Deed?) in
            if state.passed.isSprung, state.deed == .kill { return (.nothing, nil, nil) }
            let room = state.passed.isSprung ? nil : state.target.map { $0 - state.passed.octets }
            guard let room, room <= count else {
                state.passed.add(count, fromClient)
                return (.all, nil, nil)
            }
            state.passed.isSprung = true
            if case .signal = state.deed {
                state.passed.add(count, fromClient)
                return (.all, state.process, state.deed)
            }
            state.passed.add(room, fromClient)
            return (.cut(after: room), state.process, state.deed)
        }
        if let process { Self.strike(process, deed) }
        return verdict
    }

    private static func strike(_ process: RunningProcess, _ deed: Deed?) {
        switch deed {
        case .kill: process.signal(SIGKILL)
        case .signal(let number): process.signal(number)
        case .cut, nil: break
        }
    }
}

extension OctetTrap.Passed {
    fileprivate mutating func add(_ count: Int, _ isToServer: Bool) {
        if isToServer { toServer += count } else { fromServer += count }
    }
}
