package import MailarcKit

/// The one table of exit codes; `mailarc help exit-codes` and the man page print it.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    case failure = 1
    case incomplete = 3
    case damaged = 4
    case wrongKey = 5
    case notAnArchive = 6
    case busy = 7
    case connection = 8
    case authentication = 9
    case tls = 10
    case storage = 11
    case notFound = 12
    case anchor = 13
    case stale = 14
    case tampered = 15
    case lost = 16
    case refused = 17
    case partial = 18
    case unaccounted = 19
    case usage = 64
    case dataError = 65
    case noUser = 67
    case temporary = 75
    case notPermitted = 77
    case interrupted = 130

    /// What the code says, for the table.
    public var meaning: String {
        switch self {
        case .success: "done; nothing needs attention"
        case .failure: "an error none of the codes below names"
        case .incomplete:
            "done, but messages were quarantined or refused, wait for a pull, a count does not balance, or a mailbox failed"
        case .damaged: "the archive is damaged, or check found something"
        case .wrongKey: "no key slot opens with this passphrase or key file"
        case .notAnArchive:
            "no archive there, one already there, or one of a version this program does not know"
        case .busy: "another process is writing to the archive"
        case .connection: "the mail server cannot be reached or broke the connection"
        case .authentication: "the mail server refused user, password or token, or the account is not logged in (OAuth)"
        case .tls: "TLS failed: certificate not trusted, wrong name, or no TLS offered"
        case .storage: "reading or writing a file failed; the disk may be full"
        case .notFound: "no such message, mailbox, account or key"
        case .anchor: "no anchor gives the erasure secret, or one cannot be reached"
        case .stale: "check found only what is made anew from the rest: catalog, state, index, parity"
        case .tampered: "check found what no accident does: rolled back, forged, or there again after its erasure"
        case .lost: "check found nothing wrong, but the ledger says that something was lost for good"
        case .refused: "more would have been deleted than is done unasked (--allow-mass-delete); nothing was deleted"
        case .partial: "a side broke off, or a mailbox failed or was not shown whole; the next run goes on"
        case .unaccounted: "reconcile found messages on the server that the archive neither holds nor accounts for"
        case .usage: "the command line or the query cannot be understood"
        case .dataError: "deliver: the message is empty or too large; it will not be taken"
        case .noUser: "deliver: no route takes the recipient"
        case .temporary: "deliver: it cannot be archived now; keep the message and try again"
        case .notPermitted: "deliver: the recipient is not on the list"
        case .interrupted: "interrupted; the next run goes on from there"
        }
    }

    /// The code for `kind`.
    package init(_ kind: KitError.Kind) {
        self =
            switch kind {
            case .usage, .badQuery: .usage
            case .notAnArchive, .unsupportedVersion, .alreadyExists: .notAnArchive
            case .wrongKey: .wrongKey
            case .busy: .busy
            case .connection, .sourceOutage: .connection
            case .authentication, .loginNeeded: .authentication
            case .tls: .tls
            case .damaged: .damaged
            case .ioFailed, .diskFull: .storage
            case .notFound: .notFound
            case .anchor: .anchor
            case .unacceptable: .dataError
            case .notPermitted: .notPermitted
            case .cancelled: .interrupted
            case .internalError: .failure
            }
    }

    /// The code for what a check came to.
    init(_ verdict: CheckVerdict) {
        self =
            switch verdict {
            case .clean: .success
            case .stale: .stale
            case .lost: .lost
            case .damaged: .damaged
            case .tampered: .tampered
            }
    }

    /// The table as text, one code a line.
    public static var table: String {
        allCases.map { status in
            let code = String(status.rawValue)
            return String(repeating: " ", count: 5 - code.count) + code + "  " + status.meaning
        }.joined(separator: "\n")
    }
}
