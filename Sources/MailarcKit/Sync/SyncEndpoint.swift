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
    /// One account of an archive as it is now, as a source.
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

    /// Nothing can be changed there.
    var isReadOnly: Bool {
        switch self {
        case .account, .maildir, .mbox: false
        case .archive: true
        }
    }

    /// What tells it from every other end: what its state is found by.
    func identity() throws(KitError) -> String {
        switch self {
        case .account(let account): return "imap:\(account.user)@\(account.host):\(account.port)"
        case .maildir(let path): return "maildir:\(try FileFacts.absolutePath(path))"
        case .mbox(let path): return "mbox:\(try FileFacts.absolutePath(path))"
        case .archive(let workspace, let account): return "archive:\(workspace.archive.id):\(account)"
        }
    }
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
        _ endpoint: SyncEndpoint, isWritten: Bool, uidLists: String
    ) async -> Result<OpenEnd, KitError> {
        do throws(KitError) {
            return .success(try await OpenEnd(endpoint, isWritten: isWritten, uidLists: uidLists))
        } catch { return .failure(error) }
    }

    private init(_ endpoint: SyncEndpoint, isWritten: Bool, uidLists: String) async throws(KitError) {
        let identity = try endpoint.identity()
        switch endpoint {
        case .account(let configuration):
            let store = IMAPAccountStore(configuration: IMAPConfiguration(configuration))
            do throws(StoreError) { try await store.connect() } catch {
                await store.close()
                throw KitError(error)
            }
            account = store
            end = PairEnd(store: store, name: endpoint.name, identity: identity)
        case .mbox(let path) where isWritten:
            account = nil
            do throws(FormatsError) {
                let store = try WritableMbox(path: path, uidLists: uidLists, now: Clock.now)
                end = PairEnd(store: store, name: endpoint.name, identity: identity)
            } catch {
                throw KitError(
                    error.kind == .notAMailStore ? .usage : .ioFailed, error.description,
                    hint: "name a folder of mbox files, or a new one; its parent must exist")
            }
        case .mbox, .archive:
            account = nil
            end = PairEnd(store: try Self.source(endpoint), name: endpoint.name, identity: identity)
        case .maildir(let path):
            let process = WriterEnvironment.process
            do throws(FormatsError) {
                let store = try WritableMaildir(
                    path: path, uidLists: uidLists, host: process.host, processID: process.processID, now: Clock.now)
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
            return ReadOnlyStore(try ImportSource.mbox(path: path).open().store, delimiter: UInt8(ascii: "/"))
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
