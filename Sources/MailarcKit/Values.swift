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

/// An IMAP account as configured.
public struct AccountConfiguration: Sendable {
    public enum Security: String, Sendable, CaseIterable, Codable { case tls, starttls, plain }
    public enum Mechanism: String, Sendable, CaseIterable, Codable {
        case automatic = "auto"
        case plain
        case login
        case scramSHA256 = "scram-sha-256"
    }
    public var name: String
    public var host: String
    public var port: Int
    public var user: String
    public var security: Security
    public var mechanism: Mechanism
    /// PEM file with the certificates to trust instead of the system's.
    public var caFile: String?
    /// False only by an explicit `--insecure-no-verify`.
    public var verifiesCertificate: Bool
    public var maxConnections: Int
    /// Gives the password; never stored, never shown.
    public var password: @Sendable () throws -> [UInt8]

    public init(
        name: String, host: String, port: Int, user: String, security: Security,
        mechanism: Mechanism = .automatic,
        caFile: String? = nil, verifiesCertificate: Bool = true, maxConnections: Int = 2,
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
public enum ImportSource: Sendable {
    case maildir(path: String)
    /// An mbox file, or a tree of them.
    case mbox(path: String)
    /// A folder of `.eml` files.
    case eml(path: String)
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
