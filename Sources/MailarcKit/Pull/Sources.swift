import ArchiveCrypto
import MailCore
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
