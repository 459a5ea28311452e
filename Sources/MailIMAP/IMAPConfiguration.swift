public import MailIMAPCore

/// How an account is reached; passed in, never read from anywhere here.
public struct IMAPConfiguration: Sendable {
    public enum Security: String, Sendable, Hashable {
        /// TLS from the first octet (port 993).
        case implicitTLS
        /// STARTTLS, or nothing.
        case startTLS
        /// In the clear: for tests and loopback only; must be asked for by name.
        case plaintext
    }

    public enum Verification: String, Sendable, Hashable {
        /// Chain and host name.
        case full
        case none
    }

    public var host: String
    public var port: Int
    public var security: Security
    /// PEM file of trusted roots instead of the system's.
    public var caFile: String?
    public var verification = Verification.full
    public var user: String
    /// Asked for at each login; the octets are kept only while it lasts.
    public var password: @Sendable () async throws -> [UInt8]
    public var mechanism = SessionStateMachine.Mechanism.automatic
    /// Needed for SCRAM-SHA-256; without it PLAIN or LOGIN is used (inside TLS).
    public var scram: SCRAMPrimitives?

    public var connectTimeout = Duration.seconds(30)
    /// The longest silence in an answer.
    public var responseTimeout = Duration.seconds(120)
    /// LIMIT: 1 and 2 connections fill most lines; servers begin to refuse at about 10.
    public var maxConnections = 2

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
        host: String, port: Int? = nil, security: Security = .implicitTLS, user: String,
        password: @escaping @Sendable () async throws -> [UInt8]
    ) {
        self.host = host
        self.port = port ?? (security == .implicitTLS ? 993 : 143)
        (self.security, self.user, self.password) = (security, user, password)
    }
}

extension IMAPConfiguration: CustomStringConvertible {
    /// Without secrets.
    public var description: String { "\(user) at \(host):\(port) (\(security.rawValue))" }
}
