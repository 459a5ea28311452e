import ArchiveCatalog
import ArchiveStore
import MailCore
import MailFormats
import MailIMAP
import MailSync

/// One end of a sync as the user names it.
public enum SyncEndpoint: Sendable {
    /// An IMAP account, configured or from a URL.
    case account(AccountConfiguration)
    /// A Maildir++ tree; made if it does not exist.
    case maildir(String)
    /// A tree of mbox files, made if it does not exist; as a source one file, too.
    case mbox(String)
    /// One account of an archive as it is now; where it is written to, one of the archive's own, made if it is new.
    case archive(Workspace, account: String)

    /// What people and reports call it.
    public var name: String {
        switch self {
        case .account(let account): account.name
        case .maildir(let path): "maildir:\(path)"
        case .mbox(let path): "mbox:\(path)"
        case .archive(_, let account): "archive:\(account)"
        }
    }

    /// The archive it is in.
    var archive: Archive? { if case .archive(let workspace, _) = self { workspace.archive } else { nil } }

    /// The same end, where `workspace` is the archive as it is now.
    func reopened(in workspace: Workspace) -> SyncEndpoint {
        if case .archive(_, let account) = self { .archive(workspace, account: account) } else { self }
    }

    /// By which way mail from there comes into an archive.
    var channel: Channel {
        switch self {
        case .account(let account): account.channel
        case .maildir: .maildir
        case .mbox: .mbox
        // Handed over by a program.
        case .archive: .pipe
        }
    }

    /// Its store knows no UIDs of its own, or not as a sync needs them.
    var keepsUIDsBeside: Bool {
        switch self {
        case .maildir, .mbox: true
        case .account, .archive: false
        }
    }

    /// Refuses an account of an archive that follows its source: it is never written to.
    func checkIsWritable() throws(KitError) {
        guard case .archive(let workspace, let account) = self else { return }
        guard try workspace.uidGiver(of: account) == .source else { return }
        throw KitError(
            .usage, "\(name) follows its source ('mailarc pull' or 'import' filled it), and this would change it",
            hint: "use another name, archive:NAME, for an account of the archive's own")
    }

    /// What tells it from every other end: what its state is found by.
    func identity() throws(KitError) -> String {
        switch self {
        case .account(let account): return "imap:\(account.user)@\(account.host):\(account.port)"
        case .maildir(let path): return "maildir:\(try FileFacts.absolutePath(path))"
        case .mbox(let path): return "mbox:\(try FileFacts.absolutePath(path))"
        case .archive(let workspace, let account): return Self.identity(of: account, in: workspace.archive)
        }
    }

    /// Of an account of an archive.
    static func identity(of account: String, in archive: Archive) -> String { "archive:\(archive.id):\(account)" }
}

extension SyncEndpoint {
    /// What is there, however it is spelt: links and slashes, `localhost` and `LOCALHOST`.
    func place() throws(KitError) -> String {
        switch self {
        case .account(let account): return "imap:\(account.user)@\(account.host.lowercased()):\(account.port)"
        case .maildir(let path), .mbox(let path): return "file:\(try FileFacts.resolvedPath(path))"
        case .archive: return try identity()
        }
    }
}

/// An end, opened.
struct OpenEnd: Sendable {
    let end: PairEnd
    private let account: IMAPAccountStore?

    /// Fails with `.usage` for what is no store; `.connection`, `.authentication`, `.tls`.
    static func open(
        _ endpoint: SyncEndpoint, _ use: Use
    ) async -> Result<OpenEnd, KitError> {
        do throws(KitError) {
            return .success(try await OpenEnd(endpoint, use))
        } catch { return .failure(error) }
    }

    /// What an end is opened for.
    struct Use: Sendable {
        var isWritten: Bool
        /// Where UIDs are kept that the store itself does not keep.
        var uidLists: String
        /// Of the archive; `nil` where nothing is written.
        var session: ArchiveSession?
        /// By which way mail comes here.
        var channel: Channel
    }

    private init(_ endpoint: SyncEndpoint, _ use: Use) async throws(KitError) {
        let identity = try endpoint.identity()
        switch endpoint {
        case .account(let configuration):
            try configuration.requireIMAP("it is no end of a sync between two stores")
            let store = IMAPAccountStore(configuration: IMAPConfiguration(configuration))
            do throws(StoreError) { try await store.connect() } catch {
                await store.close()
                throw KitError(error)
            }
            account = store
            end = PairEnd(store: store, name: endpoint.name, identity: identity)
        case .mbox(let path) where use.isWritten:
            account = nil
            do throws(FormatsError) {
                let store = try WritableMbox(path: path, uidLists: use.uidLists, now: Clock.now)
                end = PairEnd(store: store, name: endpoint.name, identity: identity)
            } catch {
                throw KitError(
                    error.kind == .notAMailStore ? .usage : .ioFailed, error.description,
                    hint: "name a folder of mbox files, or a new one; its parent must exist")
            }
        case .archive(let workspace, let name) where use.isWritten:
            account = nil
            let archived = ArchivedAccount(workspace: workspace, account: name)
            let store = ArchiveAccountStore(account: archived, session: use.session, channel: use.channel)
            end = PairEnd(store: store, name: endpoint.name, identity: identity)
        case .mbox, .archive:
            account = nil
            end = PairEnd(store: try Self.source(endpoint), name: endpoint.name, identity: identity)
        case .maildir(let path):
            let process = WriterEnvironment.process
            do throws(FormatsError) {
                let store = try WritableMaildir(
                    path: path, uidLists: use.uidLists, host: process.host, processID: process.processID, now: Clock.now
                )
                end = PairEnd(store: store, name: endpoint.name, identity: identity)
                account = nil
            } catch {
                throw KitError(
                    error.kind == .notAMailStore ? .usage : .ioFailed, error.description,
                    hint: "name a Maildir, or a folder that is new or empty; its parent must exist")
            }
        }
    }

    private static func source(_ endpoint: SyncEndpoint) throws(KitError) -> ReadOnlyStore {
        switch endpoint {
        case .mbox(let path):
            return ReadOnlyStore(try ImportSource(.mbox, path: path).open().store, delimiter: UInt8(ascii: "/"))
        case .archive(let workspace, let name):
            let account = ArchivedAccount(workspace: workspace, account: name)
            do throws(StoreError) { return ReadOnlyStore(account, delimiter: try account.delimiter()) } catch {
                throw KitError(error)
            }
        case .account, .maildir: throw KitError(.internalError, "not a store that is only read")
        }
    }

    func close() async { await account?.close() }
}
