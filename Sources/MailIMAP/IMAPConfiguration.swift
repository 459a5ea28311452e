public import MailIMAPCore
public import MailSASL
public import MailTransport

/// How an account is reached; passed in, never read from anywhere here.
public struct IMAPConfiguration: Sendable {
    public var server: ServerConfiguration
    public var user: String
    /// Asked for at each login; the octets are kept only while it lasts. The access token, where `mechanism` takes one.
    public var password: @Sendable () async throws -> [UInt8]
    /// Another one in place of that which the server refused, once a login; `nil`: there is no other.
    public var renewal: (@Sendable ([UInt8]) async throws -> [UInt8])?
    /// `login` is the command LOGIN.
    public var mechanism = SASLMechanism.automatic
    /// Needed for SCRAM-SHA-256; without it PLAIN or LOGIN is used (inside TLS).
    public var scram: SCRAMPrimitives?

    /// LIMIT: connections at most; servers begin to refuse at about 10. Two are begun with (``ConnectionWidth``).
    public var maxConnections = 4

    /// False: a command is sent when the one before is answered.
    public var pipelines = true

    /// Refuses, before it is sent, every command after which anything on the server could be different.
    public var onlyReads = false

    /// LIMIT: octets announced for one FETCH of bodies: 2 in flight cover 100 ms at 600 Mbit/s.
    public var bodyBatchOctetCount = 4 << 20
    /// LIMIT: messages for one FETCH of bodies.
    public var bodyBatchMessageCount = 500
    /// LIMIT: messages beyond this are asked for in parts, so that a broken connection costs one part.
    public var partialFetchThreshold = 64 << 20
    public var partialFetchOctetCount = 8 << 20
    /// Mailboxes looked at in one flight of commands.
    public var observationWindow = 20
    /// ENABLE UTF8=ACCEPT where offered (always done for UTF8=ONLY).
    public var enablesUTF8 = false
    /// What ID tells the server; empty: NIL.
    public var clientID: [(String, String)] = [("name", "mailarc")]
    public var parserLimits = ResponseParser.Limits()

    public init(
        host: String, port: Int? = nil, security: ServerConfiguration.Security = .implicitTLS, user: String,
        password: @escaping @Sendable () async throws -> [UInt8]
    ) {
        server = ServerConfiguration(
            host: host, port: port ?? (security == .implicitTLS ? 993 : 143), security: security, protocolID: "imap")
        (self.user, self.password) = (user, password)
    }
}

extension IMAPConfiguration {
    /// Readers that are worth having at once: each hashes and compresses what it reads. Further connections are for
    /// what is read ahead.
    public var lanes: Int { min(maxConnections, max(2, maxConnections / 2)) }
}

extension IMAPConfiguration: CustomStringConvertible {
    /// Without secrets.
    public var description: String { "\(user) at \(server.host):\(server.port) (\(server.security.rawValue))" }
}
