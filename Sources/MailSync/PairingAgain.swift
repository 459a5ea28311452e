internal import MailCore

/// Announced size and internal date: enough to pair two messages of one mailbox when it is unique on both sides.
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
/// By the source's content id, as a multiset in UID order; else by ``WeakKey`` where exactly one old and one new message
/// has it. Whatever stays unpaired is fetched, and then paired by content.
///
/// LIMIT: a message that left and another one, of equal size, that was put in its place with an internal date of the same
/// second, both between two runs with a UIDVALIDITY change between them, are taken for one. An arrival has a later
/// internal date than all that were there, so this takes an APPEND that was made for it.
struct PairingAgain {
    /// Old to new UIDs by the old UIDVALIDITY, ascending.
    private(set) var mappings: [(UIDValidity, [UID: UID])] = []
    private(set) var pairedUIDs: Set<UID> = []
    private(set) var unpaired: [StaleLink] = []
    private var flagPairs: [(old: FlagSet, new: MessageSummary)] = []

    init(stale: [StaleLink], fresh: [MessageSummary]) {
        var partner: [Int: Int] = [:]
        var taken: Set<Int> = []
        Self.pairByObjectID(stale, fresh, &partner, &taken)
        Self.pairByWeakKey(stale, fresh, &partner, &taken)
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
        _ stale: [StaleLink], _ fresh: [MessageSummary], _ partner: inout [Int: Int], _ taken: inout Set<Int>
    ) {
        var byID = Dictionary(grouping: fresh.indices.reversed().filter { fresh[$0].objectID != nil }) {
            fresh[$0].objectID ?? ""
        }
        for index in stale.indices {
            guard let id = stale[index].link.objectID, let other = byID[id]?.popLast() else { continue }
            partner[index] = other
            taken.insert(other)
        }
    }

    private static func pairByWeakKey(
        _ stale: [StaleLink], _ fresh: [MessageSummary], _ partner: inout [Int: Int], _ taken: inout Set<Int>
    ) {
        var old: [WeakKey: [Int]] = [:]
        var new: [WeakKey: [Int]] = [:]
        for index in stale.indices where partner[index] == nil {
            if let key = WeakKey(stale[index].link) { old[key, default: []].append(index) }
        }
        for index in fresh.indices where !taken.contains(index) {
            if let key = WeakKey(fresh[index]) { new[key, default: []].append(index) }
        }
        for (key, indices) in old where indices.count == 1 {
            guard let others = new[key], others.count == 1, !contradict(stale[indices[0]].link, fresh[others[0]])
            else { continue }
            partner[indices[0]] = others[0]
            taken.insert(others[0])
        }
    }

    /// Both have a content id, and these differ.
    private static func contradict(_ link: Link, _ summary: MessageSummary) -> Bool {
        guard let old = link.objectID, let new = summary.objectID else { return false }
        return old != new
    }
}
