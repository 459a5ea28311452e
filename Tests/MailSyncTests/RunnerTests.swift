import Foundation
import MailCore
import MailSync
import MailarcTesting
import Testing

private let inbox = MailboxName("INBOX")
private let work = MailboxName("Work/Größe")

private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Twelve different messages in INBOX, an empty mailbox beside it, one run.
private func started(_ features: InMemoryStore.Features = .init()) async throws -> Scenario {
    let store = InMemoryStore(features: features)
    store.create(work)
    for number in 1...12 {
        store.append(octets("Subject: \(number)\r\n\r\n\(String(repeating: "x", count: number))"), to: inbox)
    }
    let scenario = try Scenario(store)
    let report = try await scenario.run()
    #expect(report.isBalanced && report.total(\.newCount) == 12)
    scenario.log = []
    return scenario
}

extension Scenario {
    fileprivate var newestEvents: [OccurrenceEvent] { archive.durable.events }

    fileprivate func entry(_ report: SyncReport, _ name: MailboxName) throws -> MailboxReport {
        try #require(report.mailboxes.first { $0.mailbox == name })
    }
}

@Suite struct RunnerTests {
    @Test("an unchanged account costs one listing and nothing else")
    func unchanged() async throws {
        let scenario = try await started()
        let killer = Killer()
        let report = try await scenario.run(killer: killer)
        #expect(report.isUnchanged && report.isBalanced)
        #expect(scenario.log == ["mailboxes"])
        #expect(killer.stepCount == 1, "no write of state or archive")
        #expect(try scenario.entry(report, inbox).archivedCount == 12)
    }

    @Test("a change in one mailbox opens no other, and fetches what is new only")
    func oneChange() async throws {
        let scenario = try await started()
        scenario.store.append(octets("new"), to: inbox)
        try await scenario.run()
        #expect(scenario.log == ["mailboxes", "observe INBOX", "fetch INBOX 13"])
    }

