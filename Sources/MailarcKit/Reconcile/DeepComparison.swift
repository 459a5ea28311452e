import ArchiveCatalog
import ArchiveCrypto
import ArchiveStore
import MailCore
import MailIMAP

/// Sizes of all, and octets of some, messages of one mailbox: the server's against the archive's.
struct DeepComparison {
    /// LIMIT: messages looked at at once.
    private static let windowCount = 5_000

    private let run: ReconcileRun
    private let mailbox: MailboxName
    private let validity: UIDValidity
    private var findings = DeepFindings()

    init(_ run: ReconcileRun, _ mailbox: MailboxName, _ validity: UIDValidity) {
        (self.run, self.mailbox, self.validity) = (run, mailbox, validity)
    }

    mutating func run(_ matched: UIDSet) async throws(KitError) -> DeepFindings {
        let step = run.request.sample.map { $0 > 0 ? max(1, (matched.count + $0 - 1) / $0) : Int.max } ?? 1
        // Another place to begin at each time, so that in the end all are looked at.
        var skip = step == .max ? .max : Int.random(in: 0..<step)
        for window in matched.parts(count: Self.windowCount) {
            var pairs: [ArchivedSize] = []
            for range in window.ranges {
                pairs += try run.catalogued { () throws(CatalogError) in
                    try run.workspace.catalog.archivedSizes(
                        account: run.account, mailbox: mailbox, uidValidity: validity, uids: range)
                }
            }
            let summaries = try await run.ask { () throws(StoreError) in
                try await run.store.describe(window, of: mailbox, uidValidity: validity)
            }
            let announced = summaries.compactMap { summary in summary.octetCount.map { (summary.uid, $0) } }
            let sizes = Dictionary(announced) { _, last in last }
            var chosen: [ArchivedSize] = []
            for pair in pairs {
                let announced = sizes[pair.uid]
                if announced != nil { findings.sizes += 1 }
                let isOdd = announced.map { UInt64($0) != pair.octetCount } ?? false
                if skip == 0 || isOdd { chosen.append(pair) }
                if skip == 0 { skip = step - 1 } else if skip != .max { skip -= 1 }
            }
            try await compare(chosen, sizes)
        }
        return findings
    }

    private mutating func compare(_ chosen: [ArchivedSize], _ sizes: [UID: Int]) async throws(KitError) {
        guard !chosen.isEmpty else { return }
        let byUID = Dictionary(chosen.map { ($0.uid, $0) }) { first, _ in first }
        let summaries = chosen.map { MessageSummary(uid: $0.uid, flags: [], octetCount: sizes[$0.uid]) }
        var found = findings
        let report = try await run.ask { () throws(StoreError) in
            try await run.store.fetch(summaries, from: mailbox, uidValidity: validity) { message in
                var hash = SHA256()
                while let octets = try await message.next() { hash.update(octets) }
                guard let pair = byUID[message.uid] else { return }
                found.contents += 1
                guard let digest = archivedDigest(pair.message) else { return found.add(.unreadableHere, pair.uid) }
                if digest != hash.digest() {
                    found.add(.contentDiffers, pair.uid)
                } else if let announced = sizes[pair.uid], UInt64(announced) != pair.octetCount {
                    found.add(.sizeMisreported, pair.uid)
                }
            }
        }
        findings = found
        // What was expunged meanwhile is no difference.
        for (uid, refusal) in report.refused where refusal.reason != .expunged { findings.add(.notFetched, uid) }
    }

    /// The digest of the message as it is read back, all of it; `nil` where it does not read.
    private func archivedDigest(_ message: RandomID) -> [UInt8]? {
        do throws(ArchiveError) {
            let reader = try run.workspace.reader().message(message)
            while try reader.next() != nil {}
            return reader.digest.octets
        } catch { return nil }
    }
}
