public import MailCore

/// A message that could not be taken, and stays where it is.
public struct PairQuarantine: Sendable, Hashable {
    public var message: PairMessage
    /// Raw value of ``Refusal/Reason`` or ``DeliveryRefusal/Reason``.
    public var reason: String
    /// The server's own words; no mail content.
    public var detail: String
    /// How often it was tried, this run included.
    public var attempts: Int
}

/// What a run did in one mailbox of one side.
public struct PairMailboxReport: Sendable, Hashable {
    public var side: PairSide
    public var mailbox: MailboxName
    /// Came from the other side.
    public var copiedCount = 0
    public var movedCount = 0
    public var flagChangeCount = 0
    public var expungedCount = 0
    /// Found equal to a message of the other side, and linked.
    public var adoptedCount = 0
    /// Why the mailbox could not be looked at or finished.
    public var failure: StoreError?

    public init(side: PairSide, mailbox: MailboxName) { (self.side, self.mailbox) = (side, mailbox) }

    public static func == (left: PairMailboxReport, right: PairMailboxReport) -> Bool {
        left.side == right.side && left.mailbox == right.mailbox && left.counts == right.counts
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(mailbox) }
    private var counts: [Int] {
        [copiedCount, movedCount, flagChangeCount, expungedCount, adoptedCount, failure == nil ? 0 : 1]
    }
}

/// What a run between two stores found and did.
public struct PairReport: Sendable {
    /// How it ended; each has an exit code of its own.
    public enum Outcome: String, Sendable, CaseIterable {
        case done
        case quarantined = "done-with-quarantine"
        /// Broken off, or a mailbox failed or was not shown whole: the next run goes on.
        case partial
        case refused = "refused-by-guard"
    }

    /// Those in which something happened, in order of name.
    public var mailboxes: [PairMailboxReport] = []
    /// What a dry run would do.
    public var plannedActions: [PairAction] = []
    public var refusals: [GuardRefusal] = []
    public var nearDuplicates: [NearDuplicate] = []
    /// What the user has to decide; one sentence each.
    public var conflicts: [String] = []
    public var quarantine: [PairQuarantine] = []
    /// What is not as it might be expected, and nobody has to decide; one sentence each.
    public var notes: [String] = []
    /// Neither side left mailboxes out of its listing, or messages that it counts: those could not be dealt with.
    public var isShownWhole = true
    /// Names of a selection that no mailbox of either side has.
    public var unmatched: [MailboxPattern] = []
    /// A side broke off; what is counted here is done.
    public var interruption: StoreError?
    public var interruptedSide: PairSide?
    /// Why the run stopped before its end by itself.
    public var pause: String?
    public var createdMailboxes: [String] = []
    public var renamedMailboxes: [String] = []
    public var removedMailboxes: [String] = []
    /// Steps that were planned and are done, or void because the message had changed.
    public var effectCount = 0
    /// Fetched from either side, to copy and to compare.
    public var fetchedOctets: Int64 = 0
    public var deliveredOctets: Int64 = 0
    /// Of the messages copied, those whose octets the other side had already.
    public var relayedCount = 0
    /// Messages read only to know who is who.
    public var comparedCount = 0

    public init() {}

    public var outcome: Outcome {
        guard interruption == nil, pause == nil, isShownWhole, mailboxes.allSatisfy({ $0.failure == nil }) else {
            return .partial
        }
        if !refusals.isEmpty { return .refused }
        return quarantine.isEmpty ? .done : .quarantined
    }

    /// Neither store was changed.
    public var isUnchanged: Bool { effectCount == 0 && plannedActions.allSatisfy { !$0.hasEffect } }

    public func total(_ count: (PairMailboxReport) -> Int) -> Int { mailboxes.reduce(0) { $0 + count($1) } }

    mutating func update(_ side: PairSide, _ name: MailboxName, _ change: (inout PairMailboxReport) -> Void) {
        if let position = mailboxes.firstIndex(where: { $0.side == side && $0.mailbox == name }) {
            change(&mailboxes[position])
        } else {
            var report = PairMailboxReport(side: side, mailbox: name)
            change(&report)
            mailboxes.append(report)
        }
    }
}

/// How far a run between two stores is.
public struct PairProgress: Sendable, Hashable {
    public var mailbox: MailboxName
    public var effectsDone: Int
    public var effectsTotal: Int
    public var octetsDone: Int64
}
