package import ArchiveCatalog
package import MailCore

/// One mailbox of the server against the archive, as sets of UIDs: no I/O.
package struct MailboxComparison {
    /// What is known beside the archived occurrences.
    package struct Known {
        /// `nil`: the archive has no such mailbox.
        package var archived: ArchivedUIDs?
        /// UIDVALIDITY the archive has last seen.
        package var uidValidity: UIDValidity?
        package var quarantine: [UID: Refusal] = [:]
        package var erased = UIDSet()
        /// UIDNEXT at the end of the last complete pull.
        package var lastUIDNext: UID?

        package init(archived: ArchivedUIDs?, uidValidity: UIDValidity?) {
            (self.archived, self.uidValidity) = (archived, uidValidity)
        }
    }

    let mailbox: String
    package private(set) var row: ReconciledMailbox
    package private(set) var differences: [Difference] = []
    /// On the server and archived under the same UID.
    package private(set) var matched = UIDSet()

    package init(_ mailbox: String, server: MailboxCensus, known: Known) {
        self.mailbox = mailbox
        row = ReconciledMailbox(mailbox, uidValidity: server.status.uidValidity.value, server: server.uids.count)
        guard let archived = known.archived else {
            add(.mailboxNotArchived, server.uids, detail: nil)
            if !server.isComplete { addIncomplete() }
            return
        }
        matched = server.uids.intersection(archived.present)
        row.archived = archived.present.count + archived.lost.count + archived.elsewhereCount
        row.matched = matched.count
        add(.lostHere, server.uids.intersection(archived.lost))
        var rest = server.uids.subtracting(archived.present).subtracting(archived.lost)
        rest = addKnown(rest, known)
        addUnknown(rest, archived, known, server)
        // A message that came and was archived after the listing is not one that went.
        let seen = server.status.uidNext.map { UIDSet(ranges: $0.value > 1 ? [1...($0.value - 1)] : []) }
        let held = archived.present.union(archived.lost)
        let gone = (seen.map(held.intersection) ?? held).subtracting(server.uids)
        if server.isComplete { add(.goneOnServer, gone) } else { addIncomplete() }
        if archived.elsewhereCount > 0 { addWhole(.formerUIDValidity, archived.elsewhereCount) }
    }

    /// Takes out what quarantine and erasure account for.
    private mutating func addKnown(_ uids: UIDSet, _ known: Known) -> UIDSet {
        var rest = uids
        let quarantined = Dictionary(grouping: known.quarantine.filter { rest.contains($0.key) }, by: \.value)
        for (refusal, entries) in quarantined.sorted(by: { $0.value[0].key < $1.value[0].key }) {
            let set = UIDSet(entries.map(\.key))
            add(
                .quarantined, set, cause: refusal.reason.rawValue,
                detail: refusal.detail.isEmpty ? nil : refusal.detail)
            rest = rest.subtracting(set)
        }
        let erased = rest.intersection(known.erased)
        add(.erasedHere, erased)
        return rest.subtracting(erased)
    }

    /// Tells apart why `uids`, which the server lists, are not archived.
    private mutating func addUnknown(
        _ uids: UIDSet, _ archived: ArchivedUIDs, _ known: Known, _ server: MailboxCensus
    ) {
        if let former = known.uidValidity, former.value != 0, former != server.status.uidValidity {
            add(
                .uidValidityChanged, uids,
                detail: "\(former) in the archive, \(server.status.uidValidity) on the server")
            return
        }
        let back = uids.intersection(archived.gone)
        add(.backOnServer, back)
        let rest = uids.subtracting(back)
        let held = [archived.present.max, archived.lost.max, archived.gone.max, known.quarantine.keys.max()]
        let highest = held.compactMap { $0?.value }.max() ?? 0
        let first = known.lastUIDNext?.value ?? (highest == .max ? highest : highest + 1)
        let new = rest.intersection(UIDSet(ranges: [first...(.max)]))
        add(.newSincePull, new)
        add(.notArchived, rest.subtracting(new))
    }

    private mutating func addIncomplete() {
        addWhole(.notLookedAt, 0, detail: "the listing does not add up to the number of messages")
    }

    /// A difference of the whole mailbox; counts nothing on the server.
    package mutating func addWhole(_ reason: DifferenceReason, _ messages: Int, detail: String? = nil) {
        differences.append(
            Difference(
                mailbox: mailbox, reason: reason, standing: reason.standing, uids: "", messages: messages,
                detail: detail))
    }

    /// `uids` differ for `reason`; nothing is said of none.
    package mutating func add(
        _ reason: DifferenceReason, _ uids: UIDSet, cause: String? = nil, detail: String? = nil
    ) {
        guard !uids.isEmpty else { return }
        let count = uids.count
        differences.append(
            Difference(
                mailbox: mailbox, reason: reason, standing: reason.standing, uids: uids.description, messages: count,
                cause: cause, detail: detail))
        guard reason != .goneOnServer else { return }
        switch reason.standing {
        case .explained: row.explained += count
        case .pending: row.pending += count
        case .unaccounted: row.unaccounted += count
        }
    }

    /// What a look at sizes and octets of ``matched`` came to.
    package mutating func add(_ deep: DeepFindings) {
        (row.comparedSizes, row.comparedContents) = (deep.sizes, deep.contents)
        for (reason, uids) in deep.found.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            row.matched -= uids.count
            add(reason, uids)
        }
    }
}

/// What `--deep` found in one mailbox.
package struct DeepFindings {
    /// Messages whose sizes, and whose octets, were compared.
    package var sizes = 0
    package var contents = 0
    package var found: [DifferenceReason: UIDSet] = [:]

    package init() {}

    mutating func add(_ reason: DifferenceReason, _ uid: UID) { found[reason, default: UIDSet()].insert(uid) }
}

extension ReconciledMailbox {
    init(_ mailbox: String, uidValidity: UInt32? = nil, server: Int = 0, archived: Int = 0) {
        self.init(
            mailbox: mailbox, uidValidity: uidValidity, server: server, archived: archived, matched: 0, explained: 0,
            pending: 0, unaccounted: 0, comparedSizes: 0, comparedContents: 0)
    }
}
