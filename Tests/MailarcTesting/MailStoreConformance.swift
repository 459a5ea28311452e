public import MailCore

/// What every ``MailCore/MailStore`` must keep, checked against a store filled by its owner.
public enum MailStoreConformance {
    /// A message to fill a store with.
    public struct SeedMessage: Sendable {
        public var octets: [UInt8]
        public var flags: FlagSet
        public var internalDate: InternalDate?

        public init(octets: [UInt8], flags: FlagSet = [], internalDate: InternalDate? = nil) {
            (self.octets, self.flags, self.internalDate) = (octets, flags, internalDate)
        }
    }

    /// A mailbox to fill a store with.
    public struct Seed: Sendable {
        public var name: MailboxName
        public var messages: [SeedMessage]

        public init(name: MailboxName, messages: [SeedMessage]) { (self.name, self.messages) = (name, messages) }
    }

    /// What a kind of store can hold.
    public struct Abilities: Sendable {
        public var keepsFlags = true
        public var keepsInternalDates = true
        /// Whether octets such as NUL, bare LF and no final line end come back as they were put in.
        public var keepsAnyOctets = true

        public init() {}
    }

    /// Makes a store that holds exactly the seeds (and possibly an empty INBOX).
    public typealias Setup = @Sendable ([Seed]) async throws -> any MailStore

    /// Runs every check; what is broken, one sentence each, or nothing.
    public static func violations(
        abilities: Abilities = Abilities(), delimiter: UInt8? = UInt8(ascii: "/"), _ setup: Setup
    ) async throws -> [String] {
        let seeds = seeds(abilities, delimiter)
        let store = try await setup(seeds)
        var check = Check(store: store, seeds: seeds, abilities: abilities)
        try await check.listing()
        for seed in seeds { try await check.messages(of: seed) }
        try await check.errors()
        return check.violations
    }

    static func seeds(_ abilities: Abilities, _ delimiter: UInt8?) -> [Seed] {
        func message(_ text: String, _ flags: FlagSet = [], _ date: Int64) -> SeedMessage {
            SeedMessage(
                octets: Array(text.utf8), flags: flags, internalDate: InternalDate(secondsSinceEpoch: date))
        }
        var inbox = (1...9).map { number in
            message(
                "Subject: message \(number)\r\nMessage-ID: <\(number)@example.org>\r\n\r\n"
                    + String(repeating: "line \(number)\r\n", count: number * 40),
                number % 2 == 0 ? [.seen] : number % 3 == 0 ? [.flagged, .answered] : [], 1_700_000_000 + Int64(number))
        }
        inbox.append(
            message("Subject: long\r\n\r\n" + String(repeating: "x", count: 300_000) + "\r\n", [], 1_600_000_000))
        var other = [message("From: a@example.org\r\n\r\nFrom here on\r\n>From there\r\n", [.draft], 1_500_000_000)]
        if abilities.keepsAnyOctets {
            other.append(message("Subject: bare\n\nLF only, \u{0} and no end", [], 1_500_000_001))
        }
        let nested = delimiter == nil ? "Größe" : "Archiv/Größe & mehr"
        return [
            Seed(name: MailboxName("INBOX", delimiter: delimiter), messages: inbox),
            Seed(name: MailboxName(nested, delimiter: delimiter), messages: other),
            Seed(name: MailboxName("Empty", delimiter: delimiter), messages: []),
        ]
    }

    private struct Check {
        let store: any MailStore
        let seeds: [Seed]
        let abilities: Abilities
        var violations: [String] = []

        mutating func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
            if !condition { violations.append(sentence()) }
        }

        mutating func listing() async throws {
            let (listings, isComplete) = try await store.mailboxes()
            expect(isComplete, "the listing is complete")
            expect(Set(listings.map(\.name)).count == listings.count, "each mailbox is listed once")
            for seed in seeds {
                guard let listing = listings.first(where: { $0.name == seed.name }) else {
                    violations.append("\(seed.name) is listed")
                    continue
                }
                expect(listing.isSelectable, "\(seed.name) is selectable")
                if let status = listing.status {
                    expect(status.messageCount == seed.messages.count, "the status of \(seed.name) counts its messages")
                }
            }
        }

        mutating func messages(of seed: Seed) async throws {
            let name = seed.name
            let look = try await store.observe(name, since: nil)
            expect(look.isComplete, "a full look at \(name) is complete")
            expect(look.status.messageCount == seed.messages.count, "\(name) counts \(seed.messages.count) messages")
            guard case .full(let summaries) = look.content else {
                violations.append("a look at \(name) without a cursor is full")
                return
            }
            expect(summaries.count == seed.messages.count, "\(name) lists \(seed.messages.count) messages")
            expect(
                zip(summaries, summaries.dropFirst()).allSatisfy { $0.uid < $1.uid }, "UIDs of \(name) ascend")
            let octets = try await fetch(summaries, name, look.status.uidValidity)
            expect(octets.count == summaries.count, "every message of \(name) is delivered once")
            let found = octets.values.map(\.hex).sorted()
            expect(found == seed.messages.map(\.octets.hex).sorted(), "the octets of \(name) are exact")
            metadata(seed, summaries, octets)
            try await skipping(name, summaries, look.status.uidValidity, octets)
            try await secondLook(name, look, summaries)
        }

