public import MailCore
import MailIMAPCore

/// Which UIDs a mailbox has, and nothing else of it.
public struct UIDListing: Sendable, Hashable {
    public var uidValidity: UIDValidity
    /// `nil` where the server does not say.
    public var uidNext: UID?
    public var uids: UIDSet
    /// The UIDs add up to the number of messages the server has.
    public var isComplete: Bool

    public init(uidValidity: UIDValidity, uidNext: UID?, uids: UIDSet, isComplete: Bool) {
        (self.uidValidity, self.uidNext, self.uids, self.isComplete) = (uidValidity, uidNext, uids, isComplete)
    }
}

extension IMAPSession {
    /// The UIDs of `mailbox`: by one ESEARCH where there is one, listed otherwise or where that does not add up.
    func listUIDs(of mailbox: MailboxName) async throws(StoreError) -> UIDListing {
        var counters = try await examine(mailbox)
        guard let validity = counters.uidValidity else {
            throw StoreError(.protocolViolation, "The server tells no UIDVALIDITY", mailbox: mailbox)
        }
        var uids = UIDSet()
        if capabilities.hasExtendedSearch {
            _ = try await run(.uidSearch(.all, isExtended: true)) { response throws(StoreError) in
                if case .extendedSearch(let result) = response { uids = result.all ?? UIDSet() }
                counters.take(response)
            }
        }
        if uids.count != counters.messageCount {
            uids = UIDSet()
            for range in ListingWindows.ranges(counters.status) {
                var window: [UID] = []
                try await list(range, of: mailbox, [.uid], &counters) { row in
                    if let uid = row.uid { window.append(uid) }
                }
                uids = uids.union(UIDSet(window))
            }
        }
        return UIDListing(
            uidValidity: UIDValidity(validity), uidNext: counters.uidNext.flatMap { UID($0) }, uids: uids,
            isComplete: uids.count == counters.messageCount)
    }

    /// The sizes the server announces for the messages of `mailbox` with UIDs in `range`.
    func listSizes(
        of mailbox: MailboxName, _ validity: UIDValidity, _ range: ClosedRange<UInt32>
    ) async throws(StoreError) -> [UID: Int] {
        var counters = Counters()
        if selected?.name != mailbox || selected?.uidValidity != validity {
            counters = try await examine(mailbox)
            guard counters.uidValidity == validity.value else {
                throw StoreError(.uidValidityChanged, "UIDVALIDITY changed meanwhile", mailbox: mailbox, retry: .later)
            }
        }
        var sizes: [UID: Int] = [:]
        try await list(range, of: mailbox, [.uid, .octetCount], &counters) { row in
            if let uid = row.uid, let count = row.octetCount { sizes[uid] = count }
        }
        return sizes
    }

    private func examine(_ mailbox: MailboxName) async throws(StoreError) -> Counters {
        var counters = Counters()
        selected = nil
        let status = try await run(.open(WireName(mailbox, isUTF8: isUTF8), bySelect: opensBySelect)) {
            response throws(StoreError) in counters.take(response)
        }
        counters.take(.status(status))
        guard status.condition == .ok else {
            if status.isTemporary { throw .throttled(status) }
            throw StoreError(.noSuchMailbox, "The server does not open it: \(status.text)", mailbox: mailbox)
        }
        if let validity = counters.uidValidity {
            selected = OpenMailbox(name: mailbox, uidValidity: UIDValidity(validity))
        }
        return counters
    }

    private func list(
        _ range: ClosedRange<UInt32>, of mailbox: MailboxName, _ items: [FetchItem], _ counters: inout Counters,
        _ each: (FetchResponse) -> Void
    ) async throws(StoreError) {
        let set = "\(range.lowerBound):" + (range.upperBound == .max ? "*" : String(range.upperBound))
        var rows = 0
        let status = try await run(.uidFetch(set, items)) { response throws(StoreError) in
            counters.take(response)
            guard case .fetch(let row) = response else { return }
            rows += 1
            guard rows <= Self.rowLimit else {
                throw StoreError(.limitExceeded, "The server lists without end", mailbox: mailbox)
            }
            each(row)
        }
        guard status.condition == .ok else {
            throw StoreError(.refused, "The server does not list it: \(status.text)", mailbox: mailbox)
        }
    }

    /// LIMIT: rows one FETCH may bring: more than any mailbox has.
    private static let rowLimit = 10_000_000

    /// What a mailbox says of itself while it is open.
    private struct Counters {
        var messageCount = 0
        var uidValidity: UInt32?
        var uidNext: UInt32?

        var status: MailboxStatus? {
            uidValidity.map {
                MailboxStatus(
                    uidValidity: UIDValidity($0), uidNext: uidNext.flatMap { UID($0) }, messageCount: messageCount,
                    highestModSeq: nil)
            }
        }

        mutating func take(_ response: Response) {
            switch response {
            case .exists(let count): messageCount = Int(count)
            case .expunge: messageCount -= 1
            case .vanished(let uids, isEarlier: false): messageCount -= uids.count
            case .status(let status): take(status.code)
            default: break
            }
        }

        private mutating func take(_ code: ResponseCode?) {
            switch code {
            case .uidValidity(let value)?: uidValidity = value
            case .uidNext(let value)?: uidNext = value
            default: break
            }
        }
    }
}
