import NIOCore
import Synchronization

/// The way of mail to a server on loopback, which a test shuts as if the host was down.
public final class DeliveryGate: Sendable {
    public let port: Int
    private let listener: any Channel
    private let lock: GateLock

    /// Listens on a free loopback port.
    public init(to port: Int) async throws {
        let lock = GateLock()
        listener = try await LoopbackRelay.listen(to: port) { client, server in
            guard lock.isOpen.withLock({ $0 }) else {
                server.close(promise: nil)
                throw ChannelError.ioOnClosedChannel
            }
            try client.pipeline.syncOperations.addHandler(Passage(to: server))
            try server.pipeline.syncOperations.addHandler(Passage(to: client))
        }
        self.port = listener.localAddress?.port ?? 0
        self.lock = lock
    }

    /// Whether connections that are made from now on come through.
    public var isOpen: Bool {
        get { lock.isOpen.withLock { $0 } }
        set { lock.isOpen.withLock { $0 = newValue } }
    }

    public func stop() async { try? await listener.close() }
}

private final class GateLock: Sendable {
    let isOpen = Mutex(true)
}

/// Hands everything on to the other end of the line.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let partner: any Channel

    init(to partner: any Channel) { self.partner = partner }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { partner.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        partner.close(promise: nil)
        context.close(promise: nil)
    }
}
