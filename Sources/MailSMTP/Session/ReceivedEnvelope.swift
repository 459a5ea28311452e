/// What the client said around the content of a message.
package struct ReceivedEnvelope: Sendable, Hashable {
    /// Empty for the null reverse-path.
    package var sender: SMTPPath
    /// In the order they were accepted.
    package var recipients: [SMTPPath]
    /// What the client called itself.
    package var helloName: String
    /// `SMTP`, `ESMTP`, `ESMTPS`, `LMTP`, … with `UTF8` in front (RFC 3848, RFC 6531 §4.3).
    package var transport: String
    /// Version of TLS; `nil` in the clear.
    package var tls: String?
    /// As announced with SIZE; 0 where it was not.
    package var announcedSize: Int

    package init(
        sender: SMTPPath, recipients: [SMTPPath], helloName: String, transport: String, tls: String?,
        announcedSize: Int = 0
    ) {
        (self.sender, self.recipients, self.helloName) = (sender, recipients, helloName)
        (self.transport, self.tls, self.announcedSize) = (transport, tls, announcedSize)
    }
}

/// The two protocols; they differ in the greeting, and in how many replies follow the content.
package enum MailProtocol: String, Sendable, Hashable, CaseIterable { case smtp, lmtp }
