import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Listens and takes mail, over SMTP and LMTP, until the task is cancelled.
package struct MailReceiver: Sendable {
    package struct Listener: Sendable, Hashable {
        package var mailProtocol: MailProtocol
        package var address: ListenAddress

        package init(_ mailProtocol: MailProtocol, _ address: ListenAddress) {
            (self.mailProtocol, self.address) = (mailProtocol, address)
        }
    }

    package struct Options: Sendable {
        package var listeners: [Listener]
        /// What the receiver calls itself.
        package var hostName: String
        package var limits = ReceiverLimits()
        package var tls: ReceiverTLS?
        /// No mail in the clear.
        package var requiresTLS = false
        /// TCP clients that are served.
        package var networks = ClientNetwork.loopback
        /// Of unix sockets: who may connect.
        package var socketMode: UInt32 = 0o660

        package init(listeners: [Listener], hostName: String) {
            (self.listeners, self.hostName) = (listeners, hostName)
        }
    }

    private typealias Server = NIOAsyncChannel<ReceiverChannel, Never>

    private let options: Options
    private let servers: [(listener: Listener, server: Server)]

    /// Binds every address, or none.
    ///
    /// - Throws: `.cannotListen`.
    package init(_ options: Options) async throws(SMTPError) {
        self.options = options
        var servers: [(Listener, Server)] = []
        do throws(SMTPError) {
            for listener in options.listeners {
                let server = try await Self.bind(listener)
                servers.append((listener, server))
                if case .unix(let path) = listener.address {
                    guard unsafe chmod(path, options.socketMode) == 0 else {
                        throw SMTPError(.cannotListen, "\(path): its mode cannot be set")
                    }
                }
            }
        } catch {
            for (listener, server) in servers { await Self.close(listener, server) }
            throw error
        }
        self.servers = servers
    }

    /// Where it listens, with the ports that were chosen for 0.
    package var listeners: [Listener] {
        servers.map { listener, server in
            guard case .tcp(let host, _) = listener.address else { return listener }
            return Listener(listener.mailProtocol, .tcp(host: host, port: server.channel.localAddress?.port ?? 0))
        }
    }

    /// Serves until the task is cancelled, which is no error: no more connections are taken, messages that are being
    /// stored are answered, everybody else hears 421.
    package func run(_ handler: any MailHandler) async throws(SMTPError) {
        let open = OpenConnections()
        let failure = await withTaskGroup(of: SMTPError?.self) { group in
            for (listener, server) in servers {
                group.addTask {
                    do {
                        try await serve(server, open, handler)
                        return nil
                    } catch is CancellationError {
                        return nil
                    } catch {
                        return SMTPError(.failed, "\(listener.address): \(error)", cause: error)
                    }
                }
            }
            var first: SMTPError?
            for await failure in group {
                first = first ?? failure
                // One address without the others is not what was asked for.
                group.cancelAll()
            }
            return first
        }
        for (listener, server) in servers { await Self.close(listener, server) }
        if let failure { throw failure }
    }

    private func serve(_ server: Server, _ open: OpenConnections, _ handler: any MailHandler) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { inbound in
                for try await channel in inbound {
                    let isAdmitted = open.enter(limit: options.limits.connections)
                    group.addTask {
                        await attend(channel, isAdmitted: isAdmitted, handler)
                        if isAdmitted { open.leave() }
                    }
                }
            }
        }
    }

    private func attend(_ channel: ReceiverChannel, isAdmitted: Bool, _ handler: any MailHandler) async {
        let refusal: SMTPReply?
        if !isAdmitted {
            refusal = .tooManyConnections
        } else if let ip = channel.ipAddress, !options.networks.contains(where: { $0.contains(ip) }) {
            refusal = .notAllowed
        } else {
            refusal = nil
        }
        guard let refusal else {
            var connection = ReceiverConnection(channel, options, handler: handler)
            await connection.run()
            return
        }
        handler.refused(refusal, client: ClientFacts(address: channel.address, mailProtocol: channel.mailProtocol))
        try? await channel.write(refusal.octets, within: .seconds(5))
        await channel.close()
    }

    // MARK: Sockets

    private static func bind(_ listener: Listener) async throws(SMTPError) -> Server {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: ReceiverChannel.readCount))
        let initializer: @Sendable (any NIOCore.Channel) -> EventLoopFuture<ReceiverChannel> = { channel in
            channel.eventLoop.makeCompletedFuture { try ReceiverChannel(channel, listener.mailProtocol) }
        }
        do {
            switch listener.address {
            case .tcp(let host, let port):
                return try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: host, port: port, childChannelInitializer: initializer)
            case .unix(let path):
                try await clear(path)
                return try await bootstrap.bind(unixDomainSocketPath: path, childChannelInitializer: initializer)
            }
        } catch let error as SMTPError {
            throw error
        } catch {
            let words = (error as? IOError).map { unsafe String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw SMTPError(.cannotListen, "cannot listen at \(listener.address): \(words)", cause: error)
        }
    }

    /// Takes away the socket of a receiver that was killed; one that somebody listens at is left.
    private static func clear(_ path: String) async throws(SMTPError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SMTPError(.cannotListen, "\(path) is there and no socket")
        }
        let client = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
        if let channel = try? await client.connect(unixDomainSocketPath: path).get() {
            try? await channel.close().get()
            throw SMTPError(.cannotListen, "somebody listens at unix:\(path) already")
        }
        _ = unsafe unlink(path)
    }

    private static func close(_ listener: Listener, _ server: Server) async {
        try? await server.channel.close().get()
        if case .unix(let path) = listener.address { _ = unsafe unlink(path) }
    }
}

/// Connections that are open, over all addresses.
private final class OpenConnections: Sendable {
    private let count = Mutex(0)

    /// False where there are `limit` already.
    func enter(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
}
