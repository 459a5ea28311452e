/// Who is at the other end.
package struct ClientFacts: Sendable, Hashable {
    /// `unix` or the address with its port.
    package var address: String
    package var mailProtocol: MailProtocol

    package init(address: String, mailProtocol: MailProtocol) {
        (self.address, self.mailProtocol) = (address, mailProtocol)
    }
}

/// What a receiver takes mail for.
package protocol MailHandler: Sendable {
    /// Why no transaction can begin now; `nil`: it can. Called often, must return at once.
    func unavailable() -> SMTPReply?
    /// Whether mail for `recipient` is taken: a positive reply says yes.
    func check(_ recipient: SMTPPath, sender: SMTPPath, client: ClientFacts) -> SMTPReply
    /// Takes a message in. What goes wrong is the answer at its end.
    func begin(_ envelope: ReceivedEnvelope, client: ClientFacts) -> any MailSink
    /// Is told of every reply that is not positive.
    func refused(_ reply: SMTPReply, client: ClientFacts)
}

/// One message on its way in; used by one task.
package protocol MailSink: AnyObject {
    func append(_ octets: [UInt8]) async
    /// Answers for each recipient of the envelope, in its order: positive only for what is durable.
    ///
    /// Does not end early when the task is cancelled: what is said must be what is.
    func finish() async -> [SMTPReply]
    /// The message will not end; nothing of it is kept.
    func abandon()
}
