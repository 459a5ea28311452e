internal import MailCore

/// Mailboxes made, renamed and deleted.
extension PairRun {
    /// Makes and renames mailboxes, in order; those made one after the other on one side in one flight.
    mutating func executeTree(_ actions: [PairAction]) async throws {
        var (side, made) = (PairSide.a, [NewMailbox]())
        for action in actions {
            switch action {
            case .createMailbox(let other, let name, let role):
                if other != side { try await create(&made, side) }
                side = other
                made.append(NewMailbox(name, role: role))
            case .renameMailbox(let other, let old, let new):
                try await create(&made, side)
                try await rename(other, old, new)
            default: continue
            }
        }
        try await create(&made, side)
    }

    private mutating func create(_ mailboxes: inout [NewMailbox], _ side: PairSide) async throws {
        defer { mailboxes = [] }
        for mailbox in mailboxes { try await freeName(mailbox.name, side) }
        guard mailboxes.count > 1, let store = ends[side].store as? any PipelinedDeliveryStore else {
            for mailbox in mailboxes {
                let made: Void? = try await on(side, mailbox: mailbox.name) { store throws(StoreError) in
                    try await store.create(mailbox.name, role: mailbox.role, isSubscribed: true)
                }
                if made != nil { try await noteMade(mailbox, side) }
            }
            return
        }
        let wanted = mailboxes
        let results = try await on(side) { _ throws(StoreError) in try await store.create(wanted) }
        for (mailbox, result) in zip(wanted, results) {
            switch result {
            case .success: try await noteMade(mailbox, side)
            case .failure(let error): report.update(side, mailbox.name) { $0.failure = error }
            }
        }
    }

    private mutating func noteMade(_ mailbox: NewMailbox, _ side: PairSide) async throws {
        advance(mailbox.name)
        report.createdMailboxes.append("\(mailbox.name) in \(side)")
        options.deeds?(PairDeed(.created, side, mailbox.name))
        try await noteCreated(side, mailbox.name, mailbox.role)
    }

    /// ORDER: a mailbox that was called `name` has its new name in the state before another one gets the old name.
    private func freeName(_ name: MailboxName, _ side: PairSide) async throws {
        for (row, base) in baseRows[side] where base.name == name {
            guard let now = listings[side][row]?.name, now != name else { continue }
            try await state.apply("rename", [.renameMailbox(row, now)])
        }
    }

    private mutating func noteCreated(_ side: PairSide, _ name: MailboxName, _ role: MailboxRole?) async throws {
        let wanted = mailboxes.firstIndex { $0.names[side] == name && $0.halves[side.other]?.isThere == true }
        guard let position = wanted ?? mailboxes.firstIndex(where: { $0.names[side] == name }) else { return }
        let listing = MailboxListing(name: name, role: role)
        var row = mailboxes[position].halves[side]?.row
        let lost = mailboxes.firstIndex { $0.halves[side]?.look == .gone && $0.halves[side]?.name == name }
        var changes: [PairChange] = []
        if row == nil, let lost {
            // The row of a mailbox that had this name goes over to the new one.
            row = mailboxes[lost].halves[side]?.row
            mailboxes[lost].halves[side] = nil
            changes.append(.pair(pair(lost)))
        }
        // ORDER: all of it in one transaction, so that no row is ever without its pair. Lost with the power, the two
        // mailboxes find each other by name.
        mailboxes[position].isTombstone = false
        if let row {
            // Another mailbox under the old name: its id is not the old one's.
            changes.append(.cursor(row, listing, UIDValidity(0), nil))
            var pair = pair(position)
            pair.rows[side] = row
            try await state.apply("mailbox", changes + [.pair(pair)], isDurable: false)
        } else {
            let change = PairChange.insertHalf(side, listing, UIDValidity(0), pair(position))
            row = try await state.apply("mailbox", [change], isDurable: false).first
        }
        guard let row else { return }
        var half = MailboxHalf(row: row, name: name, role: role, look: .complete)
        half.uidNext = .min
        mailboxes[position].halves[side] = half
        rowOfName[side][name] = row
        unfinished.insert(row)
    }

    private func pair(_ position: Int) -> PairTree.Pair {
        let mailbox = mailboxes[position]
        return PairTree.Pair(
            id: mailbox.id, a: mailbox.halves.a?.row, b: mailbox.halves.b?.row, isTombstone: false)
    }

    private mutating func rename(_ side: PairSide, _ old: MailboxName, _ new: MailboxName) async throws {
        do { try await ends[side].store.rename(old, to: new) } catch {
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            // A parent's rename may have taken it along.
            let listed = try await on(side) { store throws(StoreError) in try await store.mailboxes() }
            guard listed.listings.contains(where: { $0.name == new }) else {
                return report.update(side, old) { $0.failure = error }
            }
        }
        advance(new)
        report.renamedMailboxes.append("\(old) to \(new) in \(side)")
        options.deeds?(PairDeed(.renamed, side, new, from: PairDeed.Origin(side: side, mailbox: old)))
        guard let position = mailboxes.firstIndex(where: { $0.halves[side]?.name == old }),
            let row = mailboxes[position].halves[side]?.row
        else { return }
        mailboxes[position].halves[side]?.name = new
        mailboxes[position].names[side] = new
        rowOfName[side][new] = row
        listings[side][row]?.name = new
        renamed[side][old] = new
        var changes: [PairChange] = [.renameMailbox(row, new)]
        if let other = mailboxes[position].halves[side.other] { changes.append(.renameMailbox(other.row, other.name)) }
        try await state.apply("rename", changes)
    }

    mutating func remove(_ side: PairSide, _ name: MailboxName) async throws {
        let name = renamed[side][name] ?? name
        guard let position = mailboxes.firstIndex(where: { $0.halves[side]?.name == name }),
            let row = mailboxes[position].halves[side]?.row, !held.contains(row)
        else { return }
        do { try await ends[side].store.remove(name) } catch {
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            report.conflicts.append("\(name) in \(side) was not removed: \(error.message)")
            unfinished.insert(row)
            return
        }
        advance(name)
        report.removedMailboxes.append("\(name) in \(side)")
        options.deeds?(PairDeed(.removed, side, name))
        mailboxes[position].halves[side]?.look = .gone
        listings[side][row] = nil
    }
}
