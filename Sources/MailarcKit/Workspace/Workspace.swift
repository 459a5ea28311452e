import ArchiveCatalog
import ArchiveCompression
import ArchiveStore
import Glibc
import MailCore

/// An open archive with its catalog: what every command works on.
public final class Workspace: Sendable {
    public let path: String
    let archive: Archive
    let storage: CatalogStorage
    let catalog: Catalog
    /// No catalog could be used when the archive was opened.
    let hadNoCatalog: Bool

    init(archive: Archive, storage: CatalogStorage, catalog: Catalog, hadNoCatalog: Bool = false) {
        (self.archive, self.storage, self.catalog, path) = (archive, storage, catalog, archive.path)
        self.hadNoCatalog = hadNoCatalog
    }

    /// Creates an archive at `path`, which must not exist or be empty.
    public static func create(at path: String, slot: NewSlot, label: String) async throws(KitError) -> CreationReport {
        var options = CreationOptions(secret: slot.secret, now: Clock.now())
        options.label = label
        options.dictionaries = [.builtIn]
        let archive: Archive
        do { archive = try Archive.create(at: path, options) } catch { throw KitError(error, at: path) }
        let storage = CatalogStorage(archive: archive)
        let (catalog, generation) = try storage.createNext()
        try storage.complete(catalog, generation: generation)
        try close(catalog)
        return CreationReport(
            archive: archive.id.description, path: path, slot: slot.name, isPlain: slot.name == "plain")
    }

    /// Opens the archive at `path`.
    ///
    /// What a dead writer left is made whole first, and the catalog brought up to the ledger, where nobody else is at it.
    public static func open(at path: String, unlocking: Unlocking) async throws(KitError) -> Workspace {
        try await ready(openArchive(at: path, unlocking: unlocking))
    }

    /// `archive`, made whole and with its catalog.
    static func ready(_ archive: Archive) async throws(KitError) -> Workspace {
        let workspace = try await openCatalog(of: archive)
        let isErasing = try workspace.pendingErasure() != nil
        let isBroken = try needsRecovery(archive)
        guard isErasing || isBroken else {
            try await workspace.catchUpIfBehind()
            return workspace
        }
        try await workspace.recover()
        if isErasing { try await workspace.resumeErasure() }
        await workspace.close()
        let whole: Archive
        do { whole = try archive.reopened() } catch { throw KitError(error, at: archive.path) }
        return try await openCatalog(of: whole)
    }

    private static func needsRecovery(_ archive: Archive) throws(KitError) -> Bool {
        do { return try archive.needsRecovery() } catch { throw KitError(error, at: archive.path) }
    }

    /// LIMIT: erasures that are waited for; each gives the catalog another key.
    private static let attempts = 5

    private static func openCatalog(of archive: Archive) async throws(KitError) -> Workspace {
        var archive = archive
        var storage = CatalogStorage(archive: archive)
        for _ in 0..<attempts {
            let key: [UInt8]
            do throws(ArchiveError) { key = try archive.catalogKey() } catch { throw KitError(error, at: archive.path) }
            if let (catalog, _) = try storage.openNewest(readOnly: storage.isOnReadOnlyMedium) {
                return Workspace(archive: archive, storage: storage, catalog: catalog)
            }
            do throws(ArchiveError) {
                // An erasure gave the catalog another key meanwhile.
                let now = try archive.reopened()
                guard try now.catalogKey() != key else { break }
                archive = now
            } catch { throw KitError(error, at: archive.path) }
            storage = CatalogStorage(archive: archive)
        }
        guard !storage.isOnReadOnlyMedium else {
            throw KitError(
                .ioFailed, "\(archive.path): the catalog is not whole, and lies where nothing can be written",
                hint: "copy the archive to a disk and open it there: that makes it whole")
        }
        _ = try await rebuild(archive) { _ in }
        guard let (catalog, _) = try storage.openNewest(readOnly: false) else {
            throw KitError(
                .damaged, "\(archive.path): the catalog cannot be made",
                hint: "mailarc rebuild-catalog -a \(archive.path)")
        }
        return Workspace(archive: archive, storage: storage, catalog: catalog, hadNoCatalog: true)
    }

    /// Ends all database connections.
    public func close() async { try? Self.close(catalog) }

    static func close(_ catalog: Catalog) throws(KitError) {
        do { try catalog.close() } catch { throw KitError(error) }
    }

    /// Takes the writer's lock, recovers what a crash left, and brings the catalog up to it.
    ///
    /// - Throws: `.busy` where an erasure changed the archive since it was opened, or died on the way.
    func openWriter(
        compressionLevel: Int? = nil, resumesErasure: Bool = false, command: String = WriterLease.command
    ) async throws(KitError) -> ArchiveWriter {
        let writer: ArchiveWriter
        var options = WriterOptions.process
        if let compressionLevel { options.useLevel(compressionLevel) }
        do {
            writer = try await WriterLease(archive, command: command).take { () throws(ArchiveError) in
                try ArchiveWriter(
                    archive, directory: CatalogDirectory(catalog: catalog), environment: .process(command),
                    options: options)
            }
        } catch { throw KitError(error, at: path) }
        do throws(KitError) {
            try checkErasures(resumes: resumesErasure)
            try await catchUp()
        } catch {
            try? await writer.close()
            throw error
        }
        return writer
    }

    /// Runs `body` with the writer and closes it whatever happens.
    func withWriter<Result: Sendable>(
        compressionLevel: Int? = nil, resumesErasure: Bool = false,
        _ body: (ArchiveWriter) async throws(KitError) -> Result
    ) async throws(KitError) -> Result {
        let writer = try await openWriter(compressionLevel: compressionLevel, resumesErasure: resumesErasure)
        let result: Result
        do throws(KitError) { result = try await body(writer) } catch {
            try? await writer.close()
            throw error
        }
        do { try await writer.close() } catch { throw KitError(error, at: path) }
        return result
    }
}

extension NewSlot {
    var secret: ArchiveSecret {
        switch self {
        case .passphrase(let octets): .passphrase(octets)
        case .keyFile(let octets): .keyFile(octets)
        case .plain: .plain
        case .recipient(let recipient): .recipient(recipient.key)
        }
    }

    /// As slots call themselves.
    var name: String {
        switch self {
        case .passphrase: "scrypt"
        case .keyFile: "keyfile"
        case .plain: "plain"
        case .recipient: "x25519"
        }
    }
}
