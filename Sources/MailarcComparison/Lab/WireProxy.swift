import Dispatch
import Glibc
import MailarcKit
import Synchronization

/// Stands before a server and counts: octets each way, connections, commands and round trips. The line to it can be a long
/// one.
final class WireProxy: Sendable {
    /// What went through since the last ``take()``.
    struct Traffic: Sendable {
        var connections = 0
        var octetsToServer = 0
        var octetsFromServer = 0
        /// How often a client sent something after something had come, its first octets included; over all connections.
        var roundTrips = 0
        /// Names of the commands in the order they came: `LOGIN`, `UID FETCH`.
        var commands: [String] = []
        /// What was said, as far as it is kept: `1 C: a1 NOOP`, `1 S: a1 OK`; the number is the connection's.
        var log: [String] = []
    }

    let port: Int
    private let listener: Int32
    private let target: Int
    private let line: LineMeasure
    /// Lines of what is said that are kept.
    private let logLimit: Int
    private let traffic = Mutex(Traffic())
    private let open = Mutex<Set<Int32>>([])
    private let trap = Mutex<Trap?>(nil)

    /// What is to happen once so many octets came from the server.
    private struct Trap {
        var octetsLeft: Int
        var action: @Sendable () -> Void
    }

    /// Listens before `target`, a port of this machine, with a line of this measure in between.
    init(before target: Int, line: LineMeasure = LineMeasure(), logLimit: Int = 0) throws(KitError) {
        (listener, port) = try LoopbackSocket.listening()
        (self.target, self.line, self.logLimit) = (target, line, logLimit)
        let listener = listener
        DispatchQueue(label: "mailarc.comparison.proxy").async { [self] in accept(listener) }
    }

    /// What was counted; counting begins anew.
    func take() -> Traffic {
        traffic.withLock { traffic in
            defer { traffic = Traffic() }
            return traffic
        }
    }

    /// Does `action` once, after `octets` more came from the server.
    func arm(after octets: Int, _ action: @escaping @Sendable () -> Void) {
        trap.withLock { $0 = Trap(octetsLeft: octets, action: action) }
    }

    /// Nothing is to happen any more; true when it has not happened.
    func disarm() -> Bool {
        trap.withLock { trap in
            defer { trap = nil }
            return trap != nil
        }
    }

    /// No connection is taken any more, and those there are end.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        endConnections()
    }

    /// The connections there are end, as when a line breaks.
    func endConnections() {
        open.withLock { for descriptor in $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } }
    }

    private func accept(_ listener: Int32) {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 && errno == EINTR { continue }
            guard client >= 0 else { break }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            guard let server = LoopbackSocket.connected(to: target) else {
                close(client)
                continue
            }
            let number = traffic.withLock { traffic in
                traffic.connections += 1
                return traffic.connections
            }
            open.withLock { $0.formUnion([client, server]) }
            relay(client, server, number)
        }
        close(listener)
    }

    /// Both directions, each on its own: neither may wait for the other.
    private func relay(_ client: Int32, _ server: Int32, _ number: Int) {
        let group = DispatchGroup()
        let turn = Mutex(true)
        DispatchQueue(label: "mailarc.comparison.proxy.up").async(group: group) { [self] in
            let reader = Mutex(WireLineReader())
            pass(from: client, to: server) { [self] octets in
                let lines = reader.withLock { $0.lines(in: octets) }
                let isTurn = turn.withLock { isTurn in
                    defer { isTurn = false }
                    return isTurn
                }
                traffic.withLock { traffic in
                    traffic.octetsToServer += octets.count
                    traffic.roundTrips += isTurn ? 1 : 0
                    traffic.commands += lines.compactMap(\.command)
                    note(&traffic) { lines.map { "\(number) C: \($0.fromClient)" } }
                }
            }
        }
        DispatchQueue(label: "mailarc.comparison.proxy.down").async(group: group) { [self] in
            let reader = Mutex(WireLineReader())
            pass(from: server, to: client) { [self] octets in
                traffic.withLock { traffic in
                    traffic.octetsFromServer += octets.count
                    note(&traffic) {
                        reader.withLock { $0.lines(in: octets) }.map { "\(number) S: \($0.fromServer)" }
                    }
                }
                turn.withLock { $0 = true }
                spring(octets.count)
            }
        }
        group.notify(queue: .global()) { [self] in
            // ORDER: out of the set before the number can be another connection's.
            open.withLock { $0.subtract([client, server]) }
            close(client)
            close(server)
        }
    }

    /// Keeps `lines`, which nobody asks for once there are enough.
    private func note(_ traffic: inout Traffic, _ lines: () -> [String]) {
        guard traffic.log.count < logLimit else { return }
        traffic.log += lines().prefix(logLimit - traffic.log.count)
    }

    private func spring(_ count: Int) {
        let action = trap.withLock { trap -> (@Sendable () -> Void)? in
            guard trap != nil else { return nil }
            trap?.octetsLeft -= count
            guard let sprung = trap, sprung.octetsLeft <= 0 else { return nil }
            trap = nil
            return sprung.action
        }
        action?()
    }

    private func pass(from: Int32, to: Int32, _ count: @escaping @Sendable ([UInt8]) -> Void) {
        if line.isLoopback {
            while true {
                let octets = LoopbackSocket.receive(from)
                guard !octets.isEmpty else { break }
                count(octets)
                guard LoopbackSocket.send(octets, to: to) else { break }
            }
        } else {
            passSlowly(from: from, to: to, count)
        }
        shutdown(to, Int32(SHUT_WR))
        shutdown(from, Int32(SHUT_RD))
    }

    /// Through a ``Line``: what comes is put in here and taken out on a queue of its own.
    private func passSlowly(from: Int32, to: Int32, _ count: @escaping @Sendable ([UInt8]) -> Void) {
        let (line, group) = (Line(line), DispatchGroup())
        DispatchQueue(label: "mailarc.comparison.line").async(group: group) {
            while true {
                let octets = line.take()
                guard !octets.isEmpty else { break }
                count(octets)
                guard LoopbackSocket.send(octets, to: to) else { break }
            }
            line.breakOff()
        }
        while true {
            let octets = LoopbackSocket.receive(from)
            guard line.put(octets), !octets.isEmpty else { break }
        }
        group.wait()
    }
}
