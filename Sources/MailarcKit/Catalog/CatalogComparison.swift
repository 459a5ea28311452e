import ArchiveCatalog
import ArchiveCrypto
import ArchiveLedger
import ArchiveStore
import ArchiveVFS
import Glibc
import MailCore

/// Makes a second catalog from packs and ledger and holds the one in use against it: level 4 of a check.
///
/// Everything is compared: tables, and every place of every word. The second one lies beside the first, under a key that
/// exists in this process alone, and goes away again.
struct CatalogComparison {
    let archive: Archive
    let catalog: Catalog
    let progress: ProgressHandler

    /// What is other than the archive says: sentences.
    ///
    /// - Throws: `.busy` if somebody wrote to the archive meanwhile.
    func differences() throws(KitError) -> [String] {
        remove()
        defer { remove() }
        let before = try ledgerSize()
        let made: [Section]
        do throws(KitError) { made = try sections(of: fresh()) } catch {
            guard error.kind == .damaged else { throw error }
            return ["no catalog can be made to compare it with: \(error.message)"]
        }
        let found = try sections(of: catalog)
        guard try ledgerSize() == before else {
            throw KitError(
                .busy, "\(archive.path) was written to while the catalog was compared", hint: "run it again")
        }
        var differences: [String] = []
        for (found, made) in zip(found, made) where found != made {
            let count =
                found.rowCount == made.rowCount ? "" : ": \(found.rowCount) rows, and \(made.rowCount) are right"
            differences.append("the table \(found.title) is not what packs and ledger say\(count)")
        }
        if found.map(\.title) != made.map(\.title) { differences.append("it has other tables") }
        return differences
    }

    private var path: String { "\(archive.catalogDirectory)/compare.tmp" }

    private func remove() { for suffix in ["", "-wal", "-shm"] { _ = unsafe unlink(path + suffix) } }

    private func ledgerSize() throws(KitError) -> UInt64 {
        do throws(ArchiveError) { return try archive.ledger().size } catch { throw KitError(error, at: archive.path) }
    }

    private func fresh() throws(KitError) -> Catalog {
        let made: Catalog
        do {
            // The system's generator is one for keys.
            let key = (0..<32).map { _ in UInt8.random(in: 0...255) }
            made = try Catalog.create(
                at: EncryptedDatabases.catalogFile(
                    path: path, key: key, databaseID: archive.databaseID(fileName: "compare.tmp")))
        } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.ioFailed, "the catalog cannot be made to compare it", cause: error) }
        var builder = CatalogBuilder(archive: archive, catalog: made)
        builder.progress = { progress(KitProgress(phase: "comparing the catalog", done: $0.done, total: $0.total)) }
        try builder.build(since: 0)
        return made
    }

    /// One part of a catalog's dump.
    private struct Section: Equatable {
        var title: String
        var rowCount = 0
        var digest: [UInt8] = []
    }

    private func sections(of catalog: Catalog) throws(KitError) -> [Section] {
        var sections: [Section] = []
        var hash = SHA256()
        do {
            try catalog.dump { line in
                if line.hasPrefix("# ") {
                    sections.append(Section(title: String(line.dropFirst(2))))
                    hash = SHA256()
                } else if let last = sections.indices.last {
                    // Not of the archive: which schema it is, and that it is whole.
                    if sections[last].title == "meta", !line.contains("ledger") { return }
                    // How long an open pack was when the catalog last heard of it.
                    if sections[last].title == "pack", line.contains("NULL") { return }
                    hash.update(Array(line.utf8) + [0x0A])
                    sections[last].rowCount += 1
                    sections[last].digest = hash.digest()
                }
            }
        } catch { throw KitError(error) }
        return sections
    }
}
