/// What was told around a message when it was delivered, kept beside its octets.
///
/// Nothing of it stands in the message: a Bcc recipient, a null reverse-path and who brought it are only here.
public struct DeliveryFacts: Hashable, Sendable, Codable {
    /// Which way the message went, from where the archive stands.
    public enum Direction: UInt8, Sendable, Codable, CaseIterable {
        case unknown = 0
        case received = 1
        case sent = 2
    }

    public var direction: Direction
    /// The reverse-path without angle brackets; empty for the null one.
    public var sender: String
    /// The envelope recipients that led to this place, as the client gave them.
    public var recipients: [String]
    /// Address and port of the client; `unix` for a socket of this machine, `uid 1000` for a pipe.
    public var client: String
    /// What the client called itself; empty where nobody asked.
    public var helloName: String
    /// `ESMTP`, `LMTP`, `UTF8LMTPS`, … (RFC 3848, RFC 6531 §4.3); empty for a pipe.
    public var transport: String
    /// Version of TLS; empty in the clear.
    public var tls: String
    /// When the last octet came, in seconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    /// Until when a rule keeps the message here, in seconds since 1970; `nil`: for good.
    public var keptUntil: Int64?

    /// What was told; all but direction, sender and recipients may be empty.
    public init(
        direction: Direction, sender: String, recipients: [String], client: String = "", helloName: String = "",
        transport: String = "", tls: String = "", time: Int64, keptUntil: Int64? = nil
    ) {
        (self.direction, self.sender, self.recipients) = (direction, sender, recipients)
        (self.client, self.helloName, self.transport, self.tls) = (client, helloName, transport, tls)
        (self.time, self.keptUntil) = (time, keptUntil)
    }
}
