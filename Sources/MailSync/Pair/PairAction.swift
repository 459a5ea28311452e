public import MailCore

/// One step of a run between two stores; prints as a sentence.
public enum PairAction: Sendable, Hashable {
    case createMailbox(PairSide, MailboxName, role: MailboxRole?)
    case renameMailbox(PairSide, from: MailboxName, to: MailboxName)
    case removeMailbox(PairSide, MailboxName)
    /// The octets go to `to` on the other side.
    case copy(PairMessage, to: MailboxName, PairLink)
    /// To another mailbox of its own side.
    case move(PairMessage, to: MailboxName, PairLink)
    /// One message's flags, on one side or on both.
    case setFlags([FlagStep], PairLink)
    case expunge(PairMessage, PairLink?, Reason)
    /// Something becomes known; neither store changes.
    case record(PairLink, Note, PairMessage?)
    case forget(PairLink)

    /// A change of flags of one message on one side.
    public struct FlagStep: Sendable, Hashable {
        public var message: PairMessage
        public var adding: FlagSet
        public var removing: FlagSet
        package var unchangedSince: ModSeq?
    }

    /// Why a message is removed.
    public enum Reason: String, Sendable, Hashable {
        case goneOnOtherSide = "gone on the other side"
        case notInSource = "not in the source"
        case finishesMove = "was moved"
        case verifiedInB = "once its copy was read back"
        case cameLate = "which came by another channel after it was copied"

        /// Whether a deletion for this counts as one.
        var losesMail: Bool { self != .finishesMove && self != .cameLate }
    }

    /// What becomes known.
    public enum Note: Sendable, Hashable {
        case adopted(PairMessage)
        case kept, sourceGone, tombstone, waiting, duplicate, unread
        /// Taken out of A on purpose.
        case moved
        /// Its address on one side changed.
        case readdressed
        case flagsSeen
        case mailboxTombstone
    }

    /// What is known of the message.
    var link: PairLink? {
        switch self {
        case .copy(_, _, let link), .move(_, _, let link), .setFlags(_, let link), .record(let link, _, _),
            .forget(let link):
            link
        case .expunge(_, let link, _): link
        case .createMailbox, .renameMailbox, .removeMailbox: nil
        }
    }

    /// Whether a store is changed.
    public var hasEffect: Bool {
        switch self {
        case .record, .forget: false
        default: true
        }
    }
}

extension PairAction: CustomStringConvertible {
    public var description: String {
        switch self {
        case .createMailbox(let side, let name, _): "create mailbox \(name) in \(side)"
        case .renameMailbox(let side, let old, let new): "rename mailbox \(old) to \(new) in \(side)"
        case .removeMailbox(let side, let name): "remove mailbox \(name) from \(side)"
        case .copy(let message, let mailbox, _): "copy \(message) to \(mailbox) in \(message.side.other)"
        case .move(let message, let mailbox, _): "move \(message) to \(mailbox)"
        case .setFlags(let steps, _): steps.map(\.description).joined(separator: "; ")
        case .expunge(let message, _, let reason): "expunge \(message), \(reason.rawValue)"
        case .record(_, let note, let message): "\(note.verb) \(message?.description ?? "a message")\(note.detail)"
        case .forget: "forget a message that is gone on both sides"
        }
    }
}

extension PairAction.FlagStep: CustomStringConvertible {
    public var description: String {
        let parts =
            (adding.isEmpty ? [] : ["set \(adding)"]) + (removing.isEmpty ? [] : ["clear \(removing)"])
        return parts.joined(separator: " and ") + " on \(message)"
    }
}

extension PairAction.Note {
    fileprivate var verb: String {
        switch self {
        case .adopted: "link"
        case .kept: "keep"
        case .sourceGone, .moved: "keep"
        case .tombstone, .mailboxTombstone: "never make again"
        case .waiting: "wait for"
        case .unread: "try again to read"
        case .duplicate: "pass over"
        case .readdressed: "note the new place of"
        case .flagsSeen: "note the flags of"
        }
    }

    fileprivate var detail: String {
        switch self {
        case .adopted(let other): " to \(other)"
        case .kept: ", which is not in the source"
        case .sourceGone: ", which left the source"
        case .moved: ", which was taken out of the source"
        case .tombstone: ", which was deleted in the destination"
        case .mailboxTombstone: ", whose mailbox was deleted in the destination"
        case .waiting: " to come by another channel"
        case .duplicate: ", one of several equal messages"
        case .unread: ", which may be the same as one on the other side"
        case .readdressed, .flagsSeen: ""
        }
    }
}

/// Deletions that were not planned because they are too many at once.
public struct GuardRefusal: Sendable, Hashable, CustomStringConvertible {
    public enum Scope: Sendable, Hashable {
        case mailbox(MailboxName)
        case account
    }
    public var side: PairSide
    public var scope: Scope
    public var deletions: Int
    public var messages: Int

    public var description: String {
        switch scope {
        case .mailbox(let name): "\(deletions) of \(messages) messages of \(name) in \(side) were to be deleted"
        case .account: "\(deletions) of all \(messages) messages in \(side) were to be deleted"
        }
    }
}

/// Two messages with equal body, From and Subject that are not the same: never merged, only told.
public struct NearDuplicate: Sendable, Hashable {
    public var a: PairMessage
    public var b: PairMessage
}

/// What a run will do, in order. Decided without effects.
public struct PairPlan: Sendable {
    public var actions: [PairAction] = []
    public var refusals: [GuardRefusal] = []
    public var nearDuplicates: [NearDuplicate] = []
    /// What could not be decided for the user; one sentence each.
    public var conflicts: [String] = []
    /// Mailboxes (rows) about which something is left to do: they are looked at again.
    package var unfinished: Set<Int64> = []
    package var tombstonedPairs: Set<Int64> = []
    package var revivedPairs: Set<Int64> = []
    /// Mailboxes (rows) that keep the name they had in the base: their rename is still to be followed.
    var unfollowedRows: Set<Int64> = []
    /// By link, the mailbox (row) of the end that a copy is to replace: without the copy it is to be seen again.
    var givenUp: [Int64: Int64] = [:]
    /// What could not be read to be compared, and still may be.
    package var unread: [PairQuarantine] = []
    /// New messages of a part that are something known, about which a later plan decides.
    var leftOpen = UIDSet()

    /// The steps that change a store.
    public var effects: [PairAction] { actions.filter(\.hasEffect) }
}
