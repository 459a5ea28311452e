import ArchiveCatalog
import ArchiveStore
import MailCore

/// A message the account must hold in one of its mailboxes.
struct WantedMessage: Sendable {
    var id: RandomID
    var flags: FlagSet
    var internalDate: InternalDate?
    /// As the catalog knows it.
    var octetCount: Int
}

/// One mailbox of the account and everything that belongs there.
struct MailboxTarget: Sendable {
    var name: MailboxName
    var role: MailboxRole?
    var exists: Bool
    var from: [String] = []
    var wanted: [WantedMessage] = []
}

/// Restores one mailbox: looks what is there, sends what is missing, and after a broken connection looks again.
///
/// Used by one task.
final class MailboxRestore {
    /// LIMIT: times one message may break the connection before it is given up; also losses in a row without progress.
    private static let attempts = 3

    let target: MailboxTarget
    let store: any DeliveryStore
    let options: RestoreOptions
    let reader: ArchiveReader
    let shared: RestoreRun
    var outcome: RestoredMailbox
    var refused: [Int: DeliveryRefusal] = [:]
    var differences: [RestoreFinding] = []
    var lostFlags: [Flag: Int] = [:]
    var octetsSent = 0
    /// Sent by this run and there.
    private(set) var delivered: Set<Int> = []
    /// Of these, those that may be kept in another form.
    private(set) var fragile: Set<Int> = []
    /// Given to the store and not heard of, in order.
    private var unresolved: [Int] = []
    private var breaks: [Int: Int] = [:]
    private var record: RestoredRecord?
    private var didCount = false

    init(_ target: MailboxTarget, _ store: any DeliveryStore, reader: ArchiveReader, shared: RestoreRun) {
        (self.target, self.store, self.reader, self.shared) = (target, store, reader, shared)
        options = shared.options
        outcome = RestoredMailbox(mailbox: target.name.text, from: target.from)
        outcome.wanted = target.wanted.count
    }

    func run() async throws(StoreError) {
        do throws(StoreError) {
            try await send()
            if !options.isDryRun { try await verify() }
        } catch {
            guard error.kind == .noSuchMailbox || error.kind == .refused else { throw error }
            for index in target.wanted.indices where !delivered.contains(index) && refused[index] == nil {
                refused[index] = DeliveryRefusal(.noMailbox, detail: error.message)
            }
        }
        record?.flush()
        outcome.restored = delivered.count
        outcome.refused = refused.count
        if !options.isDryRun {
            outcome.present = target.wanted.indices.count { !delivered.contains($0) && refused[$0] == nil }
        }
    }

    // MARK: Sending

    private func send() async throws(StoreError) {
        var isThere = target.exists
        var losses = 0
        while true {
            do throws(StoreError) {
                if !isThere, !options.isDryRun {
                    try await store.create(target.name, role: target.role, isSubscribed: options.subscribes)
                    outcome.isCreated = true
                    isThere = true
                }
                let missing = try await look(isThere: isThere)
                blame(missing)
                if options.isDryRun { return plan(missing) }
                try await deliver(missing.filter { refused[$0] == nil })
                return
            } catch {
                record?.flush()
                guard error.kind == .connectionLost || error.kind == .uidValidityChanged else { throw error }
                losses = unresolved.isEmpty ? losses + 1 : 0
                guard losses < Self.attempts else { throw error }
            }
        }
    }

    /// What is not there, ascending.
    private func look(isThere: Bool) async throws(StoreError) -> [Int] {
        guard isThere else { return Array(target.wanted.indices) }
        let look = try await store.observe(target.name, since: nil)
        guard case .full(let present) = look.content else { return [] }
        openRecord(look.status.uidValidity)
        guard !present.isEmpty else { return Array(target.wanted.indices) }
        let match = try await match(present, look.status.uidValidity, known: record?.messages ?? [:])
        for index in unresolved where match.pairs[index] != nil { took(index) }
        for (index, uid) in match.pairs { record?.add(uid, target.wanted[index].id) }
        if !didCount {
            didCount = true
            let octets = match.pairs.keys.reduce(0) { $0 + target.wanted[$1].octetCount }
            shared.advance(match.pairs.count, octets: octets, subject: outcome.mailbox)
        }
        return match.missing
    }

    /// Pairs what is wanted with `present`, fetching what must be looked at.
    func match(
        _ present: [MessageSummary], _ uidValidity: UIDValidity, known: [UID: RandomID], only: Set<Int>? = nil
    ) async throws(StoreError) -> ContentMatch {
        var wanted: [ContentMatch.Wanted?] = []
        for (index, message) in target.wanted.enumerated() {
            guard refused[index] == nil, only?.contains(index) ?? true,
                let facts = shared.facts(message.id, reader)
            else {
                if refused[index] == nil, only == nil { refused[index] = shared.damage(message.id) }
                wanted.append(nil)
                continue
            }
            wanted.append(
                ContentMatch.Wanted(
                    digest: facts.digest, likeness: facts.likeness, octetCount: facts.octetCount,
                    internalDate: message.sendableDate, flags: message.flags))
        }
        var match = ContentMatch(wanted: wanted, present: present)
        let isFragile = wanted.contains { $0?.likeness != nil }
        match.pair(
            known.compactMapValues { id in
                shared.known(id).map { ContentMatch.Found(digest: $0.digest, likeness: $0.likeness) }
            })
        for isWide in [false, true] where !match.missing.isEmpty {
            let candidates = match.candidates(widely: isWide)
            guard !candidates.isEmpty else { continue }
            match.pair(try await read(candidates, uidValidity, wantsLikeness: isFragile))
        }
        if isFragile { match.pairChanged() }
        return match
    }

