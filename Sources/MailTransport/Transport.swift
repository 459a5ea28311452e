package import MailCore
package import NIOCore
import NIOPosix
import NIOSSL

/// One connection as octets in and out; nothing is read that was not asked for, but for a bounded read-ahead.
package struct Transport: Sendable {
    private let channel: any NIOCore.Channel
    private let inlet: NIOLoopBound<Inlet>
    private let timeout: TimeAmount

    /// LIMIT: enough to keep the line busy while a message is stored; the memory of a session is bounded by it.
    private static let readAheadOctetCount = 1 << 20

    private init(channel: any NIOCore.Channel, inlet: NIOLoopBound<Inlet>, timeout: TimeAmount) {
        (self.channel, self.inlet, self.timeout) = (channel, inlet, timeout)
    }

    /// A connection somebody else made, without TLS; on its event loop, and before anything was read.
    package init(accepted channel: any NIOCore.Channel, timeout: Duration) throws {
        let inlet = Inlet()
        try channel.pipeline.syncOperations.addHandler(inlet)
        self.init(
            channel: channel, inlet: NIOLoopBound(inlet, eventLoop: channel.eventLoop), timeout: TimeAmount(timeout))
    }

    /// Connects; with implicit TLS the handshake runs with the first read.
    package static func connect(_ configuration: ServerConfiguration) async throws(StoreError) -> Transport {
        do {
            let ssl = configuration.security == .implicitTLS ? try TLSContext(configuration) : nil
            let bootstrap = bootstrap(within: configuration.connectTimeout)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            let timeout = TimeAmount(configuration.responseTimeout)
            return try await bootstrap.connect(host: configuration.host, port: configuration.port) { channel in
                // What the server sent before it closed at once is in the inlet, whatever became of the pipeline.
                channel.eventLoop.makeCompletedFuture {
                    if let ssl { try channel.pipeline.syncOperations.addHandler(ssl.makeHandler(for: channel)) }
                    let inlet = Inlet()
                    inlet.isBehindTLS = ssl != nil
                    try channel.pipeline.syncOperations.addHandler(inlet)
                    let bound = NIOLoopBound(inlet, eventLoop: channel.eventLoop)
                    return Transport(channel: channel, inlet: bound, timeout: timeout)
                }
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .connectionFailed,
                "Cannot connect to \(configuration.host):\(configuration.port): \(TransportError.words(error))",
                retry: .later, cause: error)
        }
    }

    /// Connects to a socket of this machine.
    package static func connect(
        unix path: String, within patience: Duration, responseTimeout: Duration
    ) async throws(StoreError) -> Transport {
        do {
            return try await bootstrap(within: patience).connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Transport(accepted: channel, timeout: responseTimeout)
                }
            }
        } catch {
            throw StoreError(
                .connectionFailed, "Cannot connect to \(path): \(TransportError.words(error))", retry: .later,
                cause: error)
        }
    }

    private static func bootstrap(within patience: Duration) -> ClientBootstrap {
        ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(patience))
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 18))
    }

    /// Puts TLS below the session. Nothing may have been read ahead.
    package func startTLS(_ configuration: ServerConfiguration) async throws(StoreError) {
        let ssl = try TLSContext(configuration)
        do {
            try await channel.eventLoop.submit { [channel, inlet] in
                try channel.pipeline.syncOperations.addHandler(ssl.makeHandler(for: channel), position: .first)
                inlet.value.isBehindTLS = true
            }.get()
        } catch {
            throw TransportError.store(error)
        }
    }

    /// From now on octets may be read before they are asked for.
    package func allowReadAhead() {
        channel.eventLoop.execute { inlet.value.readAhead = Self.readAheadOctetCount }
    }

    /// The next octets, at least one; none when the server closed.
    ///
    /// - Parameter patience: how long to wait, where it is not the usual time.
    package func read(isBulk: Bool = false, within patience: Duration? = nil) async throws(StoreError) -> [ByteBuffer] {
        let timeout = patience.map { TimeAmount($0) } ?? timeout
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    channel.eventLoop.execute { inlet.value.demand(continuation, within: timeout, isBulk: isBulk) }
                    // ORDER: after the demand: a task that was cancelled before it would wait to the end.
                    guard Task.isCancelled else { return }
                    channel.eventLoop.execute { inlet.value.give(up: CancellationError()) }
                }
            } onCancel: {
                channel.eventLoop.execute { inlet.value.give(up: CancellationError()) }
            }
        } catch {
            throw TransportError.store(error)
        }
    }

    /// Sends without waiting: a failure shows at the next read.
    package func write(_ octets: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: octets), promise: nil)
    }

    /// Sends and waits until the kernel took it, so that a large message is never held whole.
    package func writeAll(_ octets: ByteBuffer) async throws(StoreError) {
        let deadline = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        do { try await channel.writeAndFlush(octets).get() } catch {
            throw TransportError.store(error)
        }
    }

    package func close() { channel.close(promise: nil) }
}
