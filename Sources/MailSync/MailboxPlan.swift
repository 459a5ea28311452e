package import MailCore

/// What happens to the messages of one mailbox, or of a part of it. Pure.
package struct MailboxPlan: Sendable {
    /// Creation, re-pairing, arrivals and flags; before all departures of the run, so that moves can be seen.
    package var arrivals: [SyncAction] = []
    /// Messages that left.
    package var departures = Departures()
    /// The delta contradicts the base; nothing was planned.
    package var needsFullLook = false
    /// Every message of the look is linked or in quarantine once the actions are done.
    package var isComplete: Bool
    package var status: MailboxStatus
    /// Messages the source holds, as far as the look tells.
    package var serverCount: Int
    /// Messages in the source that were erased here.
    package var erasedCount = 0
    /// Of the messages erased here, those the source does not hold any more.
    package var goneErased: [UID] = []

    private let name: MailboxName
    private let policy: SyncPolicy
    /// What a mailbox has lost shows when its last part was seen.
    private let isLastPart: Bool

    /// - Parameters:
    ///   - messages, observation: of `part` alone, where one is given.
    package init(
        mailbox: MatchedMailbox, messages: BaseMessages, observation: MailboxObservation, hasPersistentUIDs: Bool,
        policy: SyncPolicy, part: MailboxPart? = nil
    ) {
        (name, self.policy) = (mailbox.listing.name, policy)
        isLastPart = part?.isLast ?? true
        status = observation.status
        serverCount = observation.status.messageCount
        isComplete = observation.isComplete
        if mailbox.base == nil, part?.isFirst ?? true {
            arrivals.append(
                .recordMailboxCreated(name, role: mailbox.listing.role, uidValidity: observation.status.uidValidity))
        }
        switch observation.content {
        case .full(let summaries):
            // QUIRK: servers that cap a listing without saying so (Yahoo "limited mode") list fewer than EXISTS.
            isComplete = isComplete && summaries.count >= observation.status.messageCount
            if isComplete { serverCount = summaries.count }
            let isVolatile = !hasPersistentUIDs || status.uidValidity.value == 0
            // Without persistent UIDs a tombstone could hide another message.
            let isWhole = isComplete
            if !isVolatile { note(messages.erasedUIDs) { isWhole && !Self.contains(summaries, $0) } }
            planFull(summaries, messages, isVolatile: isVolatile)
        case .delta(let changed, let vanished):
            planDelta(changed, vanished, messages)
        }
    }

    /// A large mailbox before any of its parts was planned.
    package init(_ mailbox: MatchedMailbox, _ census: MailboxCensus, policy: SyncPolicy) {
        (name, self.policy, isLastPart) = (mailbox.listing.name, policy, true)
        (status, isComplete, serverCount) = (census.status, census.isComplete, census.uids.count)
    }

    /// Takes over what a part left to be done at the end; its arrivals were executed.
    package mutating func absorb(_ part: MailboxPlan) {
        departures.formUnion(part.departures)
        erasedCount += part.erasedCount
        goneErased += part.goneErased
    }

    /// Messages were hidden: nothing of the mailbox is taken as gone.
    package mutating func doubt() {
        isComplete = false
        departures = Departures()
        goneErased = []
    }

    private mutating func planDelta(_ changed: [MessageSummary], _ vanished: UIDSet, _ messages: BaseMessages) {
        let expected = messages.knownUIDs.subtracting(vanished).union(UIDSet(changed.map(\.uid)))
        guard isComplete, messages.stale.isEmpty, expected.count == status.messageCount else {
            needsFullLook = true
            arrivals = []
            return
        }
        let left = vanished.subtracting(UIDSet(changed.map(\.uid)))
        note(messages.erasedUIDs) { left.contains($0) }
        planKnownAndNew(changed.filter { !messages.erasedUIDs.contains($0.uid) }, messages.links, messages)
        for link in messages.links where left.contains(link.uid) { depart(link.uid, status.uidValidity) }
        retryQuarantine(messages) { !left.contains($0) && !Self.contains(changed, $0) }
        dropQuarantine(messages) { left.contains($0) }
    }

    private mutating func planFull(_ summaries: [MessageSummary], _ messages: BaseMessages, isVolatile: Bool) {
        guard !isVolatile else { return planVolatile(summaries, messages) }
        let all = summaries
        let summaries = messages.erasedUIDs.isEmpty ? all : all.filter { !messages.erasedUIDs.contains($0.uid) }
        var fresh = summaries
        var stale = messages.stale
        if !stale.isEmpty {
            let linked = Set(messages.links.map(\.uid))
            let candidates = summaries.filter { !linked.contains($0.uid) && messages.quarantine[$0.uid] == nil }
            let pairing = pairAgain(stale, candidates)
            fresh = summaries.filter { !pairing.pairedUIDs.contains($0.uid) }
            stale = pairing.unpaired
        }
        planKnownAndNew(fresh, messages.links, messages)
        guard isComplete else { return }
        departLinks(messages.links, notIn: summaries)
        dropQuarantine(messages) { !Self.contains(summaries, $0) }
        // The runner keeps an old link whose partner turns up among the messages fetched.
        if isLastPart { for old in stale { depart(old.link.uid, old.uidValidity) } }
    }

    private mutating func note(_ erased: UIDSet, isGone: (UID) -> Bool) {
        guard !erased.isEmpty else { return }
        goneErased = erased.uids.filter(isGone)
        erasedCount = erased.count - goneErased.count
    }

    /// UIDs mean nothing here by themselves: a link holds only where size and date agree, too, and content ids if known.
    ///
    /// LIMIT: another message of equal size and internal date under the same UID is taken for the old one. Without
    /// persistent UIDs only reading the whole mailbox at every run could tell.
    private mutating func planVolatile(_ summaries: [MessageSummary], _ messages: BaseMessages) {
        let bySummary = Dictionary(summaries.map { ($0.uid, $0) }) { first, _ in first }
        var links: [Link] = []
        var stale = messages.stale
        for link in messages.links {
            if let summary = bySummary[link.uid], let key = WeakKey(summary), key == WeakKey(link),
                link.objectID == nil || summary.objectID == nil || link.objectID == summary.objectID
            {
                links.append(link)
            } else {
                stale.append(StaleLink(uidValidity: status.uidValidity, link: link))
            }
        }
        let linked = Set(links.map(\.uid))
        let pairing = PairingAgain(stale: stale, fresh: summaries.filter { !linked.contains($0.uid) })
        var fresh = summaries.filter { !pairing.pairedUIDs.contains($0.uid) }
        if isComplete {
            // ORDER: an address is freed before it is given to another message.
            for old in pairing.unpaired where policy.goneInSource == .record {
                arrivals.append(.recordGone(uid: old.link.uid, mailbox: name, uidValidity: old.uidValidity))
            }
            record(pairing)
            dropQuarantine(messages) { bySummary[$0] == nil }
        } else {
            let occupied = Set(stale.map(\.link.uid))
            fresh = summaries.filter { !occupied.contains($0.uid) }
        }
        planKnownAndNew(fresh, links, messages)
    }

    private mutating func pairAgain(_ stale: [StaleLink], _ fresh: [MessageSummary]) -> PairingAgain {
        let pairing = PairingAgain(stale: stale, fresh: fresh)
        record(pairing)
        return pairing
    }

    private mutating func record(_ pairing: PairingAgain) {
        for (validity, mapping) in pairing.mappings {
            arrivals.append(.pairAgain(mailbox: name, from: validity, to: status.uidValidity, mapping: mapping))
        }
        arrivals += pairing.flagChanges(mailbox: name, policy: policy)
    }

    private mutating func planKnownAndNew(_ summaries: [MessageSummary], _ links: [Link], _ messages: BaseMessages) {
        var index = 0
        for summary in summaries {
            while index < links.count, links[index].uid < summary.uid { index += 1 }
            if index < links.count, links[index].uid == summary.uid {
                recordFlags(summary, old: links[index].flags)
            } else {
                arrivals.append(arrival(summary, messages))
            }
        }
    }

    private func arrival(_ summary: MessageSummary, _ messages: BaseMessages) -> SyncAction {
        switch policy.newInSource {
        case .copy:
            guard let id = summary.objectID, let message = messages.messagesByObjectID[id] else {
                return .archive(summary, mailbox: name)
            }
            return .place(summary, mailbox: name, message: message)
        }
    }

    private mutating func recordFlags(_ summary: MessageSummary, old: FlagSet) {
        guard policy.flags == .record, !summary.flags.isSame(as: old) else { return }
        arrivals.append(
            .recordFlags(uid: summary.uid, mailbox: name, flags: summary.flags, modSeq: summary.modSeq))
    }

    private mutating func departLinks(_ links: [Link], notIn summaries: [MessageSummary]) {
        var index = 0
        for link in links {
            while index < summaries.count, summaries[index].uid < link.uid { index += 1 }
            if index < summaries.count, summaries[index].uid == link.uid { continue }
            depart(link.uid, status.uidValidity)
        }
    }

    private mutating func depart(_ uid: UID, _ validity: UIDValidity) {
        switch policy.goneInSource {
        case .record: departures.insert(uid, validity)
        }
    }

    private mutating func retryQuarantine(_ messages: BaseMessages, where isRetried: (UID) -> Bool) {
        for entry in messages.quarantine.values.sorted(by: { $0.summary.uid < $1.summary.uid })
        where isRetried(entry.summary.uid) {
            arrivals.append(.archive(entry.summary, mailbox: name))
        }
    }

    private mutating func dropQuarantine(_ messages: BaseMessages, where isGone: (UID) -> Bool) {
        for uid in messages.quarantine.keys.sorted() where isGone(uid) { departures.insertQuarantined(uid) }
    }

    private static func contains(_ summaries: [MessageSummary], _ uid: UID) -> Bool {
        var low = 0
        var high = summaries.count
        while low < high {
            let middle = (low + high) / 2
            if summaries[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low < summaries.count && summaries[low].uid == uid
    }
}

extension FlagSet {
    /// `==`, without case-folding where the spelling is equal.
    func isSame(as other: FlagSet) -> Bool {
        flags.count == other.flags.count && (flags.elementsEqual(other.flags) { $0.name == $1.name } || self == other)
    }
}
