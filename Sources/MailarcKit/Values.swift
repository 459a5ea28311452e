/// A new way to the root key.
public enum NewSlot: Sendable {
    case passphrase([UInt8])
    /// The key file's octets.
    case keyFile([UInt8])
    /// The key lies beside the data: protects nothing.
    case plain
    /// For whoever has the private key.
    case recipient(Recipient)
}

/// What can open an archive; asked for only when needed.
public struct Unlocking: Sendable {
    /// The key file's octets, if one was named.
    public var keyFile: [UInt8]?
    /// A recovery kit as it was typed or scanned, where no anchor can be reached.
    public var recoveryKit: [UInt8]?
    /// From identity files.
    public var identities: [Identity]
    /// Asks a program that holds identities: the shared secret, 32 octets, or `nil` if it has none for the request.
    public var agreement: (@Sendable (IdentityRequest) throws -> [UInt8]?)?
    /// True when the user named what opens the archive, so that nobody is asked for a passphrase besides.
    public var isDecided: Bool
    /// Gives the passphrase (prompt, file, descriptor, command); `nil` when there is no way to get one.
    public var passphrase: (@Sendable () throws -> [UInt8])?

    public init(
        keyFile: [UInt8]? = nil, identities: [Identity] = [],
        agreement: (@Sendable (IdentityRequest) throws -> [UInt8]?)? = nil, isDecided: Bool = false,
        passphrase: (@Sendable () throws -> [UInt8])? = nil
    ) {
        (self.keyFile, self.identities, self.agreement) = (keyFile, identities, agreement)
        (self.isDecided, self.passphrase) = (isDecided || keyFile != nil, passphrase)
    }
}

/// An account on a mail server as configured.
public struct AccountConfiguration: Sendable {
    /// How mail is fetched from it.
    public enum MailProtocol: String, Sendable, CaseIterable, Codable { case imap, pop3 }
    public enum Security: String, Sendable, CaseIterable, Codable { case tls, starttls, plain }
    public enum Mechanism: String, Sendable, CaseIterable, Codable {
        case automatic = "auto"
        case plain
        case login
        case scramSHA256 = "scram-sha-256"
        /// The password is an access token, or the account is one of OAuth 2.
        case oauthBearer = "oauthbearer"
        case xoauth2
    }
    public var name: String
    public var host: String
    public var port: Int
    public var user: String
    public var security: Security
    public var mechanism: Mechanism
    /// PEM file with the certificates to trust instead of the system's.
    public var caFile: String?
    /// The one certificate to trust, in place of all others.
    public var pin: CertificatePin?
    /// False only by an explicit `--insecure-no-verify`.
    public var verifiesCertificate: Bool
    /// At most; begun with two.
    public var maxConnections: Int
    /// Several commands may be on their way at once.
    public var pipelines = true
    /// Every command that could write is refused before it is sent.
    public var onlyReads = false
    public var mailProtocol = MailProtocol.imap
    /// Tokens in place of a password.
    public var oauth: OAuthConfiguration?
    /// Whose servers it is on, where that was said.
    public var provider: MailProvider?
    /// Gives the password; never stored, never shown.
    public var password: @Sendable () throws -> [UInt8]

    public init(
        name: String, host: String, port: Int, user: String, security: Security,
        mechanism: Mechanism = .automatic,
        caFile: String? = nil, verifiesCertificate: Bool = true, maxConnections: Int = 4,
        password: @escaping @Sendable () throws -> [UInt8]
    ) {
        (self.name, self.host, self.port, self.user) = (name, host, port, user)
        (self.security, self.mechanism, self.caFile) = (security, mechanism, caFile)
        (self.verifiesCertificate, self.maxConnections, self.password) = (
            verifiesCertificate, maxConnections, password
        )
    }
}

/// Where an import reads from.
public struct ImportSource: Sendable {
    /// What is there.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// A Maildir, a Maildir++ tree or a tree of Maildirs.
        case maildir
        /// An mbox file, or a tree of them.
        case mbox
        /// A folder of `.eml` files.
        case eml
        /// Apple Mail's folder.
        case emlx
        /// MH's folder.
        case mh
        /// A zip archive of `.eml` files, mbox files or a Maildir.
        case zip
        /// A tar archive of the same, plain or compressed with gzip or zstd.
        case tar
        /// Gmail as Google Takeout exports it: an mbox, its folder, or the archive it came in.
        case takeout
        /// Outlook's, through `readpst`.
        case pst
    }
    public var kind: Kind
    public var path: String
    /// Undoes the quoting of From_ lines in mbox files; the messages that have any are not exact then.
    public var unescapes: Bool

    public init(_ kind: Kind, path: String, unescapes: Bool = false) {
        (self.kind, self.path, self.unescapes) = (kind, path, unescapes)
    }
}

/// Where an export writes to; the folder must not exist or be empty.
public enum ExportTarget: Sendable {
    case maildir(path: String)
    case mbox(path: String)
    case eml(path: String)
}

/// How far a long task has come.
public struct KitProgress: Sendable {
    /// `observing`, `archiving`, `checking`, `exporting`, `rebuilding`.
    public var phase: String
    /// What is being worked on: a mailbox, a pack.
    public var subject: String
    public var done: Int
    public var total: Int
    public var octetsDone: Int
    /// As announced; 0 when not known.
    public var octetsTotal: Int

    public init(
        phase: String, subject: String = "", done: Int = 0, total: Int = 0, octetsDone: Int = 0,
        octetsTotal: Int = 0
    ) {
        (self.phase, self.subject, self.done, self.total) = (phase, subject, done, total)
        (self.octetsDone, self.octetsTotal) = (octetsDone, octetsTotal)
    }
}

/// Is told how far a long task has come; called often, must return at once.
public typealias ProgressHandler = @Sendable (KitProgress) -> Void

/// What of a copy is read back.
public enum BackupVerification: String, Sendable, CaseIterable {
    /// Everything at the destination.
    case full
    /// What was copied.
    case new
    case none
}
