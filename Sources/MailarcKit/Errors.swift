import ArchiveCatalog
import ArchiveStore
import MailCore
import MailFormats
import MailSync
import MailTransport

// The libraries' errors, as the one error people see: what happened, to what, what to do next.

extension KitError {
    static let diskFullHint = "make room; the next run goes on from there"

    init(_ error: ArchiveError, at path: String) {
        let place = error.path.map { $0.hasPrefix("/") || $0.hasPrefix(path) ? $0 : path + "/" + $0 } ?? path
        let at = error.offset.map { " at octet \($0)" } ?? ""
        let (kind, hint): (Kind, String?) =
            switch error.kind {
            case .notAnArchive: (.notAnArchive, "create one: mailarc init -a \(path)")
            case .alreadyExists: (.alreadyExists, "choose a folder that is new or empty")
            case .unsupported: (.unsupportedVersion, "use a newer version of mailarc")
            case .wrongKey: (.wrongKey, nil)
            case .erased: (.notFound, "it was erased while this ran; try again without it")
            case .damaged, .missing: (.damaged, "see what is affected: mailarc check -a \(path)")
            case .anchorUnavailable:
                (.anchor, "see what is reachable: mailarc anchor list; or open with --recovery-kit FILE")
            case .locked: (.busy, "wait for it to end, or see who it is: cat \(path)/lock")
            case .diskFull: (.diskFull, Self.diskFullHint)
            case .ioFailed: (.ioFailed, nil)
            case .sourceFailed: (.connection, nil)
            case .limitExceeded, .directoryFailed, .writerStopped, .internalError: (.internalError, nil)
            }
        if let inner = Self.store(error.cause), error.kind == .sourceFailed {
            self = KitError(inner)
            return
        }
        if error.kind == .writerStopped, let first = error.cause as? ArchiveError {
            self = KitError(first, at: path)
            return
        }
        self.init(kind, "\(place)\(at): \(error.message)", hint: hint, cause: error.cause)
    }

    init(_ error: CatalogError) {
        let (kind, hint): (Kind, String?) =
            switch error.kind {
            case .badQuery: (.badQuery, "the query language: mailarc help search")
            case .busy: (.busy, "try again")
            case .cannotOpen, .otherVersion, .damaged, .inconsistent:
                (.damaged, "the catalog is a cache: mailarc rebuild-catalog makes it anew")
            case .failed: (.ioFailed, nil)
            }
        self.init(kind, error.description, hint: hint)
    }

    init(_ error: StoreError) {
        // A password file that is not there says more than that there was no password.
        if error.kind == .authenticationFailed, let inner = error.cause as? KitError {
            self = inner
            return
        }
        if error.kind == .authenticationFailed, error.cause is FreshSecretRefused {
            self.init(
                .loginNeeded, error.description,
                hint: "its token is new: log in again, as the owner of the mailbox: mailarc account login NAME")
            return
        }
        let (kind, hint): (Kind, String?) =
            switch error.kind {
            case .connectionFailed: (.connection, "check host and port: mailarc account list")
            case .connectionLost, .throttled: (.connection, "run it again: it goes on from there")
            case .tlsFailed: (.tls, "check the server's name, and --security and --ca-file")
            case .authenticationFailed: (.authentication, "check user and password: mailarc account test")
            case .noSuchMailbox: (.notFound, nil)
            case .ioFailed: (.ioFailed, nil)
            case .diskFull: (.diskFull, Self.diskFullHint)
            case .cancelled: (.cancelled, nil)
            case .protocolViolation, .limitExceeded, .uidValidityChanged, .refused, .capabilityMissing,
                .consumerFailed:
                (.connection, nil)
            }
        if error.kind == .consumerFailed, let inner = error.cause as? KitError {
            self = inner
            return
        }
        self.init(kind, error.description, hint: hint)
    }

    init(_ error: SyncError, at path: String) {
        if let inner = error.cause as? KitError {
            self = inner
        } else if let inner = error.cause as? ArchiveError {
            self.init(inner, at: path)
        } else if let inner = Self.store(error.cause) {
            self.init(inner)
        } else {
            let (kind, hint): (Kind, String?) =
                switch error.kind {
                case .outage: (.sourceOutage, "nothing was recorded; see whether the account is what it should be")
                case .otherAccount:
                    (.usage, "use another account name for another mailbox owner, or remove state/ to pair again")
                case .sourceFailed: (.connection, nil)
                case .destinationFailed: (.ioFailed, nil)
                case .diskFull: (.diskFull, Self.diskFullHint)
                // Where there is no room for the log's index, SQLite says "I/O error".
                case .stateUnwritable where FileFacts.isFull(path): (.diskFull, Self.diskFullHint)
                case .stateUnwritable: (.ioFailed, "see that the folder of the state can be written to")
                case .stateFailed: (.damaged, "state/ can be deleted: the next run pairs again by content")
                case .stateTooNew: (.unsupportedVersion, "use a newer version of mailarc")
                case .stateInUse: (.busy, "wait until it has ended")
                case .cancelled: (.cancelled, nil)
                case .requestRefused: (.usage, "nothing was done; see Documentation/Sync.md")
                }
            self.init(kind, error.message, hint: hint)
        }
    }

    private static func store(_ error: (any Error)?) -> StoreError? {
        guard let error = error as? StoreError else { return nil }
        if error.kind == .consumerFailed, let inner = error.cause as? StoreError { return inner }
        return error
    }
}
