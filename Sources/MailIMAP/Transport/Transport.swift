import MailCore
import NIOCore
import NIOPosix
import NIOSSL

/// One connection as octets in and out; nothing is read that was not asked for, but for a bounded read-ahead.
struct Transport: Sendable {
    private let channel: any NIOCore.Channel
    private let inlet: NIOLoopBound<Inlet>
    private let timeout: TimeAmount

    /// LIMIT: enough to keep the line busy while a message is stored; the memory of a session is bounded by it.
    private static let readAheadOctetCount = 1 << 20

    /// Connects; with implicit TLS the handshake runs with the first read.
    static func connect(_ configuration: IMAPConfiguration) async throws(StoreError) -> Transport {
        do {
            let ssl = configuration.security == .implicitTLS ? try TLSContext(configuration) : nil
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(configuration.connectTimeout))
                .channelOption(.autoRead, value: false)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(
                    .recvAllocator,
                    value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 18)
                )
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let ssl { try channel.pipeline.syncOperations.addHandler(ssl.makeHandler()) }
                        let inlet = Inlet()
                        inlet.isBehindTLS = ssl != nil
                        try channel.pipeline.syncOperations.addHandler(inlet)
                    }
                }
            let channel = try await bootstrap.connect(host: configuration.host, port: configuration.port).get()
            let inlet = try await channel.eventLoop.submit {
                NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: Inlet.self), eventLoop: channel.eventLoop)
            }.get()
            return Transport(channel: channel, inlet: inlet, timeout: TimeAmount(configuration.responseTimeout))
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .connectionFailed,
                "Cannot connect to \(configuration.host):\(configuration.port): \(TransportError.words(error))",
                retry: .later, cause: error)
        }
    }

    /// Puts TLS below the session. Nothing may have been read ahead.
    func startTLS(_ configuration: IMAPConfiguration) async throws(StoreError) {
        let ssl = try TLSContext(configuration)
        do {
            try await channel.eventLoop.submit { [channel, inlet] in
                try channel.pipeline.syncOperations.addHandler(ssl.makeHandler(), position: .first)
                inlet.value.isBehindTLS = true
            }.get()
        } catch {
            throw TransportError.store(error)
        }
    }

    /// From now on octets may be read before they are asked for.
    func allowReadAhead() {
        channel.eventLoop.execute { inlet.value.readAhead = Self.readAheadOctetCount }
    }

    /// The next octets, at least one; none when the server closed.
    ///
    /// - Parameter patience: how long to wait, where it is not the usual time.
    func read(isBulk: Bool = false, within patience: Duration? = nil) async throws(StoreError) -> [ByteBuffer] {
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
    func write(_ octets: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: octets), promise: nil)
    }

    /// Sends and waits until the kernel took it, so that a large message is never held whole.
    func writeAll(_ octets: [UInt8]) async throws(StoreError) {
        let deadline = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        do { try await channel.writeAndFlush(ByteBuffer(bytes: octets)).get() } catch {
            throw TransportError.store(error)
        }
    }

    func close() { channel.close(promise: nil) }
}

enum TransportError {
    /// `error` of the pipeline in the words of a mail store.
    static func store(_ error: any Error) -> StoreError {
        switch error {
        case let error as StoreError: return error
        case is CancellationError: return StoreError(.cancelled, "The task was cancelled", cause: error)
        case is InletTimeout:
            return StoreError(.connectionLost, "The server did not answer in time", retry: .later, cause: error)
        case NIOSSLError.uncleanShutdown:
            return StoreError(.connectionLost, "The server broke the TLS connection", retry: .now, cause: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return StoreError(.tlsFailed, "TLS failed: \(words(error))", cause: error)
        default:
            return StoreError(.connectionLost, "The connection broke: \(words(error))", retry: .now, cause: error)
        }
    }

    /// `error` in a few words, whatever the libraries tell of their inside.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            // SAFETY: strerror gives a terminated string that is copied at once.
            unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) } ?? "error \(error.errnoCode)"
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first {
                words(failure.error)
            } else {
                "the name is not known, or no name server answers"
            }
        case let error as ChannelError where error.isTimeout: "no answer in time"
        case is NIOSSLExtraError: "the certificate is not for this name"
        case is NIOSSLError where "\(error)".contains("CERTIFICATE_VERIFY_FAILED"):
            "the certificate is expired, self-signed, or signed by nobody known here"
        default: "\(error)"
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
    }
}

extension ChannelError {
    fileprivate var isTimeout: Bool {
        if case .connectTimeout = self { true } else { false }
    }
}
