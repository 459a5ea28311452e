public import MailCore

/// What every ``MailCore/SyncStore`` must keep, checked against an empty store and looked at through a second handle.
public enum SyncStoreConformance {
    /// Makes a store with nothing in it (but possibly an empty INBOX); each call another handle of the same one.
    public typealias Setup = () async throws -> any SyncStore

    /// Runs every check; what is broken, one sentence each, or nothing.
    public static func violations(_ setup: Setup) async throws -> [String] {
        let (store, other) = (try await setup(), try await setup())
        let hierarchy = try await store.hierarchy()
        let check = Check(store: store, other: other, abilities: try await store.abilities, hierarchy: hierarchy)
        try await check.run()
        return check.violations
    }

    /// One message as it is in a mailbox.
    struct Held: Equatable {
        var uid: UID
        var octets: [UInt8]
        var flags: FlagSet
        var date: Int64?
    }

    final class Check {
        let store: any SyncStore
        let other: any SyncStore
        let abilities: StoreAbilities
        let hierarchy: StoreHierarchy
        var violations: [String] = []

        init(store: any SyncStore, other: any SyncStore, abilities: StoreAbilities, hierarchy: StoreHierarchy) {
            (self.store, self.other, self.abilities, self.hierarchy) = (store, other, abilities, hierarchy)
        }

        func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
            if !condition { violations.append(sentence()) }
        }

        func name(_ components: String...) -> MailboxName {
            let delimiter = hierarchy.delimiter ?? UInt8(ascii: "/")
            let inner = components.map { ModifiedUTF7.encode($0) }.joined(separator: [delimiter])
            return MailboxName(octets: hierarchy.prefix + inner, delimiter: hierarchy.delimiter)
        }

        func run() async throws {
            let (work, inside, job) = (name("Wörk"), name("Wörk", "In"), name("Job"))
            try await store.create(work, role: nil, isSubscribed: true)
            try await store.create(work, role: nil, isSubscribed: true)
            try await store.create(inside, role: nil, isSubscribed: false)
            try await deliveries(to: work)
            try await flags(in: work)
            try await copies(from: work, to: inside)
            try await expunges(in: work)
            try await staleness(of: work, target: inside)
            try await mailboxes(work, inside, job)
        }

        // MARK: checks

        private func deliveries(to work: MailboxName) async throws {
            let traits = try await store.deliveryTraits(of: work)
            let messages = (1...7).map { number in
                HeldMessage(
                    octets: Array("Subject: \(number)\r\n\r\nbody of \(number)\r\n".utf8),
                    flags: number % 2 == 0 ? [.seen, .flagged] : [], date: 1_600_000_000 + Int64(number))
            }
            // Every other one where a store takes octets in beforehand.
            if let store = store as? any StagingStore {
                for message in messages.indices.filter({ $0 % 2 == 1 }).map({ messages[$0] }) {
                    let file = try store.stage(for: work)
                    try file.append(Array(message.octets.prefix(5)))
                    try file.append(Array(message.octets.dropFirst(5)))
                    try file.finish()
                    message.file = file
                }
                expect(try await look(work).isEmpty, "what is staged is no message yet")
            }
            var told: [Int: UID] = [:]
            var rest = messages[...]
            try await store.deliver(to: work, traits) {
                rest.popFirst()
            } each: { message, outcome in
                guard case .delivered(let validity, let uid) = outcome, let message = message as? HeldMessage else {
                    return
                }
                let number = messages.firstIndex { $0 === message }
                if validity == nil || validity == traits.uidValidity, let number { told[number] = uid ?? .max }
            }
            expect(
                told.count == messages.count, "every message is told delivered, under the UIDVALIDITY of the mailbox")
            let held = try await look(work)
            expect(held.count == messages.count, "every message is delivered once")
            for (number, message) in messages.enumerated() {
                guard let found = held.first(where: { $0.octets == message.octets }) else {
                    violations.append("the octets of message \(number) are kept")
                    continue
                }
                expect(found.flags == message.flags, "the flags of message \(number) are kept: \(found.flags)")
                expect(found.date == message.internalDate?.secondsSinceEpoch, "the date of message \(number) is kept")
                if abilities.tellsUIDs {
                    expect(told[number] == found.uid, "the UID of message \(number) is told")
                }
            }
        }

        private func flags(in work: MailboxName) async throws {
            let before = try await look(work)
            let validity = try await validity(of: work)
            guard before.count >= 4, let free = before.last?.uid.successor?.successor else { return }
            let keyword = Flag("$Forwarded")
            let changes = [
                FlagChange(uid: before[0].uid, adding: [.answered, keyword], removing: []),
                FlagChange(uid: before[1].uid, adding: [.draft], removing: [.seen]),
                FlagChange(uid: before[2].uid, adding: [.answered, keyword], removing: [.flagged]),
                FlagChange(uid: free, adding: [.seen], removing: []),
            ]
            for round in 1...2 {
                let outcomes = try await store.setFlags(changes, in: work, uidValidity: validity)
                for change in changes {
                    let wanted: FlagOutcome = change.uid == free ? .gone : .changed
                    let outcome = outcomes[change.uid]
                    expect(
                        outcome == wanted, "round \(round): flags of UID \(change.uid): \(String(describing: outcome))")
                }
                let after = try await look(work)
                var expected = before
                for change in changes {
                    guard let index = expected.firstIndex(where: { $0.uid == change.uid }) else { continue }
                    let kept = expected[index].flags.flags.filter { !change.removing.contains($0) }
                    expected[index].flags = FlagSet(kept + change.adding.flags)
                }
                expect(after == expected, "round \(round): exactly these flags changed: \(after.map(\.flags))")
            }
            guard abilities.guardsFlags else { return }
            try await conflict(in: work, before[3].uid, validity)
        }