    @Test("a message that is in several mailboxes under one content id, as labels are, is fetched once")
    func labels() async throws {
        var features = InMemoryStore.Features()
        features.hasObjectIDs = true
        let scenario = try Scenario(InMemoryStore(features: features))
        let old = MailboxName("Old")
        for name in [work, old] { scenario.store.create(name) }
        for number in 0..<5 {
            let uid = try #require(scenario.store.append(Array("Subject: \(number)\r\n\r\n".utf8), to: inbox))
            if number % 2 == 0 { scenario.store.copy(uid, from: inbox, to: work) }
            scenario.store.copy(uid, from: inbox, to: old)
        }
        let report = try await scenario.run()
        #expect(scenario.log.filter { $0.hasPrefix("fetch") }.count == 1 && report.isBalanced, "\(scenario.log)")
        #expect(scenario.differences().isEmpty)
        // One label more costs nothing.
        scenario.log = []
        scenario.store.copy(try #require(UID(2)), from: inbox, to: work)
        try await scenario.run()
        #expect(!scenario.log.contains { $0.hasPrefix("fetch") }, "\(scenario.log)")
        #expect(scenario.differences().isEmpty)
    }

    @Test("a move is one departure that names its new place, and stores nothing", arguments: [true, false])
    func move(hasObjectIDs: Bool) async throws {
        var features = InMemoryStore.Features()
        features.hasObjectIDs = hasObjectIDs
        let scenario = try await started(features)
        let uid = try #require(UID(5))
        scenario.store.move(uid, from: inbox, to: work)
        let report = try await scenario.run()
        #expect(try scenario.entry(report, inbox).movedCount == 1)
        #expect(try scenario.entry(report, inbox).expungedCount == 0)
        #expect(report.total(\.newCount) == 0)
        #expect(scenario.log.contains { $0.hasPrefix("fetch") } == !hasObjectIDs)
        guard case .gone(let from, let target) = scenario.newestEvents.last else {
            Issue.record("no departure")
            return
        }
        #expect(from.uid == uid && target?.mailbox == work)
        #expect(scenario.differences().isEmpty)
    }

    @Test("messages moved out of a mailbox that is then deleted keep their trail")
    func moveAndDelete() async throws {
        let scenario = try await started()
        for uid in 1...3 { scenario.store.move(try #require(UID(UInt32(uid))), from: inbox, to: work) }
        try await scenario.run()
        let other = MailboxName("Other")
        scenario.store.create(other)
        scenario.store.move(try #require(UID(1)), from: work, to: other)
        scenario.store.delete(work)
        let report = try await scenario.run()
        #expect(try scenario.entry(report, work).isDeleted)
        #expect(try scenario.entry(report, work).movedCount == 1)
        #expect(scenario.differences().isEmpty)
    }

    @Test("a renamed mailbox is not fetched again", arguments: [true, false])
    func rename(hasMailboxIDs: Bool) async throws {
        var features = InMemoryStore.Features()
        features.hasMailboxIDs = hasMailboxIDs
        let scenario = try await started(features)
        scenario.store.append(octets("in work"), to: work)
        try await scenario.run()
        scenario.log = []
        let new = MailboxName("Arbeit")
        scenario.store.rename(work, as: new)
        let report = try await scenario.run()
        #expect(try scenario.entry(report, new).renamedFrom == work)
        #expect(!scenario.log.contains { $0.hasPrefix("fetch") })
        #expect(scenario.differences().isEmpty)
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a UIDVALIDITY reset archives nothing anew, with and without content ids", arguments: [true, false])
    func reset(hasObjectIDs: Bool) async throws {
        var features = InMemoryStore.Features()
        features.hasObjectIDs = hasObjectIDs
        let scenario = try await started(features)
        // Two equal messages and two that only their octets tell apart.
        for text in ["same", "same", "one1", "two2"] { scenario.store.append(octets(text), to: inbox) }
        try await scenario.run()
        scenario.store.resetUIDValidity(inbox) { $0.reversed() }
        scenario.log = []
        let report = try await scenario.run()
        let entry = try scenario.entry(report, inbox)
        #expect(entry.newCount == 0 && entry.placedCount == 0 && entry.expungedCount == 0)
        #expect(entry.pairedAgainCount == 16)
        #expect(scenario.log.filter { $0.hasPrefix("fetch") }.count == (hasObjectIDs ? 0 : 1))
        #expect(scenario.differences().isEmpty, "\(scenario.differences())")
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("after a reset a stranger of equal size and second is archived, and the message it replaced is gone")
    func strangerAfterReset() async throws {
        var features = InMemoryStore.Features()
        features.hasObjectIDs = false
        let scenario = try await started(features)
        let old = try #require(scenario.store.append(octets("one1"), to: inbox, date: 1_600_000_000))
        try await scenario.run()
        scenario.store.expunge(old, from: inbox)
        scenario.store.append(octets("two2"), to: inbox, date: 1_600_000_000)
        scenario.store.resetUIDValidity(inbox)
        let report = try await scenario.run()
        let entry = try scenario.entry(report, inbox)
        #expect(entry.newCount == 1 && entry.placedCount == 1 && entry.expungedCount == 1)
        #expect(entry.pairedAgainCount == 12)
        #expect(scenario.differences().isEmpty, "\(scenario.differences())")
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a message that is refused waits in quarantine, told once, tried at each run; the others go on")
    func quarantine() async throws {
        let scenario = try await started()
        let uid = try #require(scenario.store.append(octets("bad"), to: inbox))
        scenario.store.append(octets("good"), to: inbox)
        scenario.store.faults.refusals[inbox] = [uid: Refusal(.refusedByServer, detail: "NO")]
        for attempt in 1...3 {
            let report = try await scenario.run()
            let entry = try scenario.entry(report, inbox)
            #expect(entry.archivedCount == 13 && entry.quarantinedCount == 1 && entry.isBalanced)
            #expect(entry.quarantine[uid]?.attempts == attempt)
            #expect(entry.quarantine[uid]?.refusal.reason == .refusedByServer)
        }
        let told = scenario.newestEvents.filter { if case .quarantined = $0 { true } else { false } }
        #expect(told.count == 1)
        scenario.store.faults.refusals = [:]
        let report = try await scenario.run()
        #expect(try scenario.entry(report, inbox).quarantinedCount == 0)
        #expect(scenario.differences().isEmpty)
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a message expunged between listing and fetch is no loss and no quarantine")
    func expungedMeanwhile() async throws {
        let scenario = try await started()
        let uid = try #require(scenario.store.append(octets("brief"), to: inbox))
        scenario.store.faults.expungedMeanwhile[inbox] = UIDSet([uid])
        let report = try await scenario.run()
        #expect(report.isBalanced)
        scenario.store.expunge(uid, from: inbox)
        try await scenario.run()
        #expect(scenario.differences().isEmpty)
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a mailbox that cannot be opened does not stop the others")
    func unopenable() async throws {
        let scenario = try await started()
        scenario.store.append(octets("a"), to: inbox)
        scenario.store.append(octets("b"), to: work)
        scenario.store.faults.unopenable = [inbox]
        let report = try await scenario.run()
        #expect(try scenario.entry(report, inbox).failure?.kind == .refused)
        #expect(try !scenario.entry(report, inbox).isBalanced)
        #expect(try scenario.entry(report, work).newCount == 1)
        scenario.store.faults.unopenable = []
        #expect(try await scenario.run().isBalanced)
        #expect(scenario.differences().isEmpty)
    }

    @Test("a stream that breaks inside a message keeps nothing of it, and takes it when it comes again")
    func brokenStream() async throws {
        let scenario = try await started()
        let uid = try #require(scenario.store.append(octets(String(repeating: "long ", count: 99)), to: inbox))
        scenario.store.faults.brokenStreams[inbox] = UIDSet([uid])
        #expect(try await scenario.run().isBalanced)
        #expect(scenario.differences().isEmpty)
    }

    @Test("listings with holes lose nothing, whether admitted or not", arguments: [true, false])
    func holes(admits: Bool) async throws {
        var features = InMemoryStore.Features()
        features.givesDeltas = false
        let scenario = try await started(features)
        scenario.store.create(MailboxName("New"))
        scenario.store.append(octets("n"), to: inbox)
        scenario.store.faults.listedMessages = 3
        scenario.store.faults.admitsHoles = admits
        try await scenario.run()
        #expect(scenario.archive.durable.occurrences.count == 13)
        scenario.store.faults.listedMessages = nil
        try await scenario.run()
        #expect(scenario.differences().isEmpty)
        scenario.store.faults.listedMailboxes = 1
        scenario.store.faults.admitsHoles = true
        try await scenario.run()
        #expect(scenario.differences().isEmpty, "an incomplete list of mailboxes deletes none")
    }

    @Test("an invented VANISHED is checked against a full look")
    func falseVanished() async throws {
        let scenario = try await started()
        scenario.store.faults.falseVanished[inbox] = UIDSet(ranges: [1...12])
        scenario.store.append(octets("n"), to: inbox)
        try await scenario.run()
        #expect(scenario.differences().isEmpty, "\(scenario.differences())")
    }

    @Test("a source that breaks off leaves what was fetched, and the next run fetches the rest only")
    func interruption() async throws {
        let scenario = try Scenario()
        for number in 1...30 { scenario.store.append(octets("message \(number)"), to: inbox) }
        scenario.options.groupLimits = GroupLimits(changeCount: 4)
        let limit = Counter(23)
        let archive = ReferenceArchive()
        let state = try SyncState.open(path: scenario.statePath)
        let broken = InMemoryStore(copying: scenario.store) { _ in try limit.countDown() }
        let first = try await SyncRunner(
            source: SyncSource(store: broken, account: "test", channel: .imap), destination: archive, state: state,
            options: scenario.options
        ).run()
        #expect(first.interruption?.kind == .connectionLost)
        #expect(!first.isBalanced)
        let kept = archive.durable.occurrences.count
        #expect(kept == 20)
        let whole = InMemoryStore(copying: scenario.store)
        let second = try await SyncRunner(
            source: SyncSource(store: whole, account: "test", channel: .imap), destination: archive, state: state,
            options: scenario.options
        ).run()
        #expect(second.isBalanced && second.total(\.placedCount) == 10)
        #expect(archive.durable.violations.isEmpty && archive.durable.occurrences.count == 30)
    }

    @Test("mailboxes without persistent UIDs are known by content", arguments: 0..<8)
    func volatileUIDs(seed: Int) async throws {
        var features = InMemoryStore.Features()
        (features.hasPersistentUIDs, features.hasModSeq) = (false, false)
        let store = InMemoryStore(features: features)
        let scenario = try Scenario(store)
        var history = RandomHistory(seed: UInt64(seed) &+ 5_000)
        for _ in 0..<4 {
            history.write(25, into: store, resets: false)
            for name in store.mailboxNames { store.renumber(name) }
            #expect(try await scenario.run().isBalanced)
            #expect(scenario.differences().isEmpty, "seed \(seed): \(scenario.differences())")
            #expect(try await scenario.run().isUnchanged, "seed \(seed)")
        }
    }

    @Test("a message the archive cannot take is quarantined, the others go on")
    func refusedByArchive() async throws {
        let scenario = try await started()
        scenario.store.append([UInt8](repeating: 65, count: 10_000_001), to: inbox)
        scenario.store.append(octets("after"), to: inbox)
        let report = try await scenario.run()
        #expect(try scenario.entry(report, inbox).quarantinedCount == 1)
        #expect(report.isBalanced && report.total(\.newCount) == 1)
    }

    @Test("many mailboxes over several lanes and waves, then unchanged")
    func manyMailboxes() async throws {
        var features = InMemoryStore.Features()
        features.fetchConcurrency = 4
        let store = InMemoryStore(features: features)
        for number in 0..<1_100 {
            let name = MailboxName("Box/\(number)")
            store.create(name, role: number == 700 ? .all : nil)
            if number % 3 != 0 { store.append(octets("message \(number % 50)"), to: name) }
        }
        let scenario = try Scenario(store)
        #expect(try await scenario.run().isBalanced)
        #expect(
            scenario.log.first { $0.hasPrefix("observe") } == "observe Box/700", "the mailbox of all messages is first")
        #expect(scenario.differences().isEmpty)
        #expect(scenario.archive.durable.contents.count == 50)
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a store that pipelines is asked for all mailboxes of a wave at once")
    func pipelined() async throws {
        let scenario = try Scenario()
        for number in 0..<20 {
            scenario.store.create(MailboxName("Box/\(number)"))
            scenario.store.append(octets("\(number)"), to: MailboxName("Box/\(number)"))
        }
        let store = Pipelining(store: scenario.store)
        let archive = ReferenceArchive()
        let runner = SyncRunner(
            source: SyncSource(store: store, account: "test", channel: .imap), destination: archive,
            state: try SyncState.open(path: scenario.statePath))
        #expect(try await runner.run().isBalanced)
        #expect(store.calls.value == [20])
        #expect(archive.durable.occurrences.count == 20)
    }

    @Test("a large mailbox is cut into batches that lanes share")
    func largeMailbox() async throws {
        var features = InMemoryStore.Features()
        features.fetchConcurrency = 3
        let store = InMemoryStore(features: features)
        for number in 1...3_500 { store.append(octets("message \(number)"), to: inbox, date: Int64(number)) }
        let scenario = try Scenario(store)
        #expect(try await scenario.run().isBalanced)
        #expect(
            scenario.log.filter { $0.hasPrefix("fetch") }.sorted() == [
                "fetch INBOX 1001:2000", "fetch INBOX 1:1000", "fetch INBOX 2001:3000", "fetch INBOX 3001:3500",
            ])
        #expect(scenario.differences().isEmpty)
    }

    @Test("a state opens on a named SQLite VFS, whatever its path looks like")
    func namedVFS() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mailarc ä?#%\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/state.sqlite"
        let state = try unsafe SyncState.open(path: path, vfs: "unix") { _ in }
        try state.close()
        #expect(FileManager.default.fileExists(atPath: path))
        #expect { try unsafe SyncState.open(path: path, vfs: "no-such-vfs") { _ in } } throws: {
            ($0 as? SyncError)?.kind == .stateFailed
        }
    }

    @Test("another account under the same name is refused")
    func otherAccount() async throws {
        let scenario = try Scenario()
        let state = try SyncState.open(path: scenario.statePath)
        for identity in ["a@one", "a@two"] {
            let source = SyncSource(
                store: scenario.store, account: "test", identity: identity, channel: .imap)
            let runner = SyncRunner(source: source, destination: ReferenceArchive(), state: state)
            if identity == "a@one" {
                _ = try await runner.run()
            } else {
                await #expect { try await runner.run() } throws: { ($0 as? SyncError)?.kind == .otherAccount }
            }
        }
    }

    @Test("progress ends at its total")
    func progress() async throws {
        let scenario = try Scenario()
        for number in 1...9 { scenario.store.append(octets("message \(number)"), to: inbox) }
        let last = Last()
        let runner = SyncRunner(
            source: SyncSource(store: scenario.store, account: "test", channel: .imap),
            destination: ReferenceArchive(), state: try SyncState.open(path: scenario.statePath)
        ) { last.value = $0 }
        let report = try await runner.run()
        #expect(last.value?.messagesDone == 9 && last.value?.messagesTotal == 9)
        #expect(last.value?.octetsDone == 81 && last.value?.octetsTotal == 81)
        #expect(report.octetCount == 81)
    }
}

@Suite struct InMemoryStoreTests {
    @Test("the store in memory keeps the contract of every store")
    func conformance() async throws {
        let violations = try await MailStoreConformance.violations { seeds in
            let store = InMemoryStore()
            for seed in seeds {
                store.create(seed.name)
                for message in seed.messages {
                    store.append(
                        message.octets, to: seed.name, flags: message.flags,
                        date: message.internalDate?.secondsSinceEpoch ?? 0)
                }
            }
            return store
        }
        #expect(violations.isEmpty, "\(violations)")
    }
}
