import ArchiveCatalog
import ArchiveStore
import ArchiveVFS
import Glibc
import MailCore

/// Where the catalog's generations lie and how they are opened (ArchiveFormat.md §11).
///
/// A rebuild fills the next generation beside the present one; it counts from the moment it is marked complete.
struct CatalogStorage: Sendable {
    let archive: Archive

    /// The newest complete generation, or `nil` if there is none to be used.
    func openNewest(readOnly: Bool) throws(KitError) -> (catalog: Catalog, generation: Int)? {
        for generation in try generations().sorted(by: >) {
            do throws(CatalogError) {
                let catalog = try Catalog.open(at: try file(generation), readOnly: readOnly)
                if try catalog.meta(Self.completeKey) != nil { return (catalog, generation) }
                try catalog.close()
            } catch {
                guard [.otherVersion, .damaged, .cannotOpen].contains(error.kind) else { throw KitError(error) }
            }
        }
        return nil
    }

    /// Nobody can write there, or ever could while it is read.
    var isOnReadOnlyMedium: Bool { FileFacts.isOnReadOnlyMedium(archive.catalogDirectory) }

    /// A new, empty generation; not used by anybody before ``complete(_:generation:)``.
    func createNext() throws(KitError) -> (catalog: Catalog, generation: Int) {
        try FileFacts.makeFolder(archive.catalogDirectory)
        let generation = (try generations().max() ?? 0) + 1
        do { return (try Catalog.create(at: try file(generation)), generation) } catch { throw KitError(error) }
    }

    /// Makes `generation` the one in use and removes all others. The caller holds the writer's lock.
    func complete(_ catalog: Catalog, generation: Int) throws(KitError) {
        do { try catalog.setMeta(Self.completeKey, [1]) } catch { throw KitError(error) }
        try removeOthers(than: generation)
    }

    /// Removes all generations but one, of which there need not be any.
    func removeOthers(than generation: Int?) throws(KitError) {
        for other in try generations() where other != generation {
            remove(other)
        }
    }

    func remove(_ generation: Int) {
        for suffix in ["", "-wal", "-shm"] { _ = unsafe unlink(path(generation) + suffix) }
    }

    /// Copies `catalog` without its free pages into the next generation, under `key`; its number.
    ///
    /// Durable on return. Nobody can open it before the vault holds `key`.
    func copy(_ catalog: Catalog, key: [UInt8]) throws(KitError) -> Int {
        let generation = (try generations().max() ?? 0) + 1
        do {
            try catalog.withWritingConnection { connection in
                unsafe try EncryptedVFS.vacuum(
                    connection, into: path(generation), key: key,
                    databaseID: archive.databaseID(fileName: name(generation)))
            }
            try FileTree.syncDirectory(archive.catalogDirectory)
        } catch let error as ArchiveError {
            throw KitError(error, at: archive.path)
        } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.ioFailed, "the catalog cannot be copied", cause: error) }
        return generation
    }

    /// Octets of all generations with their logs.
    func octetCount() throws(KitError) -> Int {
        try generations().reduce(0) { total, generation in
            ["", "-wal", "-shm"].reduce(total) { $0 + FileFacts.octetCount(path(generation) + $1) }
        }
    }

    private static let completeKey = "complete"

    private func path(_ generation: Int) -> String { "\(archive.catalogDirectory)/\(name(generation))" }

    private func name(_ generation: Int) -> String { "cat.\(generation).db" }

    private func file(_ generation: Int) throws(CatalogError) -> CatalogFile {
        do {
            var file = try EncryptedDatabases.catalogFile(
                path: path(generation), key: archive.catalogKey(),
                databaseID: archive.databaseID(fileName: name(generation)))
            // SQLite keeps files beside a database with a log; one without a log, that nobody changes, is read as it is.
            if isOnReadOnlyMedium, FileFacts.octetCount(path(generation) + "-wal") == 0 { file.path += "&immutable=1" }
            return file
        } catch { throw CatalogError(.cannotOpen, "the catalog's key cannot be had", cause: error) }
    }

    private func generations() throws(KitError) -> [Int] {
        try FileFacts.names(in: archive.catalogDirectory).compactMap { name in
            guard name.hasPrefix("cat."), name.hasSuffix(".db") else { return nil }
            return Int(name.dropFirst(4).dropLast(3))
        }
    }
}

