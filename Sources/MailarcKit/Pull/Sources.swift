import ArchiveCrypto
import MailCore
import MailIMAP
import MailPOP3
import MailSASL
import MailTransport

extension IMAPConfiguration {
    init(_ account: AccountConfiguration) {
        self.init(
            host: account.host, port: account.port, security: ServerConfiguration.Security(account.security),
            user: account.user, password: account.secret)
        renewal = account.renewal
        server.trust(account)
        (maxConnections, pipelines) = (account.maxConnections, account.pipelines)
        onlyReads = account.onlyReads
        mechanism = SASLMechanism(account)
        scram = .openSSL
    }
}

extension POP3Configuration {
    init(_ account: AccountConfiguration) {
        self.init(
            host: account.host, port: account.port, security: ServerConfiguration.Security(account.security),
            user: account.user, password: account.secret)
        renewal = account.renewal
        server.trust(account)
        pipelines = account.pipelines
        mechanism = SASLMechanism(account)
        scram = .openSSL
    }
}

extension ServerConfiguration {
    /// Which certificates count.
    fileprivate mutating func trust(_ account: AccountConfiguration) {
        caFile = account.caFile
        verification = account.verifiesCertificate ? .full : .none
        if let known = account.pin { pin = { known.refusal(of: $0) } }
    }
}

extension ServerConfiguration.Security {
    init(_ security: AccountConfiguration.Security) {
        self =
            switch security {
            case .tls: .implicitTLS
            case .starttls: .startTLS
            case .plain: .plaintext
            }
    }
}

extension SASLMechanism {
    init(_ account: AccountConfiguration) {
        self =
            switch account.mechanism {
            case .automatic: account.oauth == nil ? .automatic : .oauth
            case .plain: .plain
            case .login: .login
            case .scramSHA256: .scramSHA256
            case .oauthBearer: .oauthBearer
            case .xoauth2: .xoauth2
            }
    }
}

extension AccountConfiguration {
    /// What is done with IMAP accounts only.
    ///
    /// - Throws: `.usage` for any other, with `reason`.
    func requireIMAP(_ reason: String) throws(KitError) {
        guard mailProtocol != .imap else { return }
        throw KitError(
            .usage, "\(name) is a POP3 account: \(reason)",
            hint: "take its mail into an archive with 'mailarc pull \(name)', and go on from archive:\(name)")
    }
}

extension SCRAMPrimitives {
    /// On OpenSSL.
    static let openSSL = SCRAMPrimitives(
        sha256: { SHA256.hash($0) }, hmacSHA256: { HMAC.sha256(key: $0, $1) },
        pbkdf2SHA256: { PBKDF2.sha256(password: $0, salt: $1, iterations: $2) },
        nonce: { RandomSource.system.octets(18).hex })
}
