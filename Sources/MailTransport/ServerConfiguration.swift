/// How a mail server is reached; passed in, never read from anywhere here.
public struct ServerConfiguration: Sendable {
    public enum Security: String, Sendable, Hashable {
        /// TLS from the first octet (RFC 8314 §3).
        case implicitTLS
        /// TLS by a command of the protocol (STARTTLS, STLS), or nothing.
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
    /// What the protocol is called in ALPN: `imap`, `pop3`. RFC 7301 §6
    public var protocolID: String
    /// PEM file of trusted roots instead of the system's.
    public var caFile: String?
    public var verification = Verification.full
    /// In place of chain and name: whether the server's own certificate (DER) is the one that is known; `nil`: it is.
    ///
    /// What is returned otherwise is the reason, as a sentence's end: "the certificate is …".
    public var pin: (@Sendable ([UInt8]) -> String?)?
    public var connectTimeout = Duration.seconds(30)
    /// The longest silence in an answer.
    public var responseTimeout = Duration.seconds(120)

    public init(host: String, port: Int, security: Security, protocolID: String) {
        (self.host, self.port, self.security, self.protocolID) = (host, port, security, protocolID)
    }
}
