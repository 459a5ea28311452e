import ArchiveCatalog
import ArchiveLedger
import ArchiveStore
import MailCore

extension Workspace {
    /// What the archive holds and what it costs.
    public func statistics() async throws(KitError) -> StatisticsReport {
        do {
            let catalogued = try catalog.statistics()
            let mailboxes = try catalog.mailboxes()
            let ledger = try archive.ledger()
            let contents = try ArchiveContents(archive)
            let packOctets = contents.packs.reduce(0) { $0 + Int($1.octetCount) }
            let dead = contents.packs.reduce(0) { $0 + Int($1.deadOctetCount) }
            let erased = contents.packs.reduce(0) { $0 + Int($1.erasedOctetCount) }
            var report = StatisticsReport(
                archive: archive.id.description, isPlain: try archive.isPlain(), messages: catalogued.messages,
                occurrences: catalogued.occurrences, accounts: Set(mailboxes.map(\.account)).count,
                mailboxes: catalogued.mailboxes, quarantined: catalogued.quarantined,
                messageOctets: Int(catalogued.messageOctets),
                occurrenceOctets: mailboxes.reduce(0) { $0 + Int($1.octetCount) }, packs: contents.packs.count,
                packOctets: packOctets, deadOctets: dead,
                deadShare: packOctets > 0 ? Double(dead) / Double(packOctets) : 0, erasedOctets: erased,
                vaultOctets: try FileFacts.treeOctetCount(path + "/vault"),
                ledgerOctets: try FileFacts.treeOctetCount(path + "/log"), catalogOctets: try storage.octetCount(),
                stateOctets: try FileFacts.treeOctetCount(path + "/state"),
                parityOctets: try FileFacts.treeOctetCount(path + "/parity"),
                totalOctets: try FileFacts.treeOctetCount(path), ledgerSize: ledger.size,
                ledgerRoot: ledger.root.octets.hex)
            report.skipped = try Self.skipped(ledger)
            report.expiring = try catalog.expiringCount(by: .max)
            report.expired = try catalog.expiringCount(by: Clock.now())
            return report
        } catch let error as KitError {
            throw error
        } catch let error as ArchiveError {
            throw KitError(error, at: path)
        } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.internalError, "the archive cannot be measured", cause: error) }
    }

    /// What capture rules skipped in all the time, by reason.
    private static func skipped(_ ledger: Ledger) throws(LedgerError) -> [StatisticsReport.Skipped] {
        var counts: [String: UInt64] = [:]
        var leaves = ledger.leaves()
        while let leaf = try leaves.next() {
            for reason in SkipRecord(in: leaf.text)?.reasons ?? [] {
                let (sum, isOver) = counts[reason.name, default: 0].addingReportingOverflow(reason.count)
                counts[reason.name] = isOver ? .max : sum
            }
        }
        return counts.sorted { $0.key < $1.key }.map { .init(reason: $0.key, count: $0.value) }
    }
}
