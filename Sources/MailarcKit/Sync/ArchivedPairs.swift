import ArchiveCrypto
import ArchiveStore
import ArchiveVFS
import MailCore
import MailSync

/// The states of pairs with an end in an archive: databases in its `state/`, encrypted like everything there.
///
/// Who writes them holds the archive's lock.
struct ArchivedPairs {
    let archive: Archive

    private static let prefix = "pair-"
    private static let suffix = ".db"

    /// Names of those there are.
    func names() throws(KitError) -> [String] {
        try FileFacts.names(in: archive.stateDirectory)
            .filter { $0.hasPrefix(Self.prefix) && $0.hasSuffix(Self.suffix) }.sorted()
    }

    /// The name of the one for these ends; it tells nothing of them.
    func name(of ends: String) -> String { Self.prefix + archive.pairName(ends) + Self.suffix }

    func path(_ name: String) -> String { "\(archive.stateDirectory)/\(name)" }

    func exists(_ name: String) -> Bool { FileTree.exists(path(name)) }

    /// No two databases have one key; all go with the secret `state`.
    static func key(_ secret: [UInt8], _ name: String) -> [UInt8] {
        HMAC.sha256(key: secret, Array("mailarc/1/pair-key\0\(name)".utf8))
    }

    /// Opens or makes the one called `name`.
    ///
    /// - Throws: `.damaged` where it does not open: it can be deleted.
    func open(_ name: String) throws(KitError) -> PairState {
        let file = path(name)
        try FileFacts.makeFolder(archive.stateDirectory)
        do {
            try EncryptedVFS.register()
            EncryptedVFS.setKey(
                Self.key(try archive.stateKey(), name), databaseID: archive.databaseID(fileName: name),
                forDatabaseAt: file)
            return unsafe try PairState.open(path: file, vfs: EncryptedVFS.name) { connection in
                unsafe try EncryptedVFS.prepare(connection: connection)
            }
        } catch let error as ArchiveError {
            throw KitError(error, at: archive.path)
        } catch let error as SyncError {
            throw KitError(error, at: archive.path)
        } catch {
            throw KitError(.damaged, "\(file) does not open", hint: "it can be deleted: the next run pairs again")
        }
    }

    /// Removes one with its log.
    func remove(_ name: String) throws(KitError) {
        for suffix in ["", "-wal", "-shm"] {
            do throws(ArchiveError) { try FileTree.remove(path(name) + suffix) } catch {
                throw KitError(error, at: archive.path)
            }
        }
    }
}
