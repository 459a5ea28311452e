import MailTransport
import NIOCore
import NIOSSL

/// One connection as octets in and out.
struct ReceiverChannel: Sendable {
    private let channel: any NIOCore.Channel
    private let inlet: NIOLoopBound<Inlet>
    let mailProtocol: MailProtocol

    /// LIMIT: what one read gives; a connection holds little more of what the client sent.
    static let readCount = 64 << 10

    /// Puts the end on the pipeline of an accepted connection; on its event loop.
    init(_ channel: any NIOCore.Channel, _ mailProtocol: MailProtocol) throws {
        let inlet = Inlet()
        try channel.pipeline.syncOperations.addHandler(inlet)
        (self.channel, self.mailProtocol) = (channel, mailProtocol)
        self.inlet = NIOLoopBound(inlet, eventLoop: channel.eventLoop)
    }

    /// The client's address in numbers; `nil` on a unix socket.
    var ipAddress: String? { channel.remoteAddress?.ipAddress }

    /// For logs and records.
    var address: String {
        guard let ip = ipAddress else { return "unix" }
        let port = channel.remoteAddress?.port ?? 0
        return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }

    /// The next octets, at least one; `nil` when the client closed.
    ///
    /// - Throws: ``InletTimeout``, `CancellationError`, what broke the connection.
    func read(within timeout: Duration) async throws -> [UInt8]? {
        let buffers = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                channel.eventLoop.execute { inlet.value.demand(continuation, within: TimeAmount(timeout)) }
                // ORDER: after the demand: a task that was cancelled before it would wait to the end.
                guard Task.isCancelled else { return }
                channel.eventLoop.execute { inlet.value.give(up: CancellationError()) }
            }
        } onCancel: {
            channel.eventLoop.execute { inlet.value.give(up: CancellationError()) }
        }
        return buffers.isEmpty ? nil : buffers.reduce(into: []) { $0 += $1.readableBytesView }
    }

    /// Sends and waits until the kernel took it; a client that does not read for `timeout` is cut off.
    func write(_ octets: [UInt8], within timeout: Duration) async throws {
        let guardian = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { [channel] in
            channel.close(promise: nil)
        }
        defer { guardian.cancel() }
        try await channel.writeAndFlush(ByteBuffer(bytes: octets)).get()
    }

    /// Puts TLS below the session. Nothing was read ahead: what comes now is TLS.
    func startTLS(_ tls: ReceiverTLS) async throws {
        try await channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.addHandler(tls.makeHandler(), position: .first)
        }.get()
    }

    /// The version, once octets came through TLS.
    func tlsVersion() async throws -> String {
        try await channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.nioSSL_tlsVersion()?.name ?? "TLS"
        }.get()
    }

    func close() async { try? await channel.close().get() }
}
