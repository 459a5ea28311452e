import Glibc
import Synchronization

/// Says to everything that runs that it is to end, and ends the processes that were started.
final class StopFlag: Sendable {
    private struct State {
        var isStopped = false
        var processes: Set<pid_t> = []
    }

    private let state = Mutex(State())

    var isStopped: Bool { state.withLock(\.isStopped) }

    /// Kills what runs; what is started afterwards is killed at once.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            for process in state.processes { Glibc.kill(-process, SIGKILL) }
        }
    }

    /// Notes a process that leads its own group.
    func add(_ process: pid_t) {
        state.withLock { state in
            state.processes.insert(process)
            if state.isStopped { Glibc.kill(-process, SIGKILL) }
        }
    }

    /// Kills one process that was added, if it is still there.
    func kill(_ process: pid_t) {
        state.withLock { state in
            if state.processes.contains(process) { Glibc.kill(-process, SIGKILL) }
        }
    }

    /// Runs `reap` with the process out of reach, so that no late signal meets a stranger.
    func remove(_ process: pid_t, _ reap: () -> Void) {
        state.withLock { state in
            state.processes.remove(process)
            reap()
        }
    }
}
