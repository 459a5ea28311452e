import MailCore

extension MailboxLook {
    /// What the commands so far amount to; call when all of them completed.
    public mutating func conclude() -> Conclusion {
        guard isOpen else { return concludeClosed() }
        if let failure, failure.asksForPatience { return .fail(.throttled(failure, mailbox: mailbox)) }
        if isOverfull || rowLimit.map({ (searches[1]?.count ?? 0) > $0 }) == true {
            return .fail(StoreError(.limitExceeded, "There is too much for one look", mailbox: mailbox))
        }
        switch tier {
        case .full: return concludeFull()
        case .quickResync, .condStore, .extendedSearch:
            guard let cursor, uidValidity == cursor.status.uidValidity.value else { return startOver() }
            return concludeDelta(cursor)
        }
    }

    private mutating func concludeClosed() -> Conclusion {
        let text = failure?.text ?? ""
        if failure?.condition == .bad, tier != .full || fullRounds == 0 {
            // A server that does not take its own EXAMINE parameters.
            tier = .full
            return startAgain(plainMetadata, isReopened: true)
        }
        if let failure, failure.isTemporary { return .fail(.throttled(failure, mailbox: mailbox)) }
        let kind: StoreError.Kind = failure?.code == .noPermission ? .refused : .noSuchMailbox
        return .fail(StoreError(kind, "The server refused to open it: \(text)", mailbox: mailbox))
    }

    /// The commands of ``Conclusion/again(_:)`` need the mailbox to be open.
    public var isOpenExpected: Bool { isOpen }

    var plainMetadata: [FetchItem] { metadata.filter { $0 != .modSeq } }

    var status: MailboxStatus {
        MailboxStatus(
            uidValidity: UIDValidity(uidValidity ?? 0), uidNext: uidNext.flatMap { UID($0) },
            messageCount: firstMessageCount ?? 0, highestModSeq: highestModSeq.flatMap { ModSeq($0) })
    }

    // MARK: Everything

    private mutating func concludeFull() -> Conclusion {
        if !leftOut.isEmpty, rows.count > rowsAtLimit {
            let more = listing(leftOut, metadata, from: finishedCount)
            (leftOut, rowsAtLimit) = ([], rows.count)
            commands += more
            return .again(more)
        }
        let messages = rows.merged()
        if failedCount > 0, messageCount > 0, fullRounds == 0 {
            // GMX, web.de: MODSEQ in FETCH is BAD.
            return startAgain(plainMetadata)
        }
        let adds = messages.count == messageCount && rowsWithoutUID == 0 && failedCount == 0
        // Something came or went during the look: once more, then it has to be called incomplete.
        if !adds, fullRounds == 0 { return startAgain(metadata) }
        if rowsWithoutUID > 0, let more = findUnnamed(messages) { return .again(more) }
        let known = vanished
        let present = known.isEmpty ? messages : messages.filter { !known.contains($0.uid) }
        return .done(
            MailboxObservation(
                status: status, content: .full(present),
                isComplete: adds && !isLimited && leftOut.isEmpty && firstMessageCount != nil))
    }

    /// The next commands that give rows without UID their UIDs; `nil` where that cannot be done.
    ///
    /// QUIRK: Exchange leaves UID out of single rows: what is searched and has no row is asked for alone.
    private mutating func findUnnamed(_ messages: [MessageSummary]) -> [Command]? {
        guard let number = unnamedSearch else {
            unnamedSearch = finishedCount
            let search = Command.uidSearch(.all, isExtended: false)
            commands.append(search)
            return [search]
        }
        guard singles.isEmpty, let all = searches[number], all.count == messageCount else { return nil }
        let missing = all.subtracting(UIDSet(messages.lazy.map(\.uid)))
        guard !missing.isEmpty, missing.count <= Self.singleCount else { return nil }
        rowsWithoutUID = 0
        for (offset, uid) in missing.uids.enumerated() { singles[finishedCount + offset] = uid }
        let more = missing.uids.map { Command.uidFetch(UIDSet([$0]).description, listedItems) }
        commands += more
        return more
    }

    /// Throws a delta away that cannot be believed.
    private mutating func startOver() -> Conclusion {
        tier = .full
        return startAgain(metadata, isFirstFullRound: true)
    }

    /// Forgets what came so far and lists everything.
    private mutating func startAgain(
        _ items: [FetchItem], isReopened: Bool = false, isFirstFullRound: Bool = false
    ) -> Conclusion {
        if !isFirstFullRound { fullRounds += 1 }
        let ranges = ListingWindows.ranges(isReopened ? announced : status)
        (rows, vanished, searches, rowsWithoutUID) = ([], UIDSet(), [:], 0)
        (singles, unnamedSearch) = ([:], nil)
        (failure, failedCount) = (nil, 0)
        (listed, leftOut, rowsAtLimit, isLimited) = ([:], [], 0, false)
        if isReopened { (finishedCount, isOpen, highestModSeq) = (0, false, nil) }
        let base = isReopened ? 1 : finishedCount
        let more = (isReopened ? [opening()] : []) + listing(ranges, items, from: base)
        commands += more
        return .again(more)
    }

    // MARK: Deltas

