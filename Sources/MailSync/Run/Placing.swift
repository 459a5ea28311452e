import MailCore

/// Turns "this UID is that archived message" into changes: a new place, or an old one under its new UID.
struct Placing: Sendable {
    let source: SyncSource
    let policy: SyncPolicy
    let ledger: RunLedger

    func changes(
        _ summary: MessageSummary, _ message: RandomID, _ work: MailboxWork, isNew: Bool, octets: Int
    ) -> [StateChange] {
        if let old = work.takeStale(message) { return pairedAgain(old, summary, work) }
        let fidelity = summary.fidelity ?? source.fidelity
        ledger.update(work.name) {
            $0.placedCount += 1
            $0.newCount += isNew ? 1 : 0
            $0.unescapedCount += fidelity == .unescaped ? 1 : 0
            $0.reconstructedCount += fidelity == .reconstructed ? 1 : 0
        }
        let link = Link(
            uid: summary.uid, message: message, flags: summary.flags, octetCount: summary.octetCount ?? octets,
            internalDate: summary.internalDate, objectID: summary.objectID)
        let event = OccurrenceEvent.placed(
            message: message, at: address(summary.uid, work), flags: summary.flags,
            internalDate: summary.internalDate, modSeq: summary.modSeq, channel: source.channel,
            fidelity: fidelity)
        let kind = StateChange.Kind.link(
            link, mailbox: work.name, validity: work.validity, isKnownContent: !isNew)
        return [StateChange(kind, event: event, octetCount: octets)]
    }

    private func pairedAgain(_ old: StaleLink, _ summary: MessageSummary, _ work: MailboxWork) -> [StateChange] {
        let changes = [remap(work, from: old.uidValidity, mapping: [old.link.uid: summary.uid])]
        guard policy.flags == .record, !summary.flags.isSame(as: old.link.flags) else { return changes }
        return changes + [flags(summary.uid, summary.flags, summary.modSeq, work)]
    }

    func remap(_ work: MailboxWork, from old: UIDValidity, mapping: [UID: UID]) -> StateChange {
        ledger.update(work.name) { $0.pairedAgainCount += mapping.count }
        return StateChange(
            .remap(mailbox: work.name, from: old, to: work.validity, mapping: mapping),
            event: .uidValidityChanged(
                account: source.account, mailbox: work.name, from: old, to: work.validity, mapping: mapping))
    }

    func flags(_ uid: UID, _ flags: FlagSet, _ modSeq: ModSeq?, _ work: MailboxWork) -> StateChange {
        ledger.update(work.name) { $0.flagChangeCount += 1 }
        return StateChange(
            .flags(uid, mailbox: work.name, validity: work.validity, flags),
            event: .flagsChanged(at: address(uid, work), flags: flags, modSeq: modSeq))
    }

    private func address(_ uid: UID, _ work: MailboxWork) -> OccurrenceAddress {
        OccurrenceAddress(account: source.account, mailbox: work.name, uidValidity: work.validity, uid: uid)
    }
}
