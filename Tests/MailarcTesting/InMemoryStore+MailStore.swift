public import MailCore
import Synchronization

extension InMemoryStore: MailStore {
    public var traits: StoreTraits {
        get async throws(StoreError) {
            StoreTraits(
                fetchConcurrency: features.fetchConcurrency, hasPersistentUIDs: features.hasPersistentUIDs,
                implementation: "in memory")
        }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        try step("mailboxes")
        return model.withLock { model in
            var listings = model.mailboxes.map { mailbox in
                MailboxListing(
                    name: mailbox.name, role: mailbox.role, mailboxID: features.hasMailboxIDs ? mailbox.id : nil,
                    status: features.givesStatus ? listed(mailbox, model.faults) : nil)
            }
            guard let limit = model.faults.listedMailboxes else { return (listings, true) }
            listings = Array(listings.prefix(limit))
            return (listings, !model.faults.admitsHoles)
        }
    }

    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        try step("observe \(mailbox)")
        let (found, faults) = model.withLock { ($0.mailboxes.first { $0.name == mailbox }, $0.faults) }
        guard let found else { throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox) }
        guard !faults.unopenable.contains(mailbox) else {
            throw StoreError(.refused, "cannot be opened", mailbox: mailbox)
        }
        let status = status(found)
        if let cursor, let delta = delta(found, since: cursor, faults) {
            return MailboxObservation(status: status, content: delta, isComplete: true)
        }
        var summaries = found.messages.map { summary($0) }
        if let limit = faults.listedMessages, summaries.count > limit { summaries = Array(summaries.suffix(limit)) }
        let isWhole = summaries.count == found.messages.count || !faults.admitsHoles
        return MailboxObservation(status: status, content: .full(summaries), isComplete: isWhole)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try step("fetch \(mailbox) \(UIDSet(messages.map(\.uid)))")
        let (found, faults) = model.withLock { ($0.mailboxes.first { $0.name == mailbox }, $0.faults) }
        guard let found else { throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox) }
        guard found.uidValidity == uidValidity.value else {
            throw StoreError(.uidValidityChanged, "has other UIDs now", mailbox: mailbox, retry: .later)
        }
        var report = FetchReport()
        for wanted in messages {
            let message = found.messages.first { $0.summary.uid == wanted.uid }
            if let refusal = faults.refusals[mailbox]?[wanted.uid] {
                report.refused[wanted.uid] = refusal
            } else if let message, faults.expungedMeanwhile[mailbox]?.contains(wanted.uid) != true {
                try await send(message, mailbox, faults, consume)
                report.delivered.insert(wanted.uid)
            } else {
                report.refused[wanted.uid] = Refusal(.expunged)
            }
        }
        return report
    }

    private func send(
        _ message: Message, _ mailbox: MailboxName, _ faults: Faults,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) {
        var breaks = [false]
        if faults.brokenStreams[mailbox]?.contains(message.summary.uid) == true { breaks = [true, false] }
        for isBroken in breaks {
            try step("message", isLogged: false)
            let incoming = IncomingOctets(message, isBroken: isBroken)
            do {
                try await consume(incoming)
            } catch {
                if incoming.hasBroken { continue }
                throw StoreError(.consumerFailed, "the consumer failed", mailbox: mailbox, cause: error)
            }
        }
    }

    func step(_ name: String, isLogged: Bool = true) throws(StoreError) {
        if isLogged { model.withLock { $0.log.append(name) } }
        do { try io(name) } catch {
            throw StoreError(.connectionLost, "the connection broke", retry: .later, cause: error)
        }
    }

    private func listed(_ mailbox: Mailbox, _ faults: Faults) -> MailboxStatus {
        var status = status(mailbox)
        guard faults.statusOfBefore, let last = mailbox.messages.last else { return status }
        status.highestModSeq = status.highestModSeq.flatMap { ModSeq($0.value - 1) }
        if last.summary.uid.value + 1 == mailbox.uidNext {
            (status.uidNext, status.messageCount) = (last.summary.uid, status.messageCount - 1)
        }
        return status
    }

    private func status(_ mailbox: Mailbox) -> MailboxStatus {
        MailboxStatus(
            uidValidity: UIDValidity(mailbox.uidValidity), uidNext: UID(mailbox.uidNext),
            messageCount: mailbox.messages.count, highestModSeq: features.hasModSeq ? ModSeq(mailbox.modSeq) : nil)
    }

    private func summary(_ message: Message) -> MessageSummary {
        var summary = message.summary
        if !features.hasModSeq { summary.modSeq = nil }
        return summary
    }

    private func delta(
        _ mailbox: Mailbox, since cursor: MailboxCursor, _ faults: Faults
    ) -> MailboxObservation.Content? {
        guard features.givesDeltas, features.hasModSeq, let since = cursor.status.highestModSeq,
            cursor.status.uidValidity.value == mailbox.uidValidity
        else { return nil }
        let changed = mailbox.messages.filter { ($0.summary.modSeq.map { $0 > since }) ?? true }.map { summary($0) }
        let left = UIDSet(mailbox.expunged.filter { $0.modSeq > since.value }.map(\.uid))
        let lied = faults.falseVanished[mailbox.name] ?? UIDSet()
        return .delta(changed: changed, vanished: left.union(lied).intersection(cursor.knownUIDs))
    }
}

/// A message handed over in pieces of uneven length.
private final class IncomingOctets: IncomingMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private var rest: ArraySlice<UInt8>
    private let isBroken: Bool
    private var pieces = 0
    private(set) var hasBroken = false

    init(_ message: InMemoryStore.Message, isBroken: Bool) {
        (uid, announcedOctetCount) = (message.summary.uid, message.octets.count)
        (rest, self.isBroken) = (message.octets[...], isBroken)
    }

    func next() async throws(StoreError) -> [UInt8]? {
        if isBroken, pieces > 0 || rest.isEmpty {
            hasBroken = true
            throw StoreError(.connectionLost, "the connection broke in a message", retry: .now)
        }
        guard !rest.isEmpty else { return nil }
        pieces += 1
        let piece = rest.prefix(pieces % 7 * 11 + 1)
        rest = rest.dropFirst(piece.count)
        return Array(piece)
    }
}