    private mutating func concludeDelta(_ cursor: MailboxCursor) -> Conclusion {
        guard failedCount == 0, rowsWithoutUID == 0, !isLimited, firstMessageCount != nil else { return startOver() }
        if let proof, proof.numbers.contains(where: { searches[$0].map { !$0.isEmpty } ?? true }) {
            return startOver()
        }
        if tier == .extendedSearch { return concludeSearches(cursor) }
        // A server whose HIGHESTMODSEQ is gone, 0 or lower than it was cannot be asked for changes.
        guard let now = highestModSeq.flatMap({ ModSeq($0) }), let then = cursor.status.highestModSeq, now >= then
        else { return startOver() }
        let changed = rows.merged()
        guard changed.allSatisfy({ $0.flags != MessageSummary.unknownFlags }) else { return startOver() }
        let new = UIDSet(changed.lazy.map(\.uid)).subtracting(cursor.knownUIDs)
        // A new message is described whole, or its date and size are lost for good.
        guard changed.allSatisfy({ $0.internalDate != nil || $0.octetCount != nil || !new.contains($0.uid) }) else {
            return startOver()
        }
        if tier == .condStore, let all = searches[3] {
            return concludeDelta(cursor, changed, gone: cursor.knownUIDs.subtracting(all), new, all: all)
        }
        let gone = cursor.knownUIDs.intersection(vanished)
        if cursor.knownUIDs.count - gone.count + new.subtracting(vanished).count == messageCount {
            guard isProven(gone) else { return prove(gone) }
            let present = vanished.isEmpty ? changed : changed.filter { !vanished.contains($0.uid) }
            return done(.delta(changed: present, vanished: gone))
        }
        guard tier == .condStore else { return startOver() }
        let search = Command.uidSearch(.all, isExtended: false)
        commands.append(search)
        return .again([search])
    }

    private mutating func concludeDelta(
        _ cursor: MailboxCursor, _ changed: [MessageSummary], gone: UIDSet, _ new: UIDSet, all: UIDSet
    ) -> Conclusion {
        guard all.count == messageCount, all.subtracting(cursor.knownUIDs).subtracting(new).isEmpty else {
            return startOver()
        }
        return done(.delta(changed: changed.filter { all.contains($0.uid) }, vanished: gone))
    }

    /// A search found none of `gone`: nothing is taken as gone by VANISHED alone.
    private func isProven(_ gone: UIDSet) -> Bool {
        guard !gone.isEmpty else { return true }
        guard let proof, gone.subtracting(proof.asked).isEmpty else { return false }
        return proof.numbers.allSatisfy { searches[$0] != nil }
    }

    /// Asks for the messages that are said to be gone; where one is found, or no answer came, everything is listed.
    ///
    /// QUIRK: servers name the wrong UIDs in VANISHED, as many as are gone, so that the count adds up.
    private mutating func prove(_ gone: UIDSet) -> Conclusion {
        guard proof == nil, gone.ranges.count <= Self.provenRunCount else { return startOver() }
        let sets = gone.pieces(octetCount: Self.setOctetCount)
        proof = (gone, finishedCount..<(finishedCount + sets.count))
        let more = sets.map { Command.uidSearch(.set($0), isExtended: hasExtendedSearch) }
        commands += more
        return .again(more)
    }

    private func done(_ content: MailboxObservation.Content) -> Conclusion {
        .done(MailboxObservation(status: status, content: content, isComplete: true))
    }

    /// The sets of UID SEARCH put together: flags of every message, metadata of the new ones.
    private mutating func concludeSearches(_ cursor: MailboxCursor) -> Conclusion {
        let firstKeyword = Self.systemFlags.count + 3
        if finishedCount == firstKeyword, !keywords.isEmpty {
            let isPlain = keywords.allSatisfy { $0.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x28 } }
            guard isPlain, keywords.count <= Self.keywordCount else { return startOver() }
            let more = keywords.map { Command.uidSearch(.flag($0), isExtended: true) }
            commands += more
            return .again(more)
        }
        let places = Array(2..<(2 + Self.systemFlags.count)) + keywords.indices.map { $0 + firstKeyword }
        guard let all = searches[1], all.count == messageCount, places.allSatisfy({ searches[$0] != nil }) else {
            return startOver()
        }
        let new = rows.merged()
        var details: [UID: MessageSummary] = [:]
        for row in new { details[row.uid] = row }
        let unseen = all.subtracting(cursor.knownUIDs)
        guard unseen.uids.allSatisfy({ details[$0] != nil }) else { return startOver() }
        let names = Self.systemFlags + keywords
        let changed = all.uids.map { uid in
            var row = details[uid] ?? MessageSummary(uid: uid, flags: [])
            row.flags = FlagSet(zip(names, places).filter { searches[$0.1]?.contains(uid) == true }.map(\.0))
            return row
        }
        return done(.delta(changed: changed, vanished: cursor.knownUIDs.subtracting(all)))
    }
}

extension InternalDate {
    /// The date a server sent; one that cannot be read is kept as it came, at the epoch.
    init(imap text: String) {
        self = InternalDate(parsing: text) ?? InternalDate(secondsSinceEpoch: 0, raw: text)
    }
}
