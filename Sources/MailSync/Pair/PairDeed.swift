public import MailCore

/// What a run between two stores did with one message or mailbox, once it is done; prints as a sentence.
public struct PairDeed: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Of mailboxes.
        case created, renamed, removed
        /// Of messages.
        case copied, moved, flagged, expunged
        /// The message stays where it is, and is tried again.
        case quarantined
    }

    /// A message, or a mailbox, before it was moved or copied.
    public struct Origin: Sendable, Hashable {
        public var side: PairSide
        public var mailbox: MailboxName
        /// `nil` for a mailbox.
        public var uid: UID?
    }

    public var kind: Kind
    /// The side that changed; of a message in quarantine the one it is on.
    public var side: PairSide
    /// Where the message is now, or was until it was expunged.
    public var mailbox: MailboxName
    /// `nil`: the store did not tell it, or not yet.
    public var uid: UID?
    /// Of what was copied, moved or renamed.
    public var origin: Origin?
    /// As announced or read; of messages.
    public var octetCount: Int?
    /// Flags that were set and cleared.
    public var adding: FlagSet = []
    public var removing: FlagSet = []
    /// Why a message was expunged, or is in quarantine; no mail content.
    public var reason: String?

    init(_ kind: Kind, _ side: PairSide, _ mailbox: MailboxName, uid: UID? = nil, from origin: Origin? = nil) {
        (self.kind, self.side, self.mailbox, self.uid, self.origin) = (kind, side, mailbox, uid, origin)
    }

    /// About a message where it is.
    init(_ kind: Kind, _ message: PairMessage, _ reason: String? = nil) {
        self.init(kind, message.side, message.mailbox, uid: message.uid)
        (octetCount, self.reason) = (message.octetCount, reason)
    }
}

extension PairDeed.Origin {
    init(_ message: PairMessage) { (side, mailbox, uid) = (message.side, message.mailbox, message.uid) }
}

extension PairDeed: CustomStringConvertible {
    public var description: String {
        let place = "\(Self.place(uid, mailbox)) in \(side)"
        switch kind {
        case .created, .removed: return "\(kind.rawValue) mailbox \(mailbox) in \(side)"
        case .renamed: return "renamed mailbox \(origin?.mailbox ?? mailbox) to \(mailbox) in \(side)"
        case .copied, .moved:
            let start = origin.map { "\(Self.place($0.uid, $0.mailbox)) in \($0.side)" } ?? "a message"
            return "\(kind.rawValue) \(start) to \(place)"
        case .flagged:
            let words = [(adding, "set"), (removing, "cleared")].filter { !$0.0.isEmpty }.map { "\($0.1) \($0.0)" }
            return "\(words.joined(separator: " and ")) on \(place)"
        case .expunged, .quarantined: return "\(kind.rawValue) \(place)" + (reason.map { ", \($0)" } ?? "")
        }
    }

    private static func place(_ uid: UID?, _ mailbox: MailboxName) -> String {
        uid.map { "UID \($0) of \(mailbox)" } ?? "\(mailbox)"
    }
}
