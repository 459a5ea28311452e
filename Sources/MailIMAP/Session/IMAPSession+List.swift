import MailCore
import MailIMAPCore

extension IMAPSession {
    /// LIMIT: STATUS commands in flight; more gain nothing and fill the server's queue.
    private static let statusWindow = 50

    /// All mailboxes with their counters.
    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        var entries: [ListEntry] = []
        var statuses: [MailboxName: MailboxStatusResponse] = [:]
        var result = try await list(returning: listReturns, &entries, &statuses)
        if result.condition != .ok, !listReturns.isEmpty {
            entries = []
            result = try await list(returning: [], &entries, &statuses)
        }
        var listings: [MailboxListing] = []
        var seen: Set<MailboxName> = []
        for entry in entries {
            let name = WireName.decode(entry.name, delimiter: entry.delimiter, isUTF8: isUTF8)
            guard !name.octets.isEmpty, seen.insert(name).inserted else { continue }
            listings.append(MailboxListing(name, entry))
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

    private func list(
        returning: [ListReturn], _ entries: inout [ListEntry], _ statuses: inout [MailboxName: MailboxStatusResponse]
    ) async throws(StoreError) -> StatusResponse {
        try await run(.list(returning: returning)) { response throws(StoreError) in
            if case .list(let entry) = response { entries.append(entry) }
            take(response, &statuses)
            guard entries.count <= Self.mailboxLimit else {
                throw StoreError(.limitExceeded, "The server lists more than \(Self.mailboxLimit) mailboxes")
            }
        }
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
        var sent = names.startIndex
        var open: [String] = []
        while sent < names.endIndex || !open.isEmpty {
            while sent < names.endIndex, open.count < Self.statusWindow {
                open.append(try await send(.status(WireName(names[sent], isUTF8: isUTF8), statusItems)))
                sent += 1
            }
            let response = try await nextResponse()
            take(response, &statuses)
            if case .tagged(let tag, _) = response { open.removeAll { $0 == tag } }
        }
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