        /// Somebody else was faster.
        private func conflict(in work: MailboxName, _ uid: UID, _ validity: UIDValidity) async throws {
            let modSeq = try await store.observe(work, since: nil).status.highestModSeq
            expect(modSeq != nil, "a store that guards flags tells modification sequences")
            let theirs = FlagChange(uid: uid, adding: [.draft], removing: [])
            _ = try await other.setFlags([theirs], in: work, uidValidity: validity)
            let ours = FlagChange(uid: uid, adding: [.answered], removing: [.draft], unchangedSince: modSeq)
            let outcome = try await store.setFlags([ours], in: work, uidValidity: validity)[uid]
            expect(outcome == .conflicted, "a change in between is a conflict: \(String(describing: outcome))")
            let now = try await look(work).first { $0.uid == uid }
            expect(now?.flags.contains(.answered) == false, "in a conflict nothing is added")
            expect(now?.flags.contains(.draft) == true, "in a conflict nothing is removed")
        }

        private func copies(from work: MailboxName, to inside: MailboxName) async throws {
            let before = try await look(work)
            let validity = try await validity(of: work)
            guard before.count >= 6, let free = before.last?.uid.successor?.successor else { return }
            let copied = UIDSet([before[0].uid, before[2].uid])
            var report = try await store.copy(
                copied.union(UIDSet([free])), from: work, uidValidity: validity, to: inside)
            expect(report.missing == UIDSet([free]), "what is not there is told missing: \(report.missing)")
            expect(try await look(work) == before, "a copy leaves the source as it is")
            try await compare(inside, before.filter { copied.contains($0.uid) }, report, "copy")
            let moved = UIDSet([before[1].uid, before[4].uid, before[5].uid])
            report = try await store.move(moved, from: work, uidValidity: validity, to: inside)
            let rest = try await look(work)
            if abilities.expungesExactly {
                expect(rest == before.filter { !moved.contains($0.uid) }, "what is moved is not in the source any more")
            }
            try await compare(
                inside, before.filter { copied.contains($0.uid) } + before.filter { moved.contains($0.uid) }, report,
                "move")
            do {
                _ = try await store.copy(copied, from: work, uidValidity: validity, to: name("nowhere"))
                violations.append("a copy to a mailbox that is not there fails")
            } catch {
                expect(error.kind == .noSuchMailbox, "a copy to a mailbox that is not there says so: \(error)")
            }
        }

        private func compare(
            _ mailbox: MailboxName, _ expected: [Held], _ report: CopyReport, _ what: String
        ) async throws {
            let held = try await look(mailbox)
            func texts(_ messages: [Held]) -> [String] {
                messages.map {
                    "\(String(decoding: $0.octets, as: UTF8.self)) (\($0.flags)) \($0.date.map(String.init) ?? "-")"
                }.sorted()
            }
            expect(
                texts(held) == texts(expected), "\(what): octets, flags and dates are kept: \(texts(held))")
            guard abilities.tellsUIDs else { return }
            let validity = try await validity(of: mailbox)
            expect(report.uidValidity == validity, "\(what): the target's UIDVALIDITY is told")
            for (old, new) in report.mapping {
                guard let source = expected.first(where: { $0.uid == old }) else { continue }
                let target = held.first { $0.uid == new }
                expect(target?.octets == source.octets, "\(what): the new UID of \(old) is told")
            }
            expect(!report.mapping.isEmpty, "\(what): new UIDs are told")
        }

        private func expunges(in work: MailboxName) async throws {
            let before = try await look(work)
            let validity = try await validity(of: work)
            guard before.count >= 3 else { return violations.append("three messages are left in \(work)") }
            let marked = FlagChange(uid: before[1].uid, adding: [.deleted], removing: [])
            _ = try await store.setFlags([marked], in: work, uidValidity: validity)
            for _ in 1...2 {
                let gone = try await store.expunge(UIDSet([before[0].uid]), from: work, uidValidity: validity)
                if abilities.expungesExactly {
                    expect(gone == UIDSet([before[0].uid]), "what is expunged is told gone, also the second time")
                }
            }
            let left = try await look(work).map(\.uid)
            if abilities.expungesExactly {
                expect(left == before.dropFirst().map(\.uid), "exactly one message is expunged, not all marked ones")
            } else {
                expect(left.contains(before[1].uid), "no message but those named is expunged")
            }
            let unmarked = FlagChange(uid: before[1].uid, adding: [], removing: [.deleted])
            _ = try await store.setFlags([unmarked], in: work, uidValidity: validity)
        }

