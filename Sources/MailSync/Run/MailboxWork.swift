import MailCore
import Synchronization

/// One mailbox of a wave: what was planned for it, and what its lanes must know.
final class MailboxWork: Sendable {
    let mailbox: MatchedMailbox
    /// Without its arrivals.
    let plan: MailboxPlan
    private let toCome: Mutex<[SyncAction]>
    private let putOff = Mutex<[SyncAction]>([])
    let quarantine: [UID: QuarantineEntry]
    /// Links of an earlier UIDVALIDITY that content may still pair, by message.
    private let stale: Mutex<[RandomID: [StaleLink]]>
    private let failure = Mutex<StoreError?>(nil)

    init(mailbox: MatchedMailbox, plan: MailboxPlan, messages: BaseMessages) {
        var rest = plan
        rest.arrivals = []
        toCome = Mutex(plan.arrivals)
        (self.mailbox, self.plan, quarantine) = (mailbox, rest, messages.quarantine)
        var paired: [UIDValidity: Set<UID>] = [:]
        for case .pairAgain(_, let old, _, let mapping) in plan.arrivals {
            paired[old, default: []].formUnion(mapping.keys)
        }
        for case .recordGone(let uid, _, let old) in plan.arrivals { paired[old, default: []].insert(uid) }
        let unpaired = messages.stale.reversed().filter { paired[$0.uidValidity]?.contains($0.link.uid) != true }
        stale = Mutex(Dictionary(grouping: unpaired) { $0.link.message })
    }

    var name: MailboxName { mailbox.listing.name }
    var validity: UIDValidity { plan.status.uidValidity }
    var hasFailed: Bool { failure.withLock { $0 != nil } }

    func fail(_ error: StoreError) { failure.withLock { $0 = $0 ?? error } }
    var error: StoreError? { failure.withLock { $0 } }

    /// The oldest unpaired link to `message`, which is then paired.
    func takeStale(_ message: RandomID) -> StaleLink? { stale.withLock { $0[message]?.popLast() } }

    var arrivals: [SyncAction] { toCome.withLock { $0 } }

    /// Puts off what has the content id of a message that comes before it: one of them is fetched, the others are placed.
    ///
    /// On Gmail every label is a mailbox, and a message is in all of its labels.
    static func putOffRepeated(_ works: [MailboxWork]) {
        var seen: Set<String> = []
        for work in works {
            work.toCome.withLock { actions in
                let isRepeated = actions.map { action in
                    guard case .archive(let summary, _) = action, let id = summary.objectID else { return false }
                    return !seen.insert(id).inserted
                }
                guard isRepeated.contains(true) else { return }
                work.putOff.withLock { $0 = zip(actions, isRepeated).filter(\.1).map(\.0) }
                actions = zip(actions, isRepeated).filter { !$0.1 }.map(\.0)
            }
        }
    }

    /// The messages put off, in plan order.
    var summariesPutOff: [MessageSummary] {
        putOff.withLock { actions in
            actions.compactMap { action in
                if case .archive(let summary, _) = action { summary } else { nil }
            }
        }
    }

    /// Takes what was put off for what is to come now: those in `messages` to be placed, the others to be fetched.
    func resume(_ messages: [String: RandomID]) {
        let actions = putOff.withLock { actions in
            defer { actions = [] }
            return actions.map { action -> SyncAction in
                guard case .archive(let summary, let mailbox) = action, let id = summary.objectID,
                    let message = messages[id]
                else { return action }
                return .place(summary, mailbox: mailbox, message: message)
            }
        }
        toCome.withLock { $0 = actions }
    }

    /// Everything has arrived: what was planned need not be kept to the end of the run.
    func forgetArrivals() { toCome.withLock { $0 = [] } }

    /// What will be fetched, ascending.
    var summariesToFetch: [MessageSummary] {
        arrivals.compactMap { action in
            if case .archive(let summary, _) = action { summary } else { nil }
        }
    }
}

/// A part of one mailbox for one lane.
struct FetchBatch: Sendable {
    let work: MailboxWork
    let summaries: [MessageSummary]

    /// Cuts the messages of `works` into batches that keep `lanes` busy.
    static func batches(_ works: [MailboxWork], lanes: Int) -> [FetchBatch] {
        works.flatMap { work -> [FetchBatch] in
            let summaries = work.summariesToFetch.sorted { $0.uid < $1.uid }
            guard lanes > 1 else { return summaries.isEmpty ? [] : [FetchBatch(work: work, summaries: summaries)] }
            return cut(summaries).map { FetchBatch(work: work, summaries: Array($0)) }
        }
    }

    /// LIMIT: 1,000 messages or 32 MiB announced: long enough for the store's own pipelining, short enough that no lane
    /// is left alone with a mailbox.
    private static func cut(_ summaries: [MessageSummary]) -> [ArraySlice<MessageSummary>] {
        var result: [ArraySlice<MessageSummary>] = []
        var start = 0
        var octets = 0
        for index in summaries.indices {
            octets += summaries[index].octetCount ?? 0
            if index - start >= 999 || octets >= 32 << 20 {
                result.append(summaries[start...index])
                (start, octets) = (index + 1, 0)
            }
        }
        if start < summaries.count { result.append(summaries[start...]) }
        return result
    }
}

/// The batches of a wave; lanes take from it until it is empty or the source broke.
final class BatchQueue: Sendable {
    private let batches: Mutex<ArraySlice<FetchBatch>>
    private let failure = Mutex<StoreError?>(nil)

    init(_ batches: [FetchBatch]) { self.batches = Mutex(batches[...]) }

    var error: StoreError? { failure.withLock { $0 } }

    func next() -> FetchBatch? { batches.withLock { $0.popFirst() } }

    /// No lane starts another batch; what they are at ends by itself, so that it can be made durable.
    func stop(_ error: StoreError) {
        failure.withLock { $0 = $0 ?? error }
        batches.withLock { $0 = [] }
    }
}
