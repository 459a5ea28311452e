/// Tells what the syncs of a watch do; what stays as it is, once.
struct PairTeller {
    let name: String
    let handler: WatchHandler
    /// What was told and still holds.
    private var told: Set<String> = []
    private var pausedUntil: Int64 = 0

    init(name: String, handler: @escaping WatchHandler) { (self.name, self.handler) = (name, handler) }

    func tell(_ kind: WatchEvent.Kind, _ text: String) { handler(WatchEvent(name, kind, text)) }

    func tell(_ kind: WatchEvent.Kind, _ text: String, retryAfter delay: Duration) {
        handler(WatchEvent(name, kind, text, retryAfter: delay))
    }

    func tellArmed(_ armed: WatchNotes.Armed) { handler(WatchEvent(name, side: armed.side, by: armed.method)) }

    /// Once a day: changes start a sync each, and each is paused.
    mutating func tellPause(_ text: String, retryAfter delay: Duration) {
        let end = Clock.now() + delay.components.seconds
        guard end > pausedUntil else { return }
        pausedUntil = end
        tell(.waiting, text, retryAfter: delay)
    }

    mutating func tell(_ report: PairSyncReport) {
        for mailbox in report.mailboxes {
            if let event = WatchEvent(name, mailbox) { handler(event) }
        }
        for (names, word) in [(report.created, "created"), (report.renamed, "renamed"), (report.removed, "removed")] {
            for mailbox in names { tell(.noted, "\(word) \(mailbox)") }
        }
        var events = report.refusals.map { WatchEvent(name, .held, "refused: \($0); sync --allow-mass-delete does it") }
        events += report.conflicts.map { WatchEvent(name, .noted, $0) }
        events += report.nearDuplicates.map { WatchEvent(name, .noted, $0) }
        events += report.unmatched.map { WatchEvent(name, .noted, "no mailbox is named \($0) so far") }
        events += report.quarantined.map {
            WatchEvent(name, .quarantined, "\($0.message) is quarantined: \($0.reason)")
        }
        events += report.mailboxes.compactMap { mailbox in
            mailbox.failure.map { WatchEvent(name, .problem, mailbox: mailbox.mailbox, $0) }
        }
        for event in events where !told.contains(event.key) { handler(event) }
        // A run that broke off says nothing of what it did not come to.
        let now = Set(events.map(\.key))
        told = report.interruption == nil && !report.isUnchanged ? now : told.union(now)
    }
}

extension WatchEvent {
    fileprivate var key: String { "\(event.rawValue)\n\(mailbox ?? "")\n\(text)" }

    /// What a sync changed in one mailbox; `nil` for nothing.
    init?(_ pair: String, _ mailbox: PairSyncReport.Mailbox) {
        let counts = [
            (mailbox.copied, "new"), (mailbox.flagChanges, "re-flagged"), (mailbox.expunged, "gone"),
            (mailbox.moved, "moved"), (mailbox.linked, "linked"),
        ]
        let told = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        guard !told.isEmpty else { return nil }
        self.init(pair, .synced, mailbox: mailbox.mailbox, "\(told.joined(separator: ", ")) in the \(mailbox.side)")
        side = mailbox.side
        (new, flagChanges) = (mailbox.copied, mailbox.flagChanges)
        (expunged, moved) = (mailbox.expunged, mailbox.moved)
    }
}
