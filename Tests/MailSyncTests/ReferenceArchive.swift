import MailCore
import MailSync
import Synchronization

/// The archive of the tests: keeps contents and occurrences, and every rule that an event stream must keep.
final class ReferenceArchive: HistoryDestination, Sendable {
    struct Place: Hashable {
        var mailbox: MailboxName
        var uidValidity: UIDValidity
        var uid: UID
    }

    struct Occurrence: Hashable {
        var message: RandomID
        var flags: FlagSet
        var internalDate: InternalDate?
    }

    /// What is durable.
    struct Model {
        var contents: [RandomID: [UInt8]] = [:]
        var mailboxes: [MailboxName: RecordedMailbox] = [:]
        var occurrences: [Place: Occurrence] = [:]
        var quarantined: Set<Place> = []
        var events: [OccurrenceEvent] = []
        var sequence: UInt64 = 0
        var violations: [String] = []
    }

    private struct Memory {
        var model = Model()
        var ingested: [RandomID: [UInt8]] = [:]
        var recorded: [OccurrenceEvent] = []
    }

    private let memory = Mutex(Memory())
    let io: @Sendable (String) throws -> Void

    init(model: Model = Model(), io: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.io = io
        memory.withLock { $0.model = model }
    }

    /// What a crash leaves.
    var durable: Model { memory.withLock { $0.model } }

    static func handle(_ octets: [UInt8]) -> RandomID {
        var first: UInt64 = 0xcbf2_9ce4_8422_2325
        var second: UInt64 = 0x9e37_79b9_7f4a_7c15
        for octet in octets {
            first = (first ^ UInt64(octet)) &* 0x100_0000_01b3
            second = (second &+ UInt64(octet)) &* 0xff51_afd7_ed55_8ccd ^ (second >> 29)
        }
        var result: [UInt8] = []
        for half in [first, second] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: half >> shift))
            }
        }
        return RandomID(octets: result) ?? RandomID(octets: [UInt8](repeating: 0, count: 16)).unsafelyChosen
    }

    func ingest(
        _ message: any IncomingMessage, channel: Channel, fidelity: Fidelity, lane: Int
    ) async throws -> IngestedMessage {
        try io("ingest")
        var octets: [UInt8] = []
        while let piece = try await message.next() { octets += piece }
        if octets.count > 10_000_000 { throw MessageRefused(Refusal(.unreadable, detail: "too long for a test")) }
        let handle = Self.handle(octets)
        let isNew = memory.withLock { memory in
            guard memory.model.contents[handle] == nil, memory.ingested[handle] == nil else { return false }
            memory.ingested[handle] = octets
            return true
        }
        return IngestedMessage(message: handle, isNew: isNew, octetCount: octets.count)
    }

    func record(_ events: [OccurrenceEvent]) async throws {
        try io("record")
        memory.withLock { $0.recorded += events }
    }

    func commit() async throws -> UInt64 {
        try io("commit")
        let sequence = memory.withLock { memory in
            memory.model.contents.merge(memory.ingested) { first, _ in first }
            memory.ingested = [:]
            for event in memory.recorded { memory.model.apply(event) }
            if !memory.recorded.isEmpty { memory.model.sequence += 1 }
            memory.recorded = []
            return memory.model.sequence
        }
        try io("committed")
        return sequence
    }

    func currentMailboxes() async throws -> [RecordedMailbox] { Array(durable.mailboxes.values) }

    func currentOccurrences(_ each: @Sendable (OccurrenceRow) throws -> Void) async throws {
        let model = durable
        for (place, occurrence) in model.occurrences {
            try each(
                OccurrenceRow(
                    mailbox: place.mailbox, uidValidity: place.uidValidity, uid: place.uid,
                    message: occurrence.message, flags: occurrence.flags, internalDate: occurrence.internalDate,
                    octetCount: model.contents[occurrence.message]?.count))
        }
    }

    var eventSequence: UInt64 { get async throws { durable.sequence } }
}

extension RandomID? {
    /// For a value that is there by construction.
    fileprivate var unsafelyChosen: RandomID {
        guard let self else { preconditionFailure("16 octets make a handle") }
        return self
    }
}

