public import MailCore

/// One thing a run will do; prints as a sentence.
public enum SyncAction: Sendable, Hashable {
    case recordMailboxCreated(MailboxName, role: MailboxRole?, uidValidity: UIDValidity)
    case recordMailboxRenamed(from: MailboxName, to: MailboxName)
    case recordMailboxDeleted(MailboxName)
    /// UIDs that are the same messages under a new UIDVALIDITY, known without fetching.
    case pairAgain(mailbox: MailboxName, from: UIDValidity, to: UIDValidity, mapping: [UID: UID])
    case archive(MessageSummary, mailbox: MailboxName)
    /// The source's content id says that the archive has these octets.
    case place(MessageSummary, mailbox: MailboxName, message: RandomID)
    case recordFlags(uid: UID, mailbox: MailboxName, flags: FlagSet, modSeq: ModSeq?)
    case recordGone(uid: UID, mailbox: MailboxName, uidValidity: UIDValidity)
    /// A message in quarantine left the source.
    case dropQuarantine(uid: UID, mailbox: MailboxName)
    /// A message leaves the source once it was read back from the destination.
    case deleteInSource(uid: UID, mailbox: MailboxName)
}

extension SyncAction: CustomStringConvertible {
    public var description: String {
        switch self {
        case .recordMailboxCreated(let name, _, _): "record that \(name) was created"
        case .recordMailboxRenamed(let old, let new): "record rename of \(old) to \(new)"
        case .recordMailboxDeleted(let name): "record that \(name) was deleted"
        case .pairAgain(let mailbox, let old, let new, let mapping):
            "re-pair \(mapping.count) UIDs of \(mailbox) after UIDVALIDITY \(old) → \(new)"
        case .archive(let summary, let mailbox): "archive UID \(summary.uid) of \(mailbox)"
        case .place(let summary, let mailbox, _): "place UID \(summary.uid) of \(mailbox), already archived"
        case .recordFlags(let uid, let mailbox, let flags, _):
            "record flags \(flags.isEmpty ? "()" : flags.description) of UID \(uid) in \(mailbox)"
        case .recordGone(let uid, let mailbox, _): "record that UID \(uid) left \(mailbox)"
        case .deleteInSource(let uid, let mailbox):
            "delete UID \(uid) of \(mailbox) in the source, once it was read back from the archive and found equal"
        case .dropQuarantine(let uid, let mailbox): "forget UID \(uid) of \(mailbox), which could not be taken"
        }
    }
}

/// What a run will do, in order. Decided without effects.
public struct SyncPlan: Sendable {
    public var actions: [SyncAction]
    /// Mailboxes whose look must be repeated in full before anything of it is believed, by their names now.
    public var mailboxesToLookAtInFull: [MailboxName]

    public init(actions: [SyncAction] = [], mailboxesToLookAtInFull: [MailboxName] = []) {
        (self.actions, self.mailboxesToLookAtInFull) = (actions, mailboxesToLookAtInFull)
    }
}

/// Compares a source with what the last runs left of it.
///
/// Pure, total, deterministic: no I/O, and an unchanged source gives no actions.
/// - Throws: ``SyncError`` `.outage` when the source looks broken rather than emptied.
public func plan(
    base: SyncBase, source: SourceView, policy: SyncPolicy, acceptsDisappearance: Bool = false
) throws(SyncError) -> SyncPlan {
    let tree = try MailboxTreePlan(
        base: base.mailboxes, listings: source.listings, isComplete: source.isComplete, policy: policy,
        acceptsDisappearance: acceptsDisappearance)
    var plan = SyncPlan(actions: tree.firstActions)
    var departures: [SyncAction] = []
    for mailbox in tree.present {
        guard let observation = source.observations[mailbox.listing.name] else { continue }
        let messages = mailbox.base.flatMap { base.messages[$0.name] } ?? BaseMessages()
        let part = MailboxPlan(
            mailbox: mailbox, messages: messages, observation: observation,
            hasPersistentUIDs: source.hasPersistentUIDs, policy: policy)
        if part.needsFullLook { plan.mailboxesToLookAtInFull.append(mailbox.listing.name) }
        plan.actions += part.arrivals
        departures += part.departures.actions(mailbox.listing.name)
    }
    plan.actions += departures + tree.lastActions
    return plan
}
