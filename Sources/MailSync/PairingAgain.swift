internal import MailCore

/// Announced size and internal date: under one UID, what tells that it still names the same message where UIDs are not
/// persistent.
struct WeakKey: Hashable {
    private let octetCount: Int
    private let seconds: Int64

    /// `nil` when either is not known.
    init?(_ summary: MessageSummary) { self.init(summary.octetCount, summary.internalDate) }
    init?(_ link: Link) { self.init(link.octetCount, link.internalDate) }

    private init?(_ octetCount: Int?, _ date: InternalDate?) {
        guard let octetCount, let date else { return nil }
        (self.octetCount, seconds) = (octetCount, date.secondsSinceEpoch)
    }
}

/// Pairs links of an earlier UIDVALIDITY with messages under the present one, without fetching.
///
/// By the source's content id only, as a multiset in UID order. Whatever stays unpaired is fetched, and then paired by
/// content: size and date say nothing about octets, and a stranger taken for an old message would never be archived.
struct PairingAgain {
    /// Old to new UIDs by the old UIDVALIDITY, ascending.
    private(set) var mappings: [(UIDValidity, [UID: UID])] = []
    private(set) var pairedUIDs: Set<UID> = []
    private(set) var unpaired: [StaleLink] = []
    private var flagPairs: [(old: FlagSet, new: MessageSummary)] = []

    init(stale: [StaleLink], fresh: [MessageSummary]) {
        var partner: [Int: Int] = [:]
        Self.pairByObjectID(stale, fresh, &partner)
        var byValidity: [UIDValidity: [UID: UID]] = [:]
        for index in stale.indices {
            guard let other = partner[index] else {
                unpaired.append(stale[index])
                continue
            }
            byValidity[stale[index].uidValidity, default: [:]][stale[index].link.uid] = fresh[other].uid
            pairedUIDs.insert(fresh[other].uid)
            flagPairs.append((stale[index].link.flags, fresh[other]))
        }
        mappings = byValidity.sorted { $0.key.value < $1.key.value }.map { ($0.key, $0.value) }
    }

    func flagChanges(mailbox: MailboxName, policy: SyncPolicy) -> [SyncAction] {
        guard policy.flags == .record else { return [] }
        return flagPairs.filter { !$0.new.flags.isSame(as: $0.old) }.map {
            .recordFlags(uid: $0.new.uid, mailbox: mailbox, flags: $0.new.flags, modSeq: $0.new.modSeq)
        }
    }

    private static func pairByObjectID(
        _ stale: [StaleLink], _ fresh: [MessageSummary], _ partner: inout [Int: Int]
    ) {
        var byID = Dictionary(grouping: fresh.indices.reversed().filter { fresh[$0].objectID != nil }) {
            fresh[$0].objectID ?? ""
        }
        for index in stale.indices {
            guard let id = stale[index].link.objectID, let other = byID[id]?.popLast() else { continue }
            partner[index] = other
        }
    }
}