extension ReferenceArchive.Model {
    mutating func apply(_ event: OccurrenceEvent) {
        events.append(event)
        switch event {
        case .placed(let message, let address, let flags, let date, _, _, _):
            let place = ReferenceArchive.Place(address)
            expect(contents[message] != nil, "placed before its octets: \(event)")
            expect(occurrences[place] == nil, "placed twice: \(event)")
            expect(mailboxes[address.mailbox] != nil, "placed in no mailbox: \(event)")
            occurrences[place] = .init(message: message, flags: flags, internalDate: date)
            quarantined.remove(place)
        case .flagsChanged(let address, let flags, _):
            let place = ReferenceArchive.Place(address)
            expect(occurrences[place] != nil, "flags of nothing: \(event)")
            expect(occurrences[place]?.flags != flags, "flags as before: \(event)")
            occurrences[place]?.flags = flags
        case .gone(let address, let target):
            let place = ReferenceArchive.Place(address)
            let left = occurrences.removeValue(forKey: place)
            expect(left != nil || quarantined.remove(place) != nil, "gone was not there: \(event)")
            if let target {
                expect(
                    occurrences[ReferenceArchive.Place(target)]?.message == left?.message, "moved to nothing: \(event)")
            }
        case .mailboxCreated(_, let name, let role, let validity):
            expect(mailboxes[name] == nil, "created twice: \(event)")
            mailboxes[name] = RecordedMailbox(name: name, role: role, uidValidity: validity)
        case .mailboxRenamed(_, let old, let new): rename(old, new)
        case .mailboxDeleted(_, let name):
            expect(mailboxes.removeValue(forKey: name) != nil, "deleted was not there: \(event)")
            occurrences = occurrences.filter { $0.key.mailbox != name }
            quarantined = quarantined.filter { $0.mailbox != name }
        case .uidValidityChanged(_, let name, let old, let new, let mapping): remap(name, old, new, mapping)
        case .quarantined(let address, _):
            expect(occurrences[ReferenceArchive.Place(address)] == nil, "quarantined is archived: \(event)")
            quarantined.insert(ReferenceArchive.Place(address))
        case .uidsGiven: expect(false, "an account that follows its source was given UIDs: \(event)")
        case .delivered(let address, _):
            expect(occurrences[ReferenceArchive.Place(address)] != nil, "told of nothing: \(event)")
        }
    }

    private mutating func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
        if !condition { violations.append(sentence()) }
    }

    private mutating func rename(_ old: MailboxName, _ new: MailboxName) {
        expect(mailboxes[new] == nil, "renamed onto another mailbox \(new)")
        guard var mailbox = mailboxes.removeValue(forKey: old) else {
            return expect(false, "renamed was not there \(old)")
        }
        mailbox.name = new
        mailboxes[new] = mailbox
        occurrences = Dictionary(
            occurrences.map { place, value in
                var place = place
                if place.mailbox == old { place.mailbox = new }
                return (place, value)
            }, uniquingKeysWith: { first, _ in first })
        quarantined = Set(
            quarantined.map { place in
                var place = place
                if place.mailbox == old { place.mailbox = new }
                return place
            })
    }

    private mutating func remap(
        _ name: MailboxName, _ old: UIDValidity, _ new: UIDValidity, _ mapping: [UID: UID]
    ) {
        var moved: [(UID, ReferenceArchive.Occurrence)] = []
        for (from, to) in mapping {
            let place = ReferenceArchive.Place(mailbox: name, uidValidity: old, uid: from)
            if let value = occurrences.removeValue(forKey: place) {
                moved.append((to, value))
            } else {
                expect(false, "paired again was not there: \(name) \(old) \(from)")
            }
        }
        for (uid, value) in moved {
            let place = ReferenceArchive.Place(mailbox: name, uidValidity: new, uid: uid)
            expect(occurrences[place] == nil, "paired again onto another: \(name) \(new) \(uid)")
            occurrences[place] = value
            quarantined.remove(place)
        }
        mailboxes[name]?.uidValidity = new
    }
}

extension ReferenceArchive.Place {
    init(_ address: OccurrenceAddress) {
        self.init(mailbox: address.mailbox, uidValidity: address.uidValidity, uid: address.uid)
    }
}