/// Registers the encrypting VFS and its keys.
enum EncryptedDatabases {
    static func catalogFile(path: String, key: [UInt8], databaseID: [UInt8]) throws -> CatalogFile {
        try EncryptedVFS.register()
        EncryptedVFS.setKey(key, databaseID: databaseID, forDatabaseAt: path)
        // SAFETY: the connection is handed on while GRDB keeps it open.
        return unsafe CatalogFile(path: EncryptedVFS.uri(forDatabaseAt: path)) { connection in
            unsafe try EncryptedVFS.prepare(connection: connection)
        }
    }
}

/// Facts of the file system that reports need.
enum FileFacts {
    /// True where the file system of `path` has next to nothing left for us.
    static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        // LIMIT: a group of small messages with its leaves and catalog pages takes about as much.
        return unsafe statvfs(path, &status) == 0 && UInt64(status.f_bavail) * UInt64(status.f_frsize) < 256 << 10
    }

    /// True where the file system of `path` is mounted read-only.
    static func isOnReadOnlyMedium(_ path: String) -> Bool {
        var status = statvfs()
        return unsafe statvfs(path, &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
    }

    /// The names in `directory`, none if it does not exist.
    static func names(in directory: String) throws(KitError) -> [String] {
        do { return try FileTree.names(in: directory) } catch {
            throw KitError(.ioFailed, "\(directory): \(error.message)", cause: error)
        }
    }

    /// Makes `path`, which may be there already; nobody else may read it.
    static func makeFolder(_ path: String) throws(KitError) {
        do { try FileTree.makeDirectory(path) } catch {
            throw KitError(.ioFailed, "\(path): \(error.message)", cause: error)
        }
    }

    /// `path` from the root on; links stay as they are.
    static func absolutePath(_ path: String) throws(KitError) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let folder = unsafe getcwd(nil, 0) else { throw KitError(.ioFailed, "the current folder is gone") }
        defer { unsafe free(folder) }
        // SAFETY: getcwd gives a C string of its own, which is freed after the copy.
        return unsafe String(cString: folder) + "/" + path
    }

    /// `path` from the root on, links followed; of what does not exist yet, that of the folder it would be in.
    static func resolvedPath(_ path: String) throws(KitError) -> String {
        var absolute = try absolutePath(path)
        while absolute.utf8.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
        // SAFETY: realpath gives a C string of its own, which is freed after the copy.
        if let found = unsafe realpath(absolute, nil) {
            defer { unsafe free(found) }
            return unsafe String(cString: found)
        }
        guard let slash = absolute.lastIndex(of: "/"), slash > absolute.startIndex else { return absolute }
        let name = absolute[slash...]
        guard let found = unsafe realpath(String(absolute[..<slash]), nil) else { return absolute }
        defer { unsafe free(found) }
        return unsafe String(cString: found) + name
    }

    /// Links are followed.
    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// Octets of the file, 0 if there is none.
    static func octetCount(_ path: String) -> Int {
        var facts = stat()
        return unsafe lstat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// Octets of all files below `directory`.
    static func treeOctetCount(_ directory: String) throws(KitError) -> Int {
        var total = 0
        for name in try names(in: directory) {
            let path = "\(directory)/\(name)"
            var facts = stat()
            guard unsafe lstat(path, &facts) == 0 else { continue }
            total += facts.st_mode & S_IFMT == S_IFDIR ? try treeOctetCount(path) : Int(facts.st_size)
        }
        return total
    }
}
