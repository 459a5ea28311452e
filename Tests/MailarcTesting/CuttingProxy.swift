import NIOCore
import NIOPosix
import Synchronization

/// A line to a server on loopback whose octets pass an ``OctetTrap``.
public final class CuttingProxy: Sendable {
    public let port: Int
    private let listener: any Channel
    private let open = OpenLines()

    /// Listens on a free loopback port.
    public init(to port: Int, _ trap: OctetTrap) async throws {
        let open = open
        listener = try await LoopbackRelay.listen(to: port) { client, server in
            open.begin()
            server.closeFuture.whenComplete { _ in open.end() }
            try client.pipeline.syncOperations.addHandler(CuttingRelay(trap, .fromClient, to: server))
            try server.pipeline.syncOperations.addHandler(CuttingRelay(trap, .fromServer, to: client))
        }
        self.port = listener.localAddress?.port ?? 0
    }

    /// Returns once the server has ended every connection that came through here: it has done whatever it will do.
    public func settled() async { await open.allEnded() }

    public func stop() async { try? await listener.close() }
}

/// How relays are set up: nothing is read before both ends are connected.
enum LoopbackRelay {
    static func listen(
        to port: Int, _ connect: @escaping @Sendable (any Channel, any Channel) throws -> Void
    ) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let connecting = ClientBootstrap(group: client.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: port)
                return connecting.flatMap { server in
                    client.eventLoop.makeCompletedFuture { try connect(client, server) }.flatMap {
                        server.setOption(.autoRead, value: true).and(client.setOption(.autoRead, value: true))
                    }.map { _ in }
                }
            }
        return try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
    }
}

/// How many connections to the server are open, and who waits for there to be none.
private final class OpenLines: Sendable {
    private struct State {
        var count = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func begin() { state.withLock { $0.count += 1 } }

    func end() {
        let waiting = state.withLock { state in
            state.count -= 1
            guard state.count == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func allEnded() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.count > 0 { state.waiting.append(continuation) }
                return state.count == 0
            }
            if isDone { continuation.resume() }
        }
    }
}

/// Hands octets on as long as the trap lets them pass.
private final class CuttingRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    enum Direction { case fromClient, fromServer }

    private let trap: OctetTrap
    private let direction: Direction
    private let partner: any Channel

    init(_ trap: OctetTrap, _ direction: Direction, to partner: any Channel) {
        (self.trap, self.direction, self.partner) = (trap, direction, partner)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var octets = unwrapInboundIn(data)
        switch trap.pass(octets.readableBytes, fromClient: direction == .fromClient) {
        case .all: partner.writeAndFlush(octets, promise: nil)
        case .nothing: hangUp(context)
        case .cut(let count):
            partner.writeAndFlush(octets.readSlice(length: count) ?? ByteBuffer(), promise: nil)
            hangUp(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { hangUp(context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { hangUp(context) }

    /// The client is hung up on; the server is told that nothing more comes, and ends the connection when it has done
    /// what came whole.
    private func hangUp(_ context: ChannelHandlerContext) {
        switch direction {
        case .fromClient:
            partner.close(mode: .output, promise: nil)
            context.close(promise: nil)
        case .fromServer:
            partner.close(promise: nil)
            context.channel.close(mode: .output, promise: nil)
        }
    }
}
