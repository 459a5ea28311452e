import Foundation
import Glibc
import Synchronization

/// An IMAP server over a model of mailboxes, which advertises what it is told and breaks where it is told.
///
/// It knows what a client that reads needs: LOGIN, AUTHENTICATE PLAIN, ID, ENABLE, NAMESPACE, LIST, STATUS,
/// SELECT and EXAMINE (CONDSTORE, QRESYNC), UID FETCH, UID SEARCH; and one that adds: CREATE, SUBSCRIBE, APPEND
/// (LITERAL+, MULTIAPPEND, BINARY, UTF8=ACCEPT, APPENDLIMIT); and one that changes: UID STORE, COPY, MOVE, EXPUNGE. One thread a connection; blocking sockets.
public final class ScriptedIMAPServer: Sendable {
    public let port: Int
    private let listener: Int32
    private let state: Mutex<State>

    private struct State {
        var model: Model
        var connections: [Int32] = []
        var isStopped = false
        /// Logins at which one that has ended still counts.
        var lingering = 0
        var log: [String] = []
        var sentOctetCount = 0
        var counts = Connections()
    }

    /// Starts on a free loopback port.
    public init(_ model: Model) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        // SAFETY: sockaddr_in is a sockaddr by layout, and the calls are told its size.
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(descriptor, generic, size) == 0 && listen(descriptor, 32) == 0
                    && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isBound else { throw ProcessFailure("bind: errno \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
        state = Mutex(State(model: model))
        Thread.detachNewThread { self.accept() }
    }

    /// Closes the listener and every connection.
    public func stop() {
        // ORDER: under the lock; once a session has left the list its descriptor is another's.
        state.withLock { state in
            state.isStopped = true
            for connection in state.connections { _ = shutdown(connection, Int32(SHUT_RDWR)) }
        }
        _ = shutdown(listener, Int32(SHUT_RDWR))
    }

    /// The model as it is now.
    public var model: Model { state.withLock { $0.model } }

    /// Changes the model; sessions see it with their next command.
    public func update(_ change: (inout Model) -> Void) { state.withLock { change(&$0.model) } }

    /// Command lines since the last call, without tags and passwords.
    public func takeLog() -> [String] {
        state.withLock { state in
            defer { state.log = [] }
            return state.log
        }
    }

    /// Starts a server, hands it to `body`, and stops it however `body` ends.
    public static func with<R>(
        _ model: Model, _ body: (ScriptedIMAPServer) async throws -> R
    ) async throws -> R {
        let server = try ScriptedIMAPServer(model)
        defer { server.stop() }
        return try await body(server)
    }

    /// Octets the kernel took so far, of all connections.
    public var sentOctetCount: Int { state.withLock { $0.sentOctetCount } }

    /// Connections that are logged in, and were.
    public var connections: Connections { state.withLock { $0.counts } }

    /// Counts a login; false where there would be more than `limit`.
    func admit(_ limit: Int?) -> Bool {
        state.withLock { state in
            let lingering = min(state.lingering, 1)
            state.lingering -= lingering
            guard limit.map({ state.counts.count + lingering < $0 }) ?? true else {
                state.counts.refused += 1
                return false
            }
            state.counts.count += 1
            state.counts.taken += 1
            state.counts.peak = max(state.counts.peak, state.counts.count)
            return true
        }
    }

    func countEarly() { state.withLock { $0.counts.early += 1 } }

    func leave(lingering: Int) {
        state.withLock { state in
            state.counts.count -= 1
            state.lingering += lingering
        }
    }

    private func wire(_ connection: Int32) -> ScriptedIMAPWire {
        ScriptedIMAPWire(connection) { count in self.state.withLock { $0.sentOctetCount += count } }
    }

    func log(_ line: String) { state.withLock { $0.log.append(line) } }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0, !state.withLock({ $0.isStopped }) else { break }
            state.withLock { $0.connections.append(connection) }
            Thread.detachNewThread {
                ScriptedIMAPSession(self, self.wire(connection)).serve()
                self.state.withLock { state in state.connections.removeAll { $0 == connection } }
                // A process started meanwhile may hold a copy of the descriptor: closing alone would not end it.
                _ = shutdown(connection, Int32(SHUT_RDWR))
                close(connection)
            }
        }
        close(listener)
    }
}
