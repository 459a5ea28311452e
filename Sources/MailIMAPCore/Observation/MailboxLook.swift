public import MailCore

/// One look at one mailbox as a value: commands out, responses in, at the end an observation.
///
/// Chooses the cheapest ladder rung the server and the cursor allow, believes a delta only when it adds up to the
/// message count, and otherwise asks for everything. A mailbox costs one flight, or two where a delta needs more.
/// - SeeAlso: RFC 7162 §3.2.5, RFC 4731
public struct MailboxLook: Sendable {
    /// How changes are found.
    public enum Tier: Sendable, Hashable {
        case quickResync, condStore, extendedSearch, full
    }

    public enum Conclusion: Sendable {
        case done(MailboxObservation)
        /// Send these and go on; the mailbox is still open.
        case again([Command])
        case fail(StoreError)
    }

    public let mailbox: MailboxName
    let wireName: WireName
    let cursor: MailboxCursor?
    let metadata: [FetchItem]
    let opensBySelect: Bool
    let hasExtendedSearch: Bool
    /// What a listing of all mailboxes said about this one.
    let announced: MailboxStatus?
    /// More messages than this are not described; the look then ends with `.limitExceeded`.
    let rowLimit: Int?
    public internal(set) var tier: Tier
    public internal(set) var commands: [Command] = []

    // What EXAMINE said.
    var isOpen = false
    var firstMessageCount: Int?
    var messageCount = 0
    var uidValidity: UInt32?
    var uidNext: UInt32?
    var highestModSeq: UInt64?
    var keywords: [Flag] = []

    // What the commands brought.
    public internal(set) var finishedCount = 0
    var rows: [MessageSummary] = []
    var rowsWithoutUID = 0
    /// What the last listing asked for.
    var listedItems: [FetchItem] = []
    /// UIDs asked for alone, by their place among the commands: their rows need no name.
    var singles: [Int: UID] = [:]
    /// The search that tells which UIDs no row had.
    var unnamedSearch: Int?
    var vanished = UIDSet()
    var searches: [Int: UIDSet] = [:]
    var isLimited = false
    var failure: StatusResponse?
    var failedCount = 0
    var fullRounds = 0
    /// A command was answered BAD, though the mailbox is open or just was to be opened.
    public private(set) var wasMisunderstood = false
    /// UIDs that listing commands ask for, by their place among the commands.
    var listed: [Int: ClosedRange<UInt32>] = [:]
    /// What a server with MESSAGELIMIT left out of them.
    var leftOut: [ClosedRange<UInt32>] = []
    var rowsAtLimit = 0
    /// There were more rows than ``rowLimit``; no more are kept.
    var isOverfull = false

    /// The messages that are said to be gone, and the searches that asked for them.
    var proof: (asked: UIDSet, numbers: Range<Int>)?

    /// LIMIT: octets of a set in one command; some servers refuse lines beyond 8,000.
    package static let setOctetCount = 7_500
    /// LIMIT: runs of UIDs asked for one by one; beyond it a full listing is cheaper.
    static let provenRunCount = 10_000
    /// LIMIT: messages the server may report beyond twice its own count before it is taken for a flood.
    static let excessRows = 100_000
    /// LIMIT: messages asked for alone because their rows came without a UID.
    static let singleCount = 200
    /// LIMIT: keywords asked for one by one; beyond it a full listing is cheaper.
    static let keywordCount = 50

    /// - Parameters:
    ///   - announced: counters from a listing, by which the listing of a large mailbox is cut.
    ///   - rowLimit: see ``rowLimit``.
    public init(
        _ mailbox: MailboxName, since cursor: MailboxCursor?, capabilities: CapabilitySet, isUTF8: Bool = false,
        opensBySelect: Bool = false, announced: MailboxStatus? = nil, rowLimit: Int? = nil
    ) {
        (self.mailbox, self.opensBySelect, self.announced) = (mailbox, opensBySelect, announced)
        (self.rowLimit, hasExtendedSearch) = (rowLimit, capabilities.hasExtendedSearch)
        wireName = WireName(mailbox, isUTF8: isUTF8)
        self.cursor = cursor
        metadata = Self.metadata(capabilities)
        tier = Self.tier(cursor, capabilities)
        commands = firstFlight(hasConditionalStore: capabilities.hasConditionalStore)
    }

    static func tier(_ cursor: MailboxCursor?, _ capabilities: CapabilitySet) -> Tier {
        guard let cursor, cursor.status.uidValidity.value != 0, !cursor.knownUIDs.isEmpty else { return .full }
        if cursor.status.highestModSeq != nil {
            if capabilities.hasQuickResync && capabilities.hasEnable { return .quickResync }
            if capabilities.hasConditionalStore { return .condStore }
        }
        return capabilities.hasExtendedSearch ? .extendedSearch : .full
    }

    /// Never ENVELOPE or BODYSTRUCTURE: they cost the server parsing, and some servers get them wrong.
    package static func metadata(_ capabilities: CapabilitySet) -> [FetchItem] {
        var items: [FetchItem] = [.uid, .flags, .internalDate, .octetCount]
        if capabilities.hasConditionalStore { items.append(.modSeq) }
        if capabilities.contains("OBJECTID") {
            items.append(.objectID("EMAILID"))
        } else if capabilities.hasGmailExtensions {
            items.append(.objectID("X-GM-MSGID"))
        }
        return items
    }

    /// The first UID nothing may be known of. What was delivered by us since the cursor has higher ones, and is known:
    /// others' messages lie between.
    var firstNewUID: UInt32 {
        if let next = cursor?.status.uidNext { return next.value }
        return cursor?.knownUIDs.max.map { $0.value == .max ? $0.value : $0.value + 1 } ?? 1
    }

