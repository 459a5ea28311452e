import NIOCore
import Synchronization

/// A longer line to a server on loopback that counts round trips.
///
/// Each direction is late by half of the delay, so that whatever a client sends without waiting is one burst, however
/// busy the machine is. A burst that was answered before the client hung up is a round trip.
public final class RoundTripProxy: Sendable {
    public let port: Int
    private let listener: any Channel
    private let lines: Lines

    /// Listens on a free loopback port.
    public init(to port: Int, delay: Duration = .milliseconds(200)) async throws {
        let lines = Lines()
        let half = TimeAmount.nanoseconds(delay.components.attoseconds / 2_000_000_000)
        listener = try await LoopbackRelay.listen(to: port) { client, server in
            let line = lines.begin()
            try client.pipeline.syncOperations.addHandler(Relay(line, .fromClient, half, to: server))
            try server.pipeline.syncOperations.addHandler(Relay(line, .fromServer, half, to: client))
        }
        self.port = listener.localAddress?.port ?? 0
        self.lines = lines
    }

    /// Answered bursts of the longest connection since the last call; the connection itself is one round trip more.
    public func takeBurstCount() -> Int { lines.take() }

    public func stop() async { try? await listener.close() }
}

/// The connections since the last count.
private final class Lines: Sendable {
    private let all = Mutex<[Line]>([])

    func begin() -> Line {
        let line = Line()
        all.withLock { $0.append(line) }
        return line
    }

    func take() -> Int {
        all.withLock { lines in
            defer { lines = [] }
            return lines.map(\.answeredCount).max() ?? 0
        }
    }
}

private final class Line: Sendable {
    private struct State {
        var answeredCount = 0
        var isWaiting = false
        var isOver = false
    }
    private let state = Mutex(State())

    var answeredCount: Int { state.withLock { $0.answeredCount } }
    func sent() { state.withLock { $0.isWaiting = true } }
    func over() { state.withLock { $0.isOver = true } }

    func answered() {
        state.withLock {
            if $0.isWaiting, !$0.isOver { $0.answeredCount += 1 }
            $0.isWaiting = false
        }
    }
}

/// Hands octets on, later.
private final class Relay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    enum Direction { case fromClient, fromServer }

    private let line: Line
    private let direction: Direction
    private let delay: TimeAmount
    private let partner: any Channel

    init(_ line: Line, _ direction: Direction, _ delay: TimeAmount, to partner: any Channel) {
        (self.line, self.direction, self.delay, self.partner) = (line, direction, delay, partner)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let (octets, line, partner, isAnswer) = (unwrapInboundIn(data), line, partner, direction == .fromServer)
        if !isAnswer { line.sent() }
        context.eventLoop.scheduleTask(in: delay) {
            if isAnswer { line.answered() }
            partner.writeAndFlush(octets, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let partner = partner
        if direction == .fromClient { line.over() }
        context.eventLoop.scheduleTask(in: delay) { partner.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