        private mutating func metadata(_ seed: Seed, _ summaries: [MessageSummary], _ octets: [UID: [UInt8]]) {
            for summary in summaries {
                guard let message = seed.messages.first(where: { $0.octets == octets[summary.uid] }) else { continue }
                if abilities.keepsFlags {
                    expect(summary.flags == message.flags, "flags of UID \(summary.uid) in \(seed.name) are kept")
                }
                if abilities.keepsInternalDates {
                    expect(
                        summary.internalDate == message.internalDate,
                        "the internal date of UID \(summary.uid) in \(seed.name) is kept")
                }
            }
        }

        private func fetch(
            _ summaries: [MessageSummary], _ name: MailboxName, _ validity: UIDValidity
        ) async throws -> [UID: [UInt8]] {
            var result: [UID: [UInt8]] = [:]
            _ = try await store.fetch(summaries, from: name, uidValidity: validity) { message in
                var octets: [UInt8] = []
                while let piece = try await message.next() { octets += piece }
                result[message.uid] = octets
            }
            return result
        }

        /// What a consumer leaves unread is skipped; only what was asked for comes.
        private mutating func skipping(
            _ name: MailboxName, _ summaries: [MessageSummary], _ validity: UIDValidity, _ octets: [UID: [UInt8]]
        ) async throws {
            let some = summaries.enumerated().filter { $0.offset % 3 != 1 }.map(\.element)
            guard some.count > 1 else { return }
            var seen: [UID] = []
            var isExact = true
            let report = try await store.fetch(some, from: name, uidValidity: validity) { message in
                seen.append(message.uid)
                guard seen.count % 2 == 0 else { return }
                var read: [UInt8] = []
                while let piece = try await message.next() { read += piece }
                if read != octets[message.uid] { isExact = false }
            }
            expect(isExact, "a message of \(name) after a skipped one is exact")
            expect(Set(seen) == Set(some.map(\.uid)), "only the messages asked for in \(name) are delivered")
            expect(report.delivered == UIDSet(some.map(\.uid)), "the report of \(name) names what was delivered")
        }

        private mutating func secondLook(
            _ name: MailboxName, _ look: MailboxObservation, _ summaries: [MessageSummary]
        ) async throws {
            let cursor = MailboxCursor(status: look.status, knownUIDs: UIDSet(summaries.map(\.uid)))
            let again = try await store.observe(name, since: cursor)
            expect(again.status == look.status, "reading does not change \(name)")
            switch again.content {
            case .full(let now):
                expect(now.map(\.uid) == summaries.map(\.uid), "UIDs of \(name) stay")
                expect(now.map(\.flags) == summaries.map(\.flags), "reading does not change flags in \(name)")
            case .delta(let changed, let vanished):
                let before = Dictionary(summaries.map { ($0.uid, $0.flags) }) { first, _ in first }
                expect(changed.allSatisfy { before[$0.uid] == $0.flags }, "nothing in \(name) changed by reading")
                expect(vanished.isEmpty, "nothing left \(name) by reading")
            }
        }

        mutating func errors() async throws {
            struct Refused: Error {}
            guard let seed = seeds.first(where: { !$0.messages.isEmpty }) else { return }
            let missing = MailboxName("No such mailbox")
            await expectError(.noSuchMailbox, "looking at a mailbox that is not there") { store throws(StoreError) in
                _ = try await store.observe(missing, since: nil)
            }
            let look = try await store.observe(seed.name, since: nil)
            guard case .full(let summaries) = look.content else { return }
            let validity = look.status.uidValidity
            var delivered = 0
            await expectError(.uidValidityChanged, "fetching under another UIDVALIDITY") { store throws(StoreError) in
                _ = try await store.fetch(
                    summaries, from: seed.name, uidValidity: UIDValidity(validity.value &+ 1)
                ) { _ in delivered += 1 }
            }
            expect(delivered == 0, "nothing is delivered under another UIDVALIDITY")
            await expectError(.consumerFailed, "a consumer that throws") { store throws(StoreError) in
                _ = try await store.fetch(summaries, from: seed.name, uidValidity: validity) { _ in throw Refused() }
            }
            try await missingMessage(seed, summaries, validity)
        }

        private mutating func missingMessage(
            _ seed: Seed, _ summaries: [MessageSummary], _ validity: UIDValidity
        ) async throws {
            guard let last = summaries.last?.uid, let uid = UID(last.value + 1_000), let first = summaries.first
            else { return }
            let asked = [first, MessageSummary(uid: uid, flags: [])]
            let report = try await store.fetch(asked, from: seed.name, uidValidity: validity) { message in
                while try await message.next() != nil {}
            }
            expect(report.delivered.contains(first.uid), "a missing message does not stop the others")
            expect(report.refused[uid] != nil, "a missing message is refused")
            let octets = try await fetch([first], seed.name, validity)
            expect(octets.count == 1, "the store works on after errors")
        }

        private mutating func expectError(
            _ kind: StoreError.Kind, _ sentence: String, _ body: (any MailStore) async throws(StoreError) -> Void
        ) async {
            do {
                try await body(store)
                violations.append("\(sentence) is an error")
            } catch {
                expect(error.kind == kind, "\(sentence) is \(kind), not \(error.kind)")
            }
        }
    }
}
