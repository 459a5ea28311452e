import MailCore
import MailIMAPCore

extension IMAPSession {
    /// LIMIT: STATUS commands in flight; more gain nothing and fill the server's queue.
    private static let statusWindow = 50

    /// All mailboxes with their counters; with an incomplete listing, those the server told before it failed.
    ///
    /// - Throws: `.refused` where it told of none.
    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        var entries: [ListEntry] = []
        var statuses: [MailboxName: MailboxStatusResponse] = [:]
        var returning = listReturns
        var result = try await list(returning: returning, &entries, &statuses)
        if result.condition != .ok, !returning.isEmpty {
            (entries, returning) = ([], [])
            result = try await list(returning: returning, &entries, &statuses)
        }
        // Personal ones only: those of others may be all users of a site or all groups of a news server.
        for namespace in namespaces.personal where !namespace.prefix.isEmpty {
            guard !entries.contains(where: { $0.name.starts(with: namespace.prefix) }) else { continue }
            let more = try await list(namespace.prefix, returning: returning, &entries, &statuses)
            if more.condition != .ok { result = more }
        }
        guard result.condition == .ok || !entries.isEmpty else {
            throw StoreError(.refused, "The server does not list its mailboxes: \(result.text)", retry: .later)
        }
        var listings: [MailboxListing] = []
        var seen: Set<MailboxName> = []
        for entry in entries {
            let name = WireName.decode(entry.name, delimiter: entry.delimiter, isUTF8: isUTF8)
            guard !name.octets.isEmpty, seen.insert(name).inserted else { continue }
            var listing = MailboxListing(name, entry)
            listing.isSystem = listing.role != nil && capabilities.hasGmailExtensions
            listings.append(listing)
        }
        let unknown = listings.filter { $0.isSelectable && statuses[$0.name] == nil }.map(\.name)
        try await askStatus(of: unknown, &statuses)
        for index in listings.indices {
            guard let status = statuses[listings[index].name] else { continue }
            listings[index].status = MailboxStatus(status)
            listings[index].mailboxID = status.mailboxID
        }
        return (listings, result.condition == .ok)
    }

    private var statusItems: [StatusItem] {
        var items: [StatusItem] = [.messages, .uidNext, .uidValidity]
        if capabilities.hasConditionalStore { items.append(.highestModSeq) }
        if capabilities.contains("OBJECTID") { items.append(.mailboxID) }
        return items
    }

    private var listReturns: [ListReturn] {
        guard capabilities.hasListExtended || capabilities.hasListStatus else { return [] }
        var returns: [ListReturn] = [.subscribed, .children]
        if capabilities.hasSpecialUse { returns.append(.specialUse) }
        if capabilities.hasListStatus { returns.append(.status(statusItems)) }
        return returns
    }

    /// What begins with `prefix`.
    ///
    /// - Throws: `.throttled`; any other refusal is the completion that is returned.
    private func list(
        _ prefix: [UInt8] = [], returning: [ListReturn], _ entries: inout [ListEntry],
        _ statuses: inout [MailboxName: MailboxStatusResponse]
    ) async throws(StoreError) -> StatusResponse {
        let status = try await run(.list(prefix: prefix, returning: returning)) { response throws(StoreError) in
            if case .list(let entry) = response { entries.append(entry) }
            take(response, &statuses)
            guard entries.count <= Self.mailboxLimit else {
                throw StoreError(.limitExceeded, "The server lists more than \(Self.mailboxLimit) mailboxes")
            }
        }
        if status.isTemporary { throw .throttled(status) }
        return status
    }

    /// LIMIT: mailboxes of one account.
    private static let mailboxLimit = 1_000_000

    private func take(_ response: Response, _ statuses: inout [MailboxName: MailboxStatusResponse]) {
        guard case .mailboxStatus(let status) = response else { return }
        statuses[WireName.decode(status.name, delimiter: nil, isUTF8: isUTF8)] = status
    }

    /// STATUS for mailboxes the listing had none of; a refusal leaves it unknown.
    private func askStatus(
        of names: [MailboxName], _ statuses: inout [MailboxName: MailboxStatusResponse]
    ) async throws(StoreError) {
        let window = pipelining == .refused ? 1 : Self.statusWindow
        let refused = try await askStatus(of: names, window: window, &statuses)
        guard pipelining == .assumed, let first = refused.first else { return }
        // Is it the command or that it did not wait?
        let isRefusedAlone = try await !askStatus(of: [first], window: 1, &statuses).isEmpty
        pipelining = isRefusedAlone ? .proven : .refused
        guard !isRefusedAlone else { return }
        _ = try await askStatus(of: Array(refused.dropFirst()), window: 1, &statuses)
    }

    /// Asks with `window` commands in flight; returns those answered BAD.
    private func askStatus(
        of names: [MailboxName], window: Int, _ statuses: inout [MailboxName: MailboxStatusResponse]
    ) async throws(StoreError) -> [MailboxName] {
        var sent = names.startIndex
        var open: [String: MailboxName] = [:]
        var refused: [MailboxName] = []
        while sent < names.endIndex || !open.isEmpty {
            while sent < names.endIndex, open.count < window {
                let tag = try await send(.status(WireName(names[sent], isUTF8: isUTF8), statusItems))
                open[tag] = names[sent]
                sent += 1
            }
            let response = try await nextResponse()
            take(response, &statuses)
            guard case .tagged(let tag, let status) = response, let name = open.removeValue(forKey: tag) else {
                continue
            }
            if status.condition == .bad { refused.append(name) }
        }
        return refused
    }
}

extension MailboxListing {
    private static let roles: [String: MailboxRole] = [
        "\\all": .all, "\\allmail": .all, "\\archive": .archive, "\\drafts": .drafts, "\\flagged": .flagged,
        "\\starred": .flagged, "\\junk": .junk, "\\spam": .junk, "\\sent": .sent, "\\trash": .trash,
        "\\important": .important,
    ]

    fileprivate init(_ name: MailboxName, _ entry: ListEntry) {
        self.init(
            name: name, role: entry.attributes.sorted().lazy.compactMap { Self.roles[$0] }.first,
            isSelectable: entry.attributes.isDisjoint(with: ["\\noselect", "\\nonexistent"]))
    }
}

extension MailboxStatus {
    /// `nil` when the two counters without which nothing can be told are missing.
    fileprivate init?(_ status: MailboxStatusResponse) {
        guard let uidValidity = status.uidValidity, let messages = status.messages else { return nil }
        self.init(
            uidValidity: UIDValidity(uidValidity), uidNext: status.uidNext.flatMap { UID($0) },
            messageCount: Int(messages), highestModSeq: status.highestModSeq.flatMap { ModSeq($0) })
    }
}
