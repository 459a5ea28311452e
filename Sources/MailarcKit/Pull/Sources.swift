import ArchiveCrypto
package import MailCore
import MailFormats
import MailIMAP
import MailIMAPCore

extension IMAPConfiguration {
    init(_ account: AccountConfiguration) {
        self.init(
            host: account.host, port: account.port, security: Security(account.security), user: account.user,
            password: { try account.password() })
        caFile = account.caFile
        verification = account.verifiesCertificate ? .full : .none
        maxConnections = account.maxConnections
        mechanism = SessionStateMachine.Mechanism(account.mechanism)
        scram = .openSSL
    }
}

extension IMAPConfiguration.Security {
    init(_ security: AccountConfiguration.Security) {
        self =
            switch security {
            case .tls: .implicitTLS
            case .starttls: .startTLS
            case .plain: .plaintext
            }
    }
}

extension SessionStateMachine.Mechanism {
    init(_ mechanism: AccountConfiguration.Mechanism) {
        self =
            switch mechanism {
            case .automatic: .automatic
            case .plain: .plain
            case .login: .login
            case .scramSHA256: .scramSHA256
            }
    }
}

extension SCRAMPrimitives {
    /// On OpenSSL.
    static let openSSL = SCRAMPrimitives(
        sha256: { SHA256.hash($0) }, hmacSHA256: { HMAC.sha256(key: $0, $1) },
        pbkdf2SHA256: { PBKDF2.sha256(password: $0, salt: $1, iterations: $2) },
        nonce: { RandomSource.system.octets(18).hex })
}

extension ImportSource {
    /// The store behind the path.
    func open() throws(KitError) -> (store: any MailStore, channel: Channel) {
        do {
            switch self {
            case .maildir(let path): return (try MaildirStore(path: path), .maildir)
            case .mbox(let path): return (try MboxStore(path: path), .mbox)
            case .eml(let path): return (try EMLStore(path: path), .eml)
            }
        } catch {
            throw KitError(.ioFailed, "cannot read the mail to import", cause: error)
        }
    }
}

/// A store of which only some mailboxes are seen.
package struct SelectedMailboxes: MailStore {
    let base: any MailStore
    let patterns: [String]

    package var traits: StoreTraits {
        get async throws(StoreError) { try await base.traits }
    }

    package func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (listings, _) = try await base.mailboxes()
        // What was not asked for is not gone: the listing has holes.
        return (listings.filter { listing in patterns.contains { Self.matches(listing.name.text, $0) } }, false)
    }

    package func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        try await base.observe(mailbox, since: cursor)
    }

    package func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try await base.fetch(messages, from: mailbox, uidValidity: uidValidity, consume)
    }

    /// Whether `name` is what `pattern` says, `*` standing for any characters; linear in both.
    package static func matches(_ name: String, _ pattern: String) -> Bool {
        let (name, pattern) = (Array(name), Array(pattern))
        var (position, place) = (0, 0)
        var restart: (position: Int, place: Int)?
        while position < name.count {
            if place < pattern.count, pattern[place] == "*" {
                restart = (position, place + 1)
                place += 1
            } else if place < pattern.count, pattern[place] == name[position] {
                (position, place) = (position + 1, place + 1)
            } else if let (start, next) = restart {
                restart = (start + 1, next)
                (position, place) = (start + 1, next)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
