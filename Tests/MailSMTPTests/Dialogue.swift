import MailSMTP

/// A session that a test talks to: what it answers, and what it took.
struct Dialogue {
    var session: ReceiverSession
    /// Everything that was answered, as sent.
    private(set) var answers = ""
    private(set) var content: [UInt8] = []
    private(set) var envelopes: [ReceivedEnvelope] = []
    private(set) var messages: [[UInt8]] = []
    private(set) var abandonedCount = 0
    private(set) var isClosed = false
    private(set) var wantsTLS = false
    /// What is answered to recipients that begin with it.
    var verdicts: [String: SMTPReply] = [:]
    /// What is answered for each recipient of a message.
    var stored: (ReceivedEnvelope) -> [SMTPReply] = { envelope in envelope.recipients.map { _ in .ok } }

    init(
        _ mailProtocol: MailProtocol = .smtp, offersTLS: Bool = false, requiresTLS: Bool = false,
        _ change: (inout ReceiverLimits) -> Void = { _ in }
    ) {
        var limits = ReceiverLimits()
        change(&limits)
        session = ReceiverSession(
            mailProtocol, hostName: "mx", limits: limits, offersTLS: offersTLS, requiresTLS: requiresTLS)
        handle(.connected)
        answers = ""
    }

    mutating func handle(_ event: ReceiverSession.Event) {
        var actions = session.handle(event)[...]
        while let action = actions.popFirst() {
            switch action {
            case .send(let reply): answers += String(decoding: reply.octets, as: UTF8.self)
            case .checkRecipient(let path, _):
                let verdict = verdicts.first { path.text.hasPrefix($0.key) }?.value
                actions += session.handle(.recipient(verdict ?? SMTPReply(250, "2.1.5", "Ok")))
            case .beginMessage(let envelope):
                envelopes.append(envelope)
                content = []
            case .content(let octets): content += octets
            case .endMessage:
                messages.append(content)
                actions += session.handle(.stored(envelopes.last.map(stored) ?? []))
            case .abandonMessage:
                abandonedCount += 1
                content = []
            case .startTLS: wantsTLS = true
            case .close: isClosed = true
            }
        }
    }

    /// Says `text`, whose lines end with LF here and with CRLF on the wire, and gives the codes that came back.
    @discardableResult
    mutating func say(_ text: String) -> [String] {
        exactly(text.replacing("\n", with: "\r\n"))
    }

    /// Says `text` as it is.
    @discardableResult
    mutating func exactly(_ text: String) -> [String] {
        answers = ""
        handle(.received(Array(text.utf8)))
        return codes
    }

    /// Of the last line of each reply: `250 2.1.0`.
    var codes: [String] {
        answers.split(separator: "\r\n").filter { $0.dropFirst(3).first == " " }.map { line in
            let words = line.split(separator: " ")
            let hasStatus = words.count > 1 && words[1].count { $0 == "." } == 2
            return words.prefix(hasStatus ? 2 : 1).joined(separator: " ")
        }
    }
}
