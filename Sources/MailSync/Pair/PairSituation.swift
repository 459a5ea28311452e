package import MailCore

/// One side of a mailbox pair as a run finds it.
package struct MailboxHalf: Sendable, Hashable {
    package enum Look: Sendable, Hashable {
        /// Every message is known.
        case complete
        /// Some may not be known: nothing is gone.
        case incomplete
        /// UIDs mean nothing from one session to the next: known by content, never gone.
        case volatile
        /// Could not be looked at: nothing is planned.
        case failed
        /// The mailbox itself left.
        case gone
    }
    package var row: Int64
    package var name: MailboxName
    package var role: MailboxRole?
    package var look: Look
    package var uidValidity: UIDValidity?
    package var uidNext: UID?
    package var highestModSeq: ModSeq?
    package var messageCount = 0
    /// The messages the selection's SEARCH program found, where the store was asked.
    package var found: UIDSet?

    package init(row: Int64, name: MailboxName, role: MailboxRole? = nil, look: Look) {
        (self.row, self.name, self.role, self.look) = (row, name, role, look)
    }

    package var isThere: Bool { look != .gone }
    var canBeDeletedFrom: Bool { look == .complete }
}

/// A mailbox of A and the one of B that belongs to it.
package struct PairedMailbox: Sendable, Hashable {
    /// Row of the pair in the state.
    package var id: Int64
    package var halves: BothSides<MailboxHalf?>
    /// What the mailbox is to be called where it is not there.
    package var names: BothSides<MailboxName>
    /// The mailbox was deleted in B on purpose.
    package var isTombstone = false

    package init(id: Int64, a: MailboxHalf?, b: MailboxHalf?, names: BothSides<MailboxName>) {
        (self.id, halves, self.names) = (id, BothSides(a, b), names)
    }
}

/// A message that no link names.
package struct FreshMessage: Sendable, Hashable {
    package var side: PairSide
    /// Index into ``PairSituation/mailboxes``.
    package var pair: Int
    package var summary: MessageSummary
    package var content: ContentIdentity?
    /// It was to be compared, and could not be read.
    package var unread: Unread?

    package init(side: PairSide, pair: Int, summary: MessageSummary, content: ContentIdentity? = nil) {
        (self.side, self.pair, self.summary, self.content) = (side, pair, summary, content)
    }
}

/// Why a message could not be read.
package struct Unread: Sendable, Hashable {
    package var refusal: Refusal
    /// The message itself could not be had, and not its mailbox.
    package var isCounted: Bool

    package init(_ refusal: Refusal, isCounted: Bool = true) { (self.refusal, self.isCounted) = (refusal, isCounted) }
}

/// What became of one end of a link.
package enum EndStatus: Sendable, Hashable {
    /// The link has no such end.
    case none
    case present(FlagSet)
    case gone
    /// Its UIDVALIDITY is over.
    case stale
    case unknown
}

/// A link about which there may be something to do.
package struct TouchedLink: Sendable, Hashable {
    package var link: PairLink
    package var status: BothSides<EndStatus>

    package init(_ link: PairLink, a: EndStatus, b: EndStatus) {
        (self.link, status) = (link, BothSides(a, b))
    }
}

/// The new messages of a large mailbox that a plan is about: others of it are still to come.
package struct PairPart: Sendable {
    package var side: PairSide
    /// Index into ``PairSituation/mailboxes``.
    package var pair: Int
    package var uids: UIDSet
}

/// All that a plan is made from.
package struct PairSituation: Sendable {
    package var policy: PairPolicy
    package var selection = PairSelection()
    /// Seconds since 1970.
    package var now: Int64
    package var allowsMassDelete = false
    package var mailboxes: [PairedMailbox]
    package var links: [TouchedLink]
    /// Every unlinked message of the mailboxes looked at.
    package var fresh: [FreshMessage]
    /// Only these and what they are equal to are decided about; nothing is decided for want of a message.
    package var part: PairPart?
    /// Links known on one side alone, by row, that were to be compared and could not be read.
    package var unreadLinks: [Int64: Unread] = [:]

    package init(
        policy: PairPolicy, now: Int64 = 0, mailboxes: [PairedMailbox], links: [TouchedLink], fresh: [FreshMessage]
    ) {
        (self.policy, self.now, self.mailboxes) = (policy, now, mailboxes)
        (self.links, self.fresh) = (links, fresh)
    }

    func isAbout(_ message: FreshMessage) -> Bool {
        guard let part else { return true }
        return message.side == part.side && message.pair == part.pair && part.uids.contains(message.summary.uid)
    }
}

/// Compares two stores with what the last runs left of them.
///
/// Pure, total, deterministic: no I/O; a situation without differences gives no actions. `mailboxActions` come from
/// ``PairTree``.
package func plan(_ situation: PairSituation, mailboxActions: PairTree.Actions = .init()) -> PairPlan {
    var planner = PairPlanner(situation, mailboxActions)
    return planner.decided()
}
