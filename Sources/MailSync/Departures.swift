package import MailCore

/// Messages that left a mailbox, as sets: all of a large mailbox may leave at once.
package struct Departures: Sendable {
    /// No longer there, by the UIDVALIDITY under which they are linked.
    package private(set) var gone: [UIDValidity: UIDSet] = [:]
    /// Messages in quarantine that left.
    package private(set) var quarantined = UIDSet()

    package init() {}

    package var isEmpty: Bool { gone.isEmpty && quarantined.isEmpty }
    package var uids: UIDSet { gone.values.reduce(quarantined) { $0.union($1) } }
    /// ``gone``, ascending by UIDVALIDITY.
    package var ordered: [(uidValidity: UIDValidity, uids: UIDSet)] {
        gone.sorted { $0.key.value < $1.key.value }.map { ($0.key, $0.value) }
    }

    mutating func insert(_ uid: UID, _ uidValidity: UIDValidity) { gone[uidValidity, default: UIDSet()].insert(uid) }
    mutating func insertQuarantined(_ uid: UID) { quarantined.insert(uid) }

    mutating func formUnion(_ other: Departures) {
        gone.merge(other.gone) { $0.union($1) }
        quarantined = quarantined.union(other.quarantined)
    }

    package func contains(_ uid: UID, _ uidValidity: UIDValidity) -> Bool { gone[uidValidity]?.contains(uid) == true }

    /// One action each.
    package func actions(_ mailbox: MailboxName) -> [SyncAction] {
        let left = ordered.flatMap { entry in
            entry.uids.uids.map { SyncAction.recordGone(uid: $0, mailbox: mailbox, uidValidity: entry.uidValidity) }
        }
        return left + quarantined.uids.map { .dropQuarantine(uid: $0, mailbox: mailbox) }
    }
}
