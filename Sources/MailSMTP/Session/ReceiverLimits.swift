/// What a receiver takes of one client; each number is named and can be set.
package struct ReceiverLimits: Sendable, Hashable {
    /// LIMIT: octets of a command line with CRLF. RFC 5321 §4.5.3.1.4 asks for 512, its extensions and RFC 6531 for more.
    package var commandLength = 2_048
    /// LIMIT: RFC 5321 §4.5.3.1.8 asks for 100; Postfix sends at most 50 in one transaction unless told otherwise.
    package var recipients = 1_000
    /// Octets of one message, as archived.
    package var messageSize = 500 << 20
    /// LIMIT: what is read and thrown away behind a message that is too large, before the connection is given up.
    package var overrun = 64 << 20
    /// LIMIT: refused commands of one session; a mail server makes none, a probe makes many.
    package var errors = 20
    /// LIMIT: commands without a message between two messages (NOOP, RSET, VRFY, HELP, EHLO, empty transactions).
    package var idleCommands = 100
    /// LIMIT: open connections over all addresses. Each holds about 200 KiB at most.
    package var connections = 2_000
    /// Without an octet from the client. RFC 5321 §4.5.3.2.7 asks for 5 minutes.
    package var idleTime = Duration.seconds(300)
    /// For one command line from its first octet to its last: a client that drips is given up.
    package var commandTime = Duration.seconds(300)
    /// For the content of one message, and as long again for every ``contentRate`` octets.
    package var contentTime = Duration.seconds(600)
    /// Octets that a client may be expected to send within ``contentTime``: about 1 KiB a second.
    package var contentRate = 600 << 10
    /// For the TLS handshake.
    package var handshakeTime = Duration.seconds(30)
    /// A CR without LF in the content is kept instead of being refused; a LF without CR never is.
    package var acceptsBareCR = false

    package init() {}
}
