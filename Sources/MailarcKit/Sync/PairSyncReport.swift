import MailCore
import MailSync

/// What a sync did, or would do.
public struct PairSyncReport: Codable, Sendable {
    public struct Mailbox: Codable, Sendable {
        /// `source` or `destination`: which side was changed.
        public var side: String
        public var mailbox: String
        public var copied: Int
        public var moved: Int
        public var flagChanges: Int
        public var expunged: Int
        /// Found equal on both sides, and linked.
        public var linked: Int
        public var failure: String?
    }

    public struct Quarantined: Codable, Sendable {
        public var message: String
        public var reason: String
        public var detail: String
        public var attempts: Int
    }

    public var source: String
    public var destination: String
    public var strategy: String
    public var isDryRun: Bool
    /// `done`, `done-with-quarantine`, `partial`, `refused-by-guard`.
    public var outcome: String
    public var mailboxes: [Mailbox]
    public var created: [String]
    public var renamed: [String]
    public var removed: [String]
    /// Of a dry run: one sentence each.
    public var plan: [String]
    /// Deletions that were too many to be done unasked.
    public var refusals: [String]
    public var conflicts: [String]
    /// In what messages are others at the destination, for it takes them only so, and mailboxes not shown whole.
    public var notes: [String]
    /// Messages that are nearly equal and were left as they are: one sentence each.
    public var nearDuplicates: [String]
    /// Names of the selection that no mailbox has.
    public var unmatched: [String]
    public var quarantined: [Quarantined]
    /// Why a side broke off.
    public var interruption: String?
    /// Why files could not be written, and what to do: `disk-full` or `io-failed`.
    public var storage: StorageTrouble?
    /// Why the run stopped before its end by itself: the day's octets are used up.
    public var pause: String?
    public var fetchedOctets: Int
    public var deliveredOctets: Int
    public var isUnchanged: Bool

    init(_ report: PairReport, _ request: SyncRequest, source: String, destination: String) {
        (self.source, self.destination, strategy) = (source, destination, request.strategy.rawValue)
        isDryRun = request.isDryRun
        outcome = report.outcome.rawValue
        mailboxes = report.mailboxes.map { mailbox in
            Mailbox(
                side: mailbox.side.word, mailbox: mailbox.mailbox.text,
                copied: mailbox.copiedCount, moved: mailbox.movedCount, flagChanges: mailbox.flagChangeCount,
                expunged: mailbox.expungedCount, linked: mailbox.adoptedCount, failure: mailbox.failure?.description)
        }
        (created, renamed, removed) = (report.createdMailboxes, report.renamedMailboxes, report.removedMailboxes)
        plan = report.plannedActions.filter(\.hasEffect).map(\.description)
        refusals = report.refusals.map(\.description)
        (conflicts, notes) = (report.conflicts, report.notes)
        unmatched = report.unmatched.map(\.text)
        nearDuplicates = report.nearDuplicates.map { "\($0.a) and \($0.b) are nearly equal" }
        quarantined = report.quarantine.map {
            Quarantined(
                message: $0.message.description, reason: $0.reason, detail: $0.detail, attempts: $0.attempts)
        }
        (interruption, pause) = (report.interruption?.description, report.pause)
        (fetchedOctets, deliveredOctets) = (Int(report.fetchedOctets), Int(report.deliveredOctets))
        isUnchanged = report.isUnchanged
        let failures = [report.interruption].compactMap { $0 } + report.mailboxes.compactMap(\.failure)
        if failures.contains(where: { $0.kind == .diskFull }) {
            storage = .diskFull
        } else if failures.contains(where: { $0.kind == .ioFailed }) {
            storage = .failed
        }
    }
}

/// Why files of an end could not be read or written.
public enum StorageTrouble: String, Codable, Sendable {
    case diskFull = "disk-full"
    case failed = "io-failed"

    /// What to do next.
    public var hint: String {
        switch self {
        case .diskFull: KitError.diskFullHint
        case .failed: "see that the files can be read and written; the next run goes on from there"
        }
    }
}
