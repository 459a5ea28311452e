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

    /// What people and reports call it.
    public var name: String {
        switch self {
        case .account(let account): account.name
        case .maildir(let path): "maildir:\(path)"
        }
    }

    /// What tells it from every other end: what its state is found by.
    func identity() throws(KitError) -> String {
        switch self {
        case .account(let account): return "imap:\(account.user)@\(account.host):\(account.port)"
        case .maildir(let path): return "maildir:\(try FileFacts.absolutePath(path))"
        }
    }
}

/// An end, opened.
struct OpenEnd {
    let end: PairEnd
    private let account: IMAPAccountStore?

    init(_ endpoint: SyncEndpoint, uidLists: String) async throws(KitError) {
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

    func close() async { await account?.close() }
}