    func opening(_ mode: SelectMode = .plain) -> Command { .open(wireName, mode, bySelect: opensBySelect) }

    /// The commands that list `ranges`; the first of them is command number `base` of this look.
    mutating func listing(_ ranges: [ClosedRange<UInt32>], _ items: [FetchItem], from base: Int) -> [Command] {
        for (offset, range) in ranges.enumerated() { listed[base + offset] = range }
        listedItems = items
        return ranges.map { .uidFetch(ListingWindows.text($0), items) }
    }

    private mutating func firstFlight(hasConditionalStore: Bool) -> [Command] {
        guard tier != .full, let cursor, let last = cursor.knownUIDs.max else {
            return [opening(hasConditionalStore ? .condStore : .plain)]
                + listing(ListingWindows.ranges(announced), metadata, from: 1)
        }
        let new = Command.uidFetch("\(firstNewUID):*", metadata)
        switch tier {
        case .quickResync:
            guard let modSeq = cursor.status.highestModSeq else { return [] }
            // QUIRK: never `1:*`: Cyrus then leaves out VANISHED for the highest UID (cyrus-imapd#6071).
            let known = UIDSet(ranges: [1...last.value])
            return [opening(.quickResync(cursor.status.uidValidity, modSeq, known: known)), new]
        case .condStore:
            let changed = Command.uidFetch(
                "1:\(last)", [.uid, .flags, .modSeq], changedSince: cursor.status.highestModSeq)
            return [opening(.condStore), changed, new]
        case .extendedSearch:
            let keys = [SearchKey.all] + Self.systemFlags.map { .flag($0) }
            return [opening()] + keys.map { .uidSearch($0, isExtended: true) } + [new]
        case .full: return []
        }
    }

    static let systemFlags: [Flag] = [.seen, .flagged, .answered, .deleted, .draft]
}

// MARK: - Responses in

extension MailboxLook {
    /// An untagged response that came while this look's commands ran; `number`: the command it names, if it names one.
    ///
    /// QUIRK: Dovecot works on several searches at once and answers all before it completes the first.
    public mutating func receive(_ response: Response, for number: Int? = nil) throws(ProtocolError) {
        switch response {
        case .exists(let count):
            if firstMessageCount == nil { firstMessageCount = Int(count) }
            messageCount = Int(count)
        case .expunge: messageCount -= 1
        case .vanished(let uids, let isEarlier): try receiveVanished(uids, isEarlier: isEarlier)
        case .flags(let flags): keywords = flags.filter { !$0.isSystemFlag }
        case .status(let status), .tagged(_, let status): receive(status.code)
        case .search(let numbers, _):
            let found = UIDSet(numbers.compactMap { UID($0) })
            searches[finishedCount] = searches[finishedCount]?.union(found) ?? found
        case .extendedSearch(let result): searches[number ?? finishedCount] = result.all ?? UIDSet()
        case .fetch(let fetch): try receive(fetch)
        default: break
        }
    }

    /// Command `number` of this look completed.
    public mutating func complete(_ status: StatusResponse, number: Int) {
        if case .messageLimit(_, let lowest)? = status.code {
            receiveLimit(lowest, of: number)
        } else {
            receive(status.code)
        }
        if status.condition == .bad, isOpen || number == 0 { wasMisunderstood = true }
        if number == 0 {
            isOpen = status.condition == .ok
            if !isOpen { failure = status }
        } else if status.condition != .ok {
            failedCount += 1
            failure = failure ?? status
        }
        finishedCount += 1
    }

    /// RFC 9738: only messages from UID `lowest` on were worked on.
    private mutating func receiveLimit(_ lowest: UInt32?, of number: Int) {
        guard let range = listed[number], let lowest, range.contains(lowest) else {
            isLimited = true
            return
        }
        if lowest > range.lowerBound { leftOut.append(range.lowerBound...(lowest - 1)) }
    }

    private mutating func receive(_ code: ResponseCode?) {
        switch code {
        case .uidValidity(let value)?: uidValidity = value
        case .uidNext(let value)?: uidNext = value
        case .highestModSeq(let value)?: highestModSeq = highestModSeq ?? value
        case .noModSeq?: highestModSeq = 0
        case .messageLimit?: isLimited = true
        case .closed?: forgetWhatWasOpenBefore()
        default: break
        }
    }

    /// RFC 7162 §3.2.11: what came before CLOSED was about the mailbox open before.
    private mutating func forgetWhatWasOpenBefore() {
        guard finishedCount == 0 else { return }
        (firstMessageCount, messageCount, rows, vanished) = (nil, 0, [], UIDSet())
    }

    private mutating func receiveVanished(_ uids: UIDSet, isEarlier: Bool) throws(ProtocolError) {
        // `known` bounds what an attacker's set can cost: only UIDs of the cursor matter.
        vanished = vanished.union(uids)
        if !isEarlier { messageCount -= uids.count }
        guard vanished.ranges.count <= Self.excessRows * 40 else {
            throw ProtocolError(.limitExceeded, "The server reports more expunged messages than a mailbox can hold")
        }
    }

    private mutating func receive(_ fetch: FetchResponse) throws(ProtocolError) {
        guard let uid = fetch.uid ?? singles[finishedCount] else {
            rowsWithoutUID += 1
            return
        }
        // QUIRK of the protocol: `n:*` names the last message also when it is below n.
        if tier != .full, fetch.internalDate != nil, uid.value < firstNewUID { return }
        guard rows.count <= 2 * max(messageCount, 0) + Self.excessRows else {
            throw ProtocolError(.limitExceeded, "The server sends more FETCH responses than it has messages")
        }
        guard rowLimit.map({ rows.count < $0 }) ?? true else {
            isOverfull = true
            return
        }
        rows.append(MessageSummary(uid, fetch))
    }
}
