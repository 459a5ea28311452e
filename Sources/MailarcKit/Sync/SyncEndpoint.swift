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
    /// An mbox file or a tree of them, as a source.
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

/// An end, opened.
struct OpenEnd {
    let end: PairEnd
    private let account: IMAPAccountStore?

    /// - Throws: `.usage` for a destination that can only be read.
    init(_ endpoint: SyncEndpoint, isSource: Bool, uidLists: String) async throws(KitError) {
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
        case .mbox, .archive:
            guard isSource else {
                throw KitError(
                    .usage, "\(endpoint.name) can only be a source",
                    hint: "an archive takes mail with 'sync SOURCE archive:'; for mbox files use 'mailarc export'")
            }
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
