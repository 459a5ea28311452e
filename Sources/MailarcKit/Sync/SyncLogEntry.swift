import MailCore
import MailSync

/// One line of the log of a sync: what was done with one message or mailbox. No mail content.
public struct SyncLogEntry: Codable, Sendable {
    /// A message, or a mailbox, before it was copied, moved or renamed.
    public struct Origin: Codable, Sendable {
        public var side: String
        public var mailbox: String
        public var uid: Int?
    }

    /// RFC 3339, UTC.
    public var time: String
    /// `created`, `renamed`, `removed` (mailboxes), `copied`, `moved`, `flagged`, `expunged`, `quarantined` (messages),
    /// `failed` (a mailbox); `began`, `ended` (the run).
    public var event: String
    /// `source` or `destination`: which side changed.
    public var side: String?
    public var mailbox: String?
    /// In ``mailbox``; absent where the store does not tell it.
    public var uid: Int?
    public var from: Origin?
    public var octets: Int?
    public var added: [String]?
    public var removed: [String]?
    /// Of a message that was expunged or quarantined, of a mailbox that failed; the outcome of the run.
    public var reason: String?
    public var source: String?
    public var destination: String?
    public var strategy: String?
    /// What was done, as a sentence; `nil` for the rest, which the report tells.
    public var text: String? { deed?.description }
    private var deed: PairDeed?

    private enum CodingKeys: String, CodingKey {
        case time, event, side, mailbox, uid, from, octets, added, removed, reason, source, destination, strategy
    }

    init(_ event: String) { (time, self.event) = (Clock.text(Clock.now()), event) }

    init(_ deed: PairDeed) {
        self.init(deed.kind.rawValue)
        self.deed = deed
        (side, mailbox, uid) = (deed.side.word, deed.mailbox.text, deed.uid.map { Int($0.value) })
        from = deed.origin.map {
            Origin(side: $0.side.word, mailbox: $0.mailbox.text, uid: $0.uid.map { Int($0.value) })
        }
        (octets, reason) = (deed.octetCount, deed.reason)
        if deed.kind == .flagged {
            (added, removed) = (deed.adding.flags.map(\.name).sorted(), deed.removing.flags.map(\.name).sorted())
        }
    }
}

extension SyncLogEntry {
    static func began(_ source: SyncEndpoint, _ destination: SyncEndpoint, _ strategy: SyncStrategy) -> SyncLogEntry {
        var entry = SyncLogEntry("began")
        (entry.source, entry.destination, entry.strategy) = (source.name, destination.name, strategy.rawValue)
        return entry
    }

    /// What failed, and how the run ended.
    static func ends(of report: PairSyncReport) -> [SyncLogEntry] {
        var entries = report.mailboxes.compactMap { mailbox -> SyncLogEntry? in
            guard let failure = mailbox.failure else { return nil }
            var entry = SyncLogEntry("failed")
            (entry.side, entry.mailbox, entry.reason) = (mailbox.side, mailbox.mailbox, failure)
            return entry
        }
        var end = SyncLogEntry("ended")
        end.reason = [report.outcome, report.interruption, report.pause].compactMap { $0 }.joined(separator: ": ")
        entries.append(end)
        return entries
    }

    static func ended(_ error: KitError) -> SyncLogEntry {
        var entry = SyncLogEntry("ended")
        entry.reason = error.message
        return entry
    }
}

extension PairSide {
    /// As people call it.
    var word: String { self == .a ? "source" : "destination" }
}
