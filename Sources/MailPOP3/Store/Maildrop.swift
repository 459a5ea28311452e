import MailCore

/// The messages of one session under their UIDs.
struct Maildrop: Sendable {
    struct Message: Sendable {
        var uid: UID
        var number: Int
        var octetCount: Int
        /// The server's unique-id names it and nothing else.
        var isIdentified: Bool
    }

    var uidValidity: UIDValidity
    /// Ascending by UID.
    private(set) var messages: [Message]
    /// Every message of the server is among them.
    var isComplete: Bool
    /// Messages of the server.
    private let listedCount: Int
    private var places: [UID: Int] = [:]

    init(uidValidity: UIDValidity, messages: [Message], isComplete: Bool, listedCount: Int) {
        (self.uidValidity, self.isComplete, self.listedCount) = (uidValidity, isComplete, listedCount)
        self.messages = messages.sorted { $0.uid < $1.uid }
        for (place, message) in self.messages.enumerated() { places[message.uid] = place }
    }

    subscript(uid: UID) -> Message? { places[uid].map { messages[$0] } }

    var status: MailboxStatus {
        MailboxStatus(
            uidValidity: uidValidity, uidNext: nil, messageCount: listedCount, highestModSeq: nil)
    }

    /// Without flags and dates, which POP3 does not have.
    static func summary(_ message: Message) -> MessageSummary {
        MessageSummary(uid: message.uid, flags: [], octetCount: message.octetCount)
    }
}
