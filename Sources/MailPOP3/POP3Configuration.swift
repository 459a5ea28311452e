public import MailSASL
public import MailTransport

/// How an account is reached; passed in, never read from anywhere here.
public struct POP3Configuration: Sendable {
    public var server: ServerConfiguration
    public var user: String
    /// Asked for at each login; the octets are kept only while it lasts. The access token, where `mechanism` takes one.
    public var password: @Sendable () async throws -> [UInt8]
    /// Another one in place of that which the server refused, once a login; `nil`: there is no other.
    public var renewal: (@Sendable ([UInt8]) async throws -> [UInt8])?
    /// `login` is AUTH LOGIN, else USER and PASS.
    public var mechanism = SASLMechanism.automatic
    /// Needed for SCRAM-SHA-256; without it PLAIN, LOGIN or USER is used (inside TLS).
    public var scram: SCRAMPrimitives?

    /// False: a command is sent when the one before is answered, whatever the server says.
    public var pipelines = true
    /// LIMIT: messages asked for before the first of them has come, where the server pipelines.
    public var pipelineDepth = 16

    /// - Parameter port: `nil`: 995 with implicit TLS, else 110.
    public init(
        host: String, port: Int? = nil, security: ServerConfiguration.Security = .implicitTLS, user: String,
        password: @escaping @Sendable () async throws -> [UInt8]
    ) {
        server = ServerConfiguration(
            host: host, port: port ?? (security == .implicitTLS ? 995 : 110), security: security, protocolID: "pop3")
        (self.user, self.password) = (user, password)
    }
}
