import Foundation
import MailCore
import MailSync
import MailarcTesting
import Synchronization

/// A number generator that gives the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Kills everything at one step: that step and all after it fail.
final class Killer: Sendable {
    struct Killed: Error {}
    private let counts: Mutex<(steps: Int, target: Int?)>

    init(at target: Int? = nil) { counts = Mutex((0, target)) }

    var stepCount: Int { counts.withLock { $0.steps } }

    func step() throws {
        try counts.withLock { counts in
            counts.steps += 1
            if let target = counts.target, counts.steps >= target { throw Killed() }
        }
    }
}

/// An account, its archive and the state between, in a folder of its own.
final class Scenario {
    let store: InMemoryStore
    private(set) var archive: ReferenceArchive
    private let folder: URL
    var options = SyncOptions()
    private(set) var statePath: String

    init(_ store: InMemoryStore = InMemoryStore()) throws {
        self.store = store
        archive = ReferenceArchive()
        folder = FileManager.default.temporaryDirectory.appending(path: "mailarc-sync-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        statePath = folder.appending(path: "state.sqlite").path
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func loseState() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            try FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }

    /// One run in a process of its own; `killer` may end it at any step.
    @discardableResult
    func run(killer: Killer = Killer(), dry: Bool = false) async throws -> SyncReport {
        // What a killed process had not made durable is not there any more.
        archive = ReferenceArchive(model: archive.durable) { _ in try killer.step() }
        let source = InMemoryStore(copying: store) { _ in try killer.step() }
        let state = try SyncState.open(path: statePath, probe: { _ in try killer.step() })
        defer { try? state.close() }
        var options = options
        options.isDryRun = dry
        let runner = SyncRunner(
            source: SyncSource(store: source, account: "test", channel: .imap), destination: archive, state: state,
            options: options)
        do {
            let report = try await runner.run()
            for line in source.takeLog() { log.append(line) }
            return report
        } catch {
            for line in source.takeLog() { log.append(line) }
            throw error
        }
    }

    /// What runs asked of the source.
    var log: [String] = []

    /// Differences between what the source shows and what the archive says is there now.
    func differences() -> [String] {
        let model = archive.durable
        var result = model.violations
        var rest = model.occurrences
        for entry in store.contents {
            let place = ReferenceArchive.Place(
                mailbox: entry.mailbox, uidValidity: entry.uidValidity, uid: entry.summary.uid)
            guard let found = rest.removeValue(forKey: place) else {
                result.append("lost: \(entry.mailbox) \(entry.summary.uid)")
                continue
            }
            if model.contents[found.message] != entry.octets {
                result.append("other octets: \(entry.mailbox) \(entry.summary.uid)")
            }
            if found.flags != entry.summary.flags { result.append("flags: \(entry.mailbox) \(entry.summary.uid)") }
        }
        for place in rest.keys { result.append("too much: \(place.mailbox) \(place.uidValidity) \(place.uid)") }
        let names = Set(store.mailboxNames)
        if Set(model.mailboxes.keys) != names {
            result.append("mailboxes: \(model.mailboxes.keys.map(\.text).sorted()) for \(names.map(\.text).sorted())")
        }
        return result
    }
}

/// Writes random history into a store.
struct RandomHistory {
    var generator: SeededGenerator
    /// Arrivals; two come in one second, though never on both sides of a run.
    private var clock: Int64 = 0
    private static let names = ["INBOX", "Sent", "Archív/2024", "Archív/2025", "Lists/swift", "Трифон"].map {
        MailboxName($0)
    }
    /// Contents are few, so that equal ones meet often; sizes and dates, too.
    private static let contents: [[UInt8]] = (0..<14).map { number in
        let id = number % 3 == 0 ? "" : "Message-ID: <\(number % 4)@example.org>\r\n"
        let body = String(repeating: number % 2 == 0 ? "a" : "bc\r\n", count: number % 5 * 37)
        return Array("\(id)Subject: \(number)\r\n\r\n\(body)".utf8)
    }

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func write(_ steps: Int, into store: InMemoryStore, resets: Bool = true) {
        clock = (clock / 2 + 1) * 2
        for _ in 0..<steps { step(store, resets: resets) }
    }

    private mutating func step(_ store: InMemoryStore, resets: Bool) {
        let here = store.mailboxNames.randomElement(using: &generator) ?? MailboxName("INBOX")
        let there = store.mailboxNames.randomElement(using: &generator) ?? here
        let uid = store.contents.filter { $0.mailbox == here }.map(\.summary.uid).randomElement(using: &generator)
        switch Int.random(in: 0..<24, using: &generator) {
        case 0..<8: append(store, here)
        case 8..<11: if let uid { store.expunge(uid, from: here) }
        case 11..<14: if let uid { store.setFlags(flags(), of: uid, in: here) }
        case 14..<17: if let uid { store.move(uid, from: here, to: there) }
        case 17: if let uid { store.copy(uid, from: here, to: there) }
        case 18..<20: if let name = Self.names.randomElement(using: &generator) { store.create(name) }
        case 20:
            if let name = Self.names.randomElement(using: &generator), !here.isInbox { store.rename(here, as: name) }
        case 21: if !here.isInbox { store.delete(here) }
        case 22 where resets:
            var generator = generator
            store.resetUIDValidity(here) { $0.shuffled(using: &generator) }
            self.generator = generator
        default: append(store, here)
        }
    }

    private mutating func append(_ store: InMemoryStore, _ name: MailboxName) {
        let octets = Self.contents.randomElement(using: &generator) ?? []
        clock += 1
        store.append(octets, to: name, flags: flags(), date: 1_700_000_000 + clock / 2)
    }

    private mutating func flags() -> FlagSet {
        let all: [Flag] = [.seen, .flagged, .answered, Flag("$Forwarded"), Flag("grün")]
        return FlagSet(all.filter { _ in Bool.random(using: &generator) })
    }
}
