import ArchiveCatalog
import ArchiveStore
import MailCore
import Synchronization

/// What the mailboxes of one restore have in common.
final class RestoreRun: Sendable {
    private struct State {
        var facts: [RandomID: WireFacts] = [:]
        var damaged: [RandomID: DeliveryRefusal] = [:]
        var plan: [String] = []
        var done = 0
        var octetsDone = 0
    }

    let options: RestoreOptions
    private let catalog: Catalog
    /// User and host, so that an account of the same name elsewhere is another one.
    private let identity: String
    private let total: Int
    private let octetsTotal: Int
    private let progress: ProgressHandler
    private let state = Mutex(State())

    init(
        _ options: RestoreOptions, catalog: Catalog, identity: String, targets: [MailboxTarget],
        progress: @escaping ProgressHandler
    ) {
        (self.options, self.catalog, self.identity, self.progress) = (options, catalog, identity, progress)
        total = targets.reduce(0) { $0 + $1.wanted.count }
        octetsTotal = targets.reduce(0) { sum, target in target.wanted.reduce(sum) { $0 + $1.octetCount } }
    }

    var planned: [String] { state.withLock { $0.plan.sorted() } }

    func plan(_ line: String) { state.withLock { $0.plan.append(line) } }

    func record(_ mailbox: MailboxName, _ uidValidity: UIDValidity) -> RestoredRecord {
        RestoredRecord(catalog, identity: identity, mailbox: mailbox, uidValidity: uidValidity)
    }

    // MARK: Facts

    func known(_ id: RandomID) -> WireFacts? { state.withLock { $0.facts[id] } }

    func learn(_ id: RandomID, _ facts: WireFacts) {
        // Without its likeness a fragile message could not be known again.
        guard !facts.traits.isFragile || facts.likeness != nil else { return }
        state.withLock { $0.facts[id] = facts }
    }

    /// What `id` is in wire form, read from the archive once; `nil` where it cannot be read.
    func facts(_ id: RandomID, _ reader: ArchiveReader) -> WireFacts? {
        if let facts = known(id) { return facts }
        do throws(ArchiveError) {
            let facts = try RestoredMessage.facts(id, reader)
            learn(id, facts)
            return facts
        } catch {
            state.withLock { $0.damaged[id] = DeliveryRefusal(.unreadable, detail: error.message) }
            return nil
        }
    }

    func damage(_ id: RandomID) -> DeliveryRefusal {
        state.withLock { $0.damaged[id] } ?? DeliveryRefusal(.unreadable)
    }

    // MARK: Progress

    func advance(_ messages: Int, octets: Int, subject: String) {
        let (done, octetsDone) = state.withLock { state in
            state.done += messages
            state.octetsDone += octets
            return (state.done, state.octetsDone)
        }
        show("restoring", subject, done, octetsDone)
    }

    /// A message of the account was looked at.
    func looked(at subject: String) {
        let (done, octetsDone) = state.withLock { ($0.done, $0.octetsDone) }
        show("comparing", subject, done, octetsDone)
    }

    private func show(_ phase: String, _ subject: String, _ done: Int, _ octetsDone: Int) {
        progress(
            KitProgress(
                phase: phase, subject: subject, done: done, total: total, octetsDone: octetsDone,
                octetsTotal: octetsTotal))
    }
}
