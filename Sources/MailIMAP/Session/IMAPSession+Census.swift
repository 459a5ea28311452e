import MailCore
import MailIMAPCore

/// Opening a mailbox for reading, counting it, and describing some of it.
extension IMAPSession {
    /// EXAMINE of `mailbox`; its counters.
    private func examine(_ mailbox: MailboxName) async throws(StoreError) -> MailboxStatus {
        selected = nil
        var found = MailboxStatus(uidValidity: UIDValidity(0), uidNext: nil, messageCount: 0, highestModSeq: nil)
        let name = WireName(mailbox, isUTF8: isUTF8)
        let mode: SelectMode = capabilities.hasConditionalStore ? .condStore : .plain
        let status = try await run(.open(name, mode, bySelect: opensBySelect)) { response throws(StoreError) in
            switch response {
            case .exists(let count): found.messageCount = Int(count)
            case .status(let status):
                switch status.code {
                case .uidValidity(let value)?: found.uidValidity = UIDValidity(value)
                case .uidNext(let value)?: found.uidNext = UID(value)
                case .highestModSeq(let value)?: found.highestModSeq = ModSeq(value)
                default: break
                }
            default: break
            }
        }
        guard status.condition == .ok else {
            if status.isTemporary { throw .throttled(status, mailbox: mailbox) }
            throw StoreError(.noSuchMailbox, "The server refused to open it: \(status.text)", mailbox: mailbox)
        }
        selected = OpenMailbox(name: mailbox, uidValidity: found.uidValidity)
        return found
    }

    /// EXAMINE, and SELECT where EXAMINE alone has another UIDVALIDITY than is expected.
    private func examine(
        _ mailbox: MailboxName, expecting uidValidity: UIDValidity?
    ) async throws(StoreError) -> MailboxStatus {
        let status = try await examine(mailbox)
        guard let uidValidity, uidValidity.value != 0, status.uidValidity != uidValidity, !opensBySelect else {
            return status
        }
        examinesFalsely = true
        let selected = try await examine(mailbox)
        examinesFalsely = selected.uidValidity == uidValidity
        return selected
    }

    /// Opens `mailbox`, unless it is open.
    ///
    /// - Throws: `.uidValidityChanged`, `.noSuchMailbox`.
    func openForReading(_ mailbox: MailboxName, _ uidValidity: UIDValidity) async throws(StoreError) {
        if let selected, selected.name == mailbox, selected.uidValidity == uidValidity { return }
        let found = try await examine(mailbox, expecting: uidValidity).uidValidity
        // Of a volatile mailbox nobody knows more than that it is the one of this name.
        guard found == uidValidity || uidValidity.value == 0 else {
            selected = nil
            throw StoreError(
                .uidValidityChanged, "UIDVALIDITY is \(found), not \(uidValidity)", mailbox: mailbox, retry: .later)
        }
    }

    /// The UIDs of `mailbox`, asked for in windows that no server minds: searched, and listed where that does not add up.
    ///
    /// - Parameter expected: UIDVALIDITY of a listing; another one here is none.
    func census(of mailbox: MailboxName, expecting expected: UIDValidity?) async throws(StoreError) -> MailboxCensus {
        var status = try await examine(mailbox, expecting: expected)
        if let expected, status.uidValidity != expected { status.uidValidity = UIDValidity(0) }
        let windows = ListingWindows.ranges(status)
        let isExtended = capabilities.hasExtendedSearch
        var messageCount = status.messageCount
        var uids = UIDSet()
        // Something may have come or gone meanwhile, too; after that it has to be called incomplete.
        for isListing in [false, true] {
            var ranges: [ClosedRange<UInt32>] = []
            var listed: [UID] = []
            var rest = windows
            while !rest.isEmpty {
                let commands = rest.map { window in
                    isListing
                        ? Command.uidFetch(ListingWindows.text(window), [.uid])
                        : Command.uidSearch(.uids(window), isExtended: isExtended)
                }
                let answers = try await runAll(commands) { response throws(StoreError) in
                    switch response {
                    case .search(let numbers, _): ranges += UIDSet(numbers.lazy.compactMap { UID($0) }).ranges
                    case .extendedSearch(let result): ranges += result.all?.ranges ?? []
                    case .fetch(let row):
                        if let uid = row.uid { listed.append(uid) }
                        guard listed.count <= 2 * messageCount + Self.excessCount else {
                            throw StoreError(.limitExceeded, "The server lists without end", mailbox: mailbox)
                        }
                    case .exists(let count): messageCount = Int(count)
                    case .expunge: messageCount -= 1
                    case .vanished(let gone, let isEarlier): messageCount -= isEarlier ? 0 : gone.count
                    default: break
                    }
                }
                if let refusal = answers.first(where: { $0.condition != .ok }) {
                    if refusal.isTemporary || refusal.asksForPatience { throw .throttled(refusal, mailbox: mailbox) }
                    guard !isListing else {
                        throw StoreError(.refused, "The server does not list it: \(refusal.text)", mailbox: mailbox)
                    }
                }
                rest = Self.leftOut(of: rest, answers)
            }
            uids = UIDSet(ranges: ranges + UIDSet(listed).ranges)
            if uids.count == messageCount { break }
        }
        return MailboxCensus(status: status, uids: uids, isComplete: uids.count == messageCount)
    }

    /// What of `windows` the server did not work on and may be asked for again. RFC 9738 §3
    private static func leftOut(
        of windows: [ClosedRange<UInt32>], _ answers: [StatusResponse]
    ) -> [ClosedRange<UInt32>] {
        zip(windows, answers).compactMap { window, status in
            guard case .messageLimit(_, let lowest?)? = status.code, window.contains(lowest),
                lowest > window.lowerBound
            else { return nil }
            return window.lowerBound...(lowest - 1)
        }
    }

    /// LIMIT: rows a server may send beyond twice its own count before it is taken for a flood.
    private static let excessCount = 100_000

    /// What FETCH tells of `uids` in `mailbox`.
    func describe(
        _ uids: UIDSet, of mailbox: MailboxName, _ uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try await openForReading(mailbox, uidValidity)
        let items = MailboxLook.metadata(capabilities)
        // QUIRK: GMX, web.de: MODSEQ in FETCH is BAD.
        for items in [items, items.filter { $0 != .modSeq }] {
            var rows: [MessageSummary] = []
            let sets = sets(uids)
            let answers = try await runAll(sets.map { .uidFetch("\($0)", items) }) { response throws(StoreError) in
                guard case .fetch(let fetch) = response, let uid = fetch.uid, uids.contains(uid) else { return }
                rows.append(MessageSummary(uid, fetch))
            }
            let isWhole = zip(sets, answers).allSatisfy { $1.leavesOut(of: $0).isEmpty }
            guard let refusal = answers.first(where: { $0.condition != .ok || !isWhole }) else {
                return rows.merged().filter { $0.flags != MessageSummary.unknownFlags }
            }
            if refusal.isTemporary || refusal.asksForPatience { throw .throttled(refusal, mailbox: mailbox) }
        }
        throw StoreError(.refused, "The server refused to describe messages", mailbox: mailbox)
    }
}
