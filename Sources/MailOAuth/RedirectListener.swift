import MailCore
import MailTransport
import NIOCore
import NIOPosix

/// Waits on this machine's own address for what the browser brings back.
///
/// - SeeAlso: RFC 8252 §7.3
package struct RedirectListener: Sendable {
    private typealias Outcome = Result<String, OAuthError>

    private let server: NIOAsyncChannel<Transport, Never>
    private let host: String

    /// LIMIT: how long a login in a browser may take.
    package static let lifetime = Duration.seconds(900)
    /// LIMIT: octets of a request, and how long one may take to come.
    private static let requestLimit = 16 << 10
    private static let patience = Duration.seconds(30)

    /// Listens.
    ///
    /// - Parameters:
    ///   - host: what the redirect calls this machine: `127.0.0.1`, or `localhost` where a provider knows that only.
    ///   - port: 0: a free one.
    package init(host: String, port: Int = 0) async throws(OAuthError) {
        self.host = host
        do {
            server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.autoRead, value: false)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Transport(accepted: channel, timeout: Self.patience)
                    }
                }
        } catch {
            throw OAuthError(
                .cannotListen, "cannot listen at 127.0.0.1:\(port): \(TransportError.words(error))", cause: error)
        }
    }

    /// Where the browser is to come back to.
    package var redirect: String { "http://\(host):\(server.channel.localAddress?.port ?? 0)/" }

    /// The code that comes with `state`. Listens no more afterwards.
    ///
    /// - Throws: the server's refusal; `.expired`, `.cancelled`.
    package func code(state: String) async throws(OAuthError) -> String {
        let (outcomes, conclusion) = AsyncStream.makeStream(of: Outcome.self, bufferingPolicy: .bufferingOldest(1))
        let outcome: Outcome? = await withTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                await serve(state) { conclusion.yield($0) }
                return nil
            }
            group.addTask {
                for await outcome in outcomes { return outcome }
                return nil
            }
            group.addTask {
                guard (try? await Task.sleep(for: Self.lifetime)) != nil else { return nil }
                return .failure(OAuthError(.expired, "Nobody came back from the browser in time"))
            }
            defer { group.cancelAll() }
            for await outcome in group where outcome != nil { return outcome }
            return nil
        }
        guard let outcome else { throw OAuthError(.cancelled, "The login was broken off") }
        return try outcome.get()
    }

    /// Until the task is cancelled; one that keeps silent keeps nobody else waiting.
    private func serve(_ state: String, _ conclude: @escaping @Sendable (Outcome) -> Void) async {
        try? await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { inbound in
                for try await connection in inbound {
                    group.addTask {
                        if let outcome = await Self.answer(connection, state) { conclude(outcome) }
                    }
                }
            }
            group.cancelAll()
        }
    }

    private static func answer(_ connection: Transport, _ state: String) async -> Outcome? {
        defer { connection.close() }
        var octets: [UInt8] = []
        do throws(StoreError) {
            while !octets.contains(0x0A) {
                let buffers = try await connection.read()
                guard !buffers.isEmpty, octets.count < requestLimit else { return nil }
                for buffer in buffers { octets += buffer.readableBytesView }
            }
            let line = octets.prefix { $0 != 0x0D && $0 != 0x0A }
            let request = RedirectRequest(String(decoding: line, as: UTF8.self), state: state)
            try await connection.writeAll(ByteBuffer(bytes: request.octets))
            return request.outcome
        } catch { return nil }
    }
}
