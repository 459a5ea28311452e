import MailCore
import MailTransport
import NIOCore

/// One POST a connection; redirects are refused, certificates verified.
package struct HTTPClient: Sendable {
    /// PEM file of trusted roots instead of the system's.
    package var caFile: String?

    /// LIMIT: how long one request may take altogether, and how long the server may be silent meanwhile.
    private static let longest = Duration.seconds(60)
    private static let silence = Duration.seconds(30)

    package init(caFile: String? = nil) { self.caFile = caFile }

    /// Sends `fields` as a form.
    ///
    /// - Throws: `.connection`, `.tls`, `.malformed` (a redirect, too), `.cancelled`.
    package func post(
        _ url: HTTPURL, _ fields: [(name: String, value: String)]
    ) async throws(OAuthError) -> HTTPReply {
        var server = ServerConfiguration(
            host: url.host, port: url.port, security: url.isSecure ? .implicitTLS : .plaintext, protocolID: "http/1.1")
        (server.caFile, server.responseTimeout) = (caFile, Self.silence)
        let reply: HTTPReply
        do throws(StoreError) {
            let transport = try await Transport.connect(server)
            defer { transport.close() }
            transport.write(Self.request(url, FormText.encode(fields)))
            reply = try await Self.reply(from: transport)
        } catch {
            if let inner = error.cause as? OAuthError { throw inner }
            let kind: OAuthError.Kind =
                switch error.kind {
                case .tlsFailed: .tls
                case .cancelled: .cancelled
                default: .connection
                }
            throw OAuthError(kind, "\(url.host): \(error.message)", cause: error.cause)
        }
        guard !(300..<400).contains(reply.status) else {
            throw OAuthError(
                .malformed, "\(url.text) redirects to another place; secrets are not sent there: name the URL itself")
        }
        return reply
    }

    private static func request(_ url: HTTPURL, _ body: String) -> [UInt8] {
        let lines = [
            "POST \(url.target) HTTP/1.1", "Host: \(url.hostField)", "User-Agent: mailarc", "Accept: application/json",
            "Content-Type: application/x-www-form-urlencoded", "Content-Length: \(body.utf8.count)",
            "Connection: close", "", "",
        ]
        return Array((lines.joined(separator: "\r\n") + body).utf8)
    }

    private static func reply(from transport: Transport) async throws(StoreError) -> HTTPReply {
        let deadline = ContinuousClock.now + longest
        var octets: [UInt8] = []
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                throw StoreError(.connectionLost, "the answer did not come to an end in time", retry: .later)
            }
            let buffers = try await transport.read(within: min(left, silence))
            for buffer in buffers { octets += buffer.readableBytesView }
            do throws(OAuthError) {
                if let reply = try HTTPReply.parse(octets, isEnd: buffers.isEmpty) { return reply }
            } catch { throw StoreError(.protocolViolation, error.message, cause: error) }
        }
    }
}