    private func read(
        _ candidates: [MessageSummary], _ uidValidity: UIDValidity, wantsLikeness: Bool
    ) async throws(StoreError) -> [UID: ContentMatch.Found] {
        var found: [UID: ContentMatch.Found] = [:]
        _ = try await store.fetch(candidates, from: target.name, uidValidity: uidValidity) { message in
            let meter = WireMeter(wantsLikeness: wantsLikeness)
            while let octets = try await message.next() { meter.take(octets) }
            let facts = meter.finish()
            found[message.uid] = ContentMatch.Found(digest: facts.digest, likeness: facts.likeness)
            shared.looked(at: outcome.mailbox)
        }
        return found
    }

    private func openRecord(_ uidValidity: UIDValidity) {
        guard record == nil else { return }
        record = shared.record(target.name, uidValidity)
    }

    private func plan(_ missing: [Int]) {
        let count = missing.count { refused[$0] == nil }
        outcome.present = target.wanted.count - count - refused.count
        if !target.exists {
            shared.plan("create \(outcome.mailbox)" + (target.role.map { " (\($0.rawValue))" } ?? ""))
        }
        guard count > 0 else { return }
        shared.plan("restore \(count) of \(target.wanted.count) messages to \(outcome.mailbox)")
    }

    /// Of what was under way when the connection broke, the first that is not there is the suspect.
    private func blame(_ missing: [Int]) {
        let isMissing = Set(missing)
        if let suspect = unresolved.first(where: isMissing.contains) {
            breaks[suspect, default: 0] += 1
            if breaks[suspect, default: 0] >= Self.attempts { refused[suspect] = DeliveryRefusal(.connectionLost) }
        }
        unresolved = []
    }

    private func deliver(_ missing: [Int]) async throws(StoreError) {
        guard !missing.isEmpty else { return }
        let traits = try await store.deliveryTraits(of: target.name)
        if let uidValidity = traits.uidValidity { openRecord(uidValidity) }
        var rest = missing[...]
        try await store.deliver(
            to: target.name, traits,
            next: {
                while let index = rest.popFirst() {
                    do throws(ArchiveError) {
                        let message = try RestoredMessage(index, outgoing(index), reader: reader)
                        unresolved.append(index)
                        return message
                    } catch {
                        refused[index] = DeliveryRefusal(.unreadable, detail: error.message)
                        shared.advance(1, octets: 0, subject: outcome.mailbox)
                    }
                }
                return nil
            },
            each: { message, result in
                guard let message = message as? RestoredMessage else { return }
                settle(message, result, traits)
            })
    }

    private func outgoing(_ index: Int) -> WantedMessage {
        var message = target.wanted[index]
        message.internalDate = message.sendableDate
        return message
    }

    private func settle(_ message: RestoredMessage, _ result: DeliveryOutcome, _ traits: DeliveryTraits) {
        unresolved.removeAll { $0 == message.index }
        switch result {
        case .refused(let refusal):
            refused[message.index] = refusal
            shared.advance(1, octets: target.wanted[message.index].octetCount, subject: outcome.mailbox)
        case .delivered(_, let uid):
            for flag in message.flags.flags where !traits.keeps(flag) { lostFlags[flag, default: 0] += 1 }
            octetsSent += message.octetCount
            shared.learn(message.id, message.facts)
            if let uid { record?.add(uid, message.id) }
            took(message.index, message.facts)
        }
    }

    /// The message of this index is there, by this run.
    private func took(_ index: Int, _ facts: WireFacts? = nil) {
        guard delivered.insert(index).inserted else { return }
        shared.advance(1, octets: target.wanted[index].octetCount, subject: outcome.mailbox)
        guard let facts = facts ?? shared.known(target.wanted[index].id) else { return }
        if facts.isConverted { outcome.converted += 1 }
        if facts.traits.isFragile { fragile.insert(index) }
    }
}

extension WantedMessage {
    /// The internal date as APPEND can spell it: between 1970 and 9999, in a zone there is.
    var sendableDate: InternalDate? {
        internalDate.map { date in
            let zone = date.zoneOffset.magnitude <= 14 * 60 ? date.zoneOffset : 0
            let seconds = min(max(date.secondsSinceEpoch, 86_400), 253_402_214_400)
            return InternalDate(secondsSinceEpoch: seconds, zoneOffset: zone)
        }
    }
}