        private func staleness(of work: MailboxName, target: MailboxName) async throws {
            let before = try await look(work)
            let stale = UIDValidity((try await validity(of: work).value) &+ 1)
            guard let uid = before.first?.uid else { return }
            let set = UIDSet([uid])
            let change = FlagChange(uid: uid, adding: [.answered], removing: [])
            await expectStale("setFlags") { _ = try await store.setFlags([change], in: work, uidValidity: stale) }
            await expectStale("copy") { _ = try await store.copy(set, from: work, uidValidity: stale, to: target) }
            await expectStale("move") { _ = try await store.move(set, from: work, uidValidity: stale, to: target) }
            await expectStale("expunge") { _ = try await store.expunge(set, from: work, uidValidity: stale) }
            expect(try await look(work) == before, "under another UIDVALIDITY nothing is changed")
        }

        private func expectStale(_ what: String, _ body: () async throws -> Void) async {
            await expectError(.uidValidityChanged, "\(what) under another UIDVALIDITY", body)
        }

        private func expectError(
            _ kind: StoreError.Kind, _ what: String, _ body: () async throws -> Void
        ) async {
            do {
                try await body()
                violations.append("\(what) is refused")
            } catch {
                expect((error as? StoreError)?.kind == kind, "\(what) is refused as such: \(error)")
            }
        }

        private func mailboxes(_ work: MailboxName, _ inside: MailboxName, _ job: MailboxName) async throws {
            let before = (try await look(work), try await look(inside), try await validity(of: work))
            let taken = name("Taken")
            try await store.create(taken, role: nil, isSubscribed: false)
            await expectError(.refused, "a rename onto a mailbox") { try await store.rename(work, to: taken) }
            await expectError(.noSuchMailbox, "a rename of nothing") {
                try await store.rename(self.name("nothing"), to: self.name("something"))
            }
            let inbox = MailboxName(octets: Array("INBOX".utf8), delimiter: hierarchy.delimiter)
            await expectError(.refused, "a rename of INBOX") { try await store.rename(inbox, to: self.name("old")) }
            await expectError(.refused, "the removal of INBOX") { try await store.remove(inbox) }
            try await store.rename(work, to: job)
            let names = Set(try await other.mailboxes().listings.filter(\.isSelectable).map(\.name))
            expect(!names.contains(work) && !names.contains(inside), "what is renamed has its old name no more")
            expect(names.contains(job) && names.contains(name("Job", "In")), "mailboxes inside go along: \(names)")
            expect(try await validity(of: job) == before.2, "a renamed mailbox keeps its UIDVALIDITY")
            expect(try await look(job) == before.0, "a renamed mailbox keeps its messages")
            expect(try await look(name("Job", "In")) == before.1, "so do those inside")
            await expectError(.refused, "the removal of a mailbox with a message") { try await store.remove(job) }
            expect(try await look(job) == before.0, "a mailbox that could not be removed is as it was")
            try await store.remove(taken)
            try await store.remove(taken)
            let left = Set(try await other.mailboxes().listings.filter(\.isSelectable).map(\.name))
            expect(!left.contains(taken), "a removed mailbox is gone")
        }

        // MARK: looking, through the other handle

        private func validity(of mailbox: MailboxName) async throws -> UIDValidity {
            try await other.observe(mailbox, since: nil).status.uidValidity
        }

        private func look(_ mailbox: MailboxName) async throws -> [Held] {
            let look = try await other.observe(mailbox, since: nil)
            guard case .full(let summaries) = look.content else { return [] }
            var octets: [UID: [UInt8]] = [:]
            _ = try await other.fetch(summaries, from: mailbox, uidValidity: look.status.uidValidity) { message in
                var whole: [UInt8] = []
                while let piece = try await message.next() { whole += piece }
                octets[message.uid] = whole
            }
            return summaries.map {
                Held(
                    uid: $0.uid, octets: octets[$0.uid] ?? [], flags: $0.flags,
                    date: $0.internalDate?.secondsSinceEpoch)
            }
        }
    }
}

/// A message held in memory, on its way out.
public final class HeldMessage: OutgoingMessage {
    public let octets: [UInt8]
    public let flags: FlagSet
    public let internalDate: InternalDate?
    /// Where a store took the octets in beforehand.
    public var file: (any SpoolFile)?

    public init(octets: [UInt8], flags: FlagSet = [], date: Int64? = nil) {
        (self.octets, self.flags) = (octets, flags)
        internalDate = date.map { InternalDate(secondsSinceEpoch: $0) }
    }

    public var octetCount: Int { octets.count }
    public var traits: OctetTraits { OctetTraits() }
    public func open() throws(StoreError) -> any OctetSource { Source(octets) }

    private final class Source: OctetSource {
        private var rest: [UInt8]?
        init(_ octets: [UInt8]) { rest = octets.isEmpty ? nil : octets }
        func next() throws(StoreError) -> [UInt8]? {
            defer { rest = nil }
            return rest
        }
    }
}
