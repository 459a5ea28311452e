internal import MailCore

/// Finds for each mailbox of a listing the one of the base that it is.
struct MailboxMatching {
    private let base: [BaseMailbox]
    private let listings: [MailboxListing]
    private let isComplete: Bool
    private var baseOfListing: [Int: Int] = [:]
    private var freeBase: Set<Int>
    private let baseByName: [MailboxName: Int]

    init(base: [BaseMailbox], listings: [MailboxListing], isComplete: Bool) {
        (self.base, self.listings, self.isComplete) = (base, listings, isComplete)
        freeBase = Set(base.indices)
        baseByName = Dictionary(base.indices.map { (base[$0].name, $0) }) { first, _ in first }
    }

    /// One entry per listing, in listing order.
    func matched() -> [MatchedMailbox] {
        listings.indices.map { index in
            MatchedMailbox(listing: listings[index], base: baseOfListing[index].map { base[$0] })
        }
    }

    /// For each listing the position of its mailbox in the base.
    var basePositions: [Int?] { listings.indices.map { baseOfListing[$0] } }

    private mutating func pair(_ listing: Int, _ mailbox: Int) {
        baseOfListing[listing] = mailbox
        freeBase.remove(mailbox)
    }

    /// RFC 8474 §4.1: the id stays with the mailbox over renames and is never used again.
    mutating func matchByMailboxID() {
        let byID = uniqueIndex(base.indices) { base[$0].mailboxID }
        let listingByID = uniqueIndex(listings.indices) { listings[$0].mailboxID }
        for (id, mailbox) in byID {
            if let listing = listingByID[id] { pair(listing, mailbox) }
        }
    }

    /// Same name: the same mailbox, unless both have ids and these differ, or it seems `isReplaced`.
    mutating func matchByName(followsRenames: Bool) {
        for index in listings.indices where baseOfListing[index] == nil {
            guard let mailbox = baseByName[listings[index].name], freeBase.contains(mailbox) else { continue }
            let old = base[mailbox]
            if let known = old.mailboxID, let now = listings[index].mailboxID, known != now { continue }
            guard !followsRenames || !isReplaced(old, by: listings[index]) else { continue }
            pair(index, mailbox)
        }
    }

    /// `A` was renamed and another `A` made since: the UIDVALIDITY of the base is found under a new name.
    private func isReplaced(_ old: BaseMailbox, by listing: MailboxListing) -> Bool {
        guard isComplete, let status = listing.status, status.uidValidity != old.uidValidity else { return false }
        return listings.contains { other in baseByName[other.name] == nil && Self.isCompatible(old, other) }
    }

    /// A name that vanished and a new name with equal UIDVALIDITY, one of each: first with all counters equal, then
    /// with counters that could have grown from the saved ones.
    mutating func matchByUIDValidity() {
        pairUnique { old, listing in Self.isCompatible(old, listing) && old.status == listing.status }
        pairUnique(Self.isCompatible)
    }

    private mutating func pairUnique(_ isMatch: (BaseMailbox, MailboxListing) -> Bool) {
        let byValidity = Dictionary(grouping: freeBase) { base[$0].uidValidity }
        var candidates: [Int: [Int]] = [:]
        for index in listings.indices where baseOfListing[index] == nil && baseByName[listings[index].name] == nil {
            guard let validity = listings[index].status?.uidValidity else { continue }
            for mailbox in byValidity[validity] ?? [] where isMatch(base[mailbox], listings[index]) {
                candidates[index, default: []].append(mailbox)
            }
        }
        let claims = Dictionary(grouping: candidates.values.joined()) { $0 }.mapValues(\.count)
        for (index, mailboxes) in candidates where mailboxes.count == 1 && claims[mailboxes[0]] == 1 {
            pair(index, mailboxes[0])
        }
    }

    /// Whether `listing` can be what `old` became: no counter went back, and there was something to know it by.
    private static func isCompatible(_ old: BaseMailbox, _ listing: MailboxListing) -> Bool {
        guard let saved = old.status, let status = listing.status, saved.messageCount > 0 else { return false }
        guard status.uidValidity == saved.uidValidity, status.uidValidity.value != 0 else { return false }
        if let known = old.mailboxID, let now = listing.mailboxID, known != now { return false }
        guard let before = saved.uidNext, let now = status.uidNext else { return saved == status }
        let arrivals = Int(now.value) - Int(before.value)
        return arrivals >= 0 && status.messageCount <= saved.messageCount + arrivals
    }

    private func uniqueIndex(_ indices: Range<Int>, _ key: (Int) -> String?) -> [String: Int] {
        Dictionary(grouping: indices.filter { key($0) != nil }) { key($0) ?? "" }
            .compactMapValues { $0.count == 1 ? $0[0] : nil }
    }
}
