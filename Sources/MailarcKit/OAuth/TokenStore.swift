import ArchiveCrypto
import ArchiveStore
import FoundationEssentials
import Glibc
import MailCore
import MailOAuth

/// What is kept of a login.
struct StoredTokens: Codable, Sendable {
    var tokens: TokenSet
    /// Where the configuration names none, but one was given at the login.
    var clientSecret: String?
}

/// The tokens of one account, sealed in a file of their own.
///
/// ```
/// file   "mailarc-tokens/1" LF, nonce (24), ciphertext, tag (16)   XAES-256-GCM, aad = first line and identity
/// key    32 random octets, mode 0600, one for all accounts; or derived from what the configuration names
/// ```
struct TokenStore: Sendable {
    private static let head = Array("mailarc-tokens/1\n".utf8)
    /// LIMIT: tokens of some thousand octets, as JSON.
    private static let limit = 256 << 10
    /// LIMIT: how long one process waits for another that renews.
    private static let patience = Duration.seconds(120)

    private let folder: String
    private let path: String
    private let identity: [UInt8]
    private let account: String
    private let sealingKey: (@Sendable () throws -> [UInt8])?

    init(_ configuration: OAuthConfiguration) {
        folder = configuration.tokenFolder ?? StateFolder.path("tokens")
        (account, sealingKey) = (configuration.account, configuration.sealingKey)
        identity = Array("\(configuration.account)\n\(configuration.tokenURL)\n\(configuration.clientID)".utf8)
        path = "\(folder)/\(SHA256.hash(identity).prefix(12).hex)"
    }

    /// - Throws: `.loginNeeded` where there are none, or they do not open.
    func read() throws(KitError) -> StoredTokens {
        guard FileTree.exists(path) else {
            throw needed("\(account) is not logged in")
        }
        let octets: [UInt8]
        do { octets = try FileTree.read(path, limit: Self.limit) } catch { throw KitError(error, at: path) }
        let unreadable = needed("\(account): the tokens do not open: they are damaged, or sealed under another key")
        guard octets.starts(with: Self.head), let key = try key(makes: false) else { throw unreadable }
        do {
            let plain = try XAES256GCM.open(
                Array(octets.dropFirst(Self.head.count)), key: key, aad: Self.head + identity)
            return try JSONDecoder().decode(StoredTokens.self, from: Data(plain))
        } catch { throw unreadable }
    }

    /// Fails where tokens could not be kept: before anybody is asked to consent.
    func prepare() throws(KitError) {
        try StateFolder.make(folder)
        _ = try key(makes: true)
    }

    /// Replaces the file as one step, durably.
    func write(_ stored: StoredTokens) throws(KitError) {
        try StateFolder.make(folder)
        guard let key = try key(makes: true) else { throw KitError(.ioFailed, "\(folder)/key cannot be read") }
        do {
            let plain = Array(try JSONEncoder().encode(stored))
            let sealed = try XAES256GCM.seal(plain, key: key, aad: Self.head + identity)
            try FileTree.replace(path, with: Self.head + sealed)
        } catch let error as ArchiveError {
            throw KitError(error, at: path)
        } catch { throw KitError(.internalError, "\(account): the tokens cannot be sealed", cause: error) }
    }

    /// Deletes the tokens; false when there were none.
    func remove() throws(KitError) -> Bool {
        do throws(ArchiveError) {
            let wasThere = FileTree.exists(path)
            try FileTree.shred(path)
            try FileTree.remove(path + ".tmp")
            try FileTree.remove(path + ".lock")
            return wasThere
        } catch { throw KitError(error, at: path) }
    }

    /// Runs `body` while nobody else, in this process or another, reads tokens to renew them.
    ///
    /// - Throws: `.busy` where somebody else does not come to an end.
    func locked<Result: Sendable>(_ body: () async throws(KitError) -> Result) async throws(KitError) -> Result {
        try StateFolder.make(folder)
        let file = try await lock()
        let result: Swift.Result<Result, KitError>
        do throws(KitError) { result = .success(try await body()) } catch { result = .failure(error) }
        _ = flock(file.descriptor, LOCK_UN)
        return try result.get()
    }

    private func lock() async throws(KitError) -> SystemFile {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let file: SystemFile
            do { file = try SystemFile(path + ".lock", .openOrCreate) } catch { throw KitError(error, at: path) }
            if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 {
                // A logout takes the file away under whoever waits for it.
                if isInPlace(file) { return file }
                continue
            }
            guard ContinuousClock.now < deadline else {
                throw KitError(.busy, "another process renews the tokens of \(account)", hint: "try again")
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch {
                throw KitError(.cancelled, "The task was cancelled")
            }
        }
    }

    private func isInPlace(_ file: SystemFile) -> Bool {
        var (held, named) = (stat(), stat())
        return unsafe fstat(file.descriptor, &held) == 0 && stat(path + ".lock", &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }

    // MARK: Key

    /// - Parameter makes: a key file that is not there is made.
    private func key(makes: Bool) throws(KitError) -> [UInt8]? {
        if let sealingKey {
            let octets: [UInt8]
            do { octets = try sealingKey() } catch {
                throw error as? KitError ?? KitError(.ioFailed, "the key of the tokens cannot be had", cause: error)
            }
            guard !octets.isEmpty else { throw KitError(.usage, "the key that tokens are sealed under is empty") }
            return HKDF.derive(inputKey: octets, salt: [], info: Array("mailarc/1/token-key".utf8), count: 32)
        }
        let file = "\(folder)/key"
        do throws(ArchiveError) {
            if !FileTree.exists(file) {
                guard makes else { return nil }
                try makeKey(file)
            }
            let key = try FileTree.read(file, limit: 32)
            return key.count == 32 ? key : nil
        } catch { throw KitError(error, at: file) }
    }

    /// Two processes that make one at once end up with the same: a name is given to a whole file, and only once.
    private func makeKey(_ file: String) throws(ArchiveError) {
        let temporary = "\(file).\(getpid())-\(RandomSource.system.octets(4).hex)"
        let made = try SystemFile(temporary, .create)
        try made.write(RandomSource.system.octets(32), at: 0)
        try made.sync()
        let isNamed = unsafe link(temporary, file) == 0 || errno == EEXIST
        try FileTree.remove(temporary)
        guard isNamed else { throw SystemFile.failure("cannot make", file) }
        try FileTree.syncDirectory(folder)
    }

    private func needed(_ words: String) -> KitError {
        KitError(.loginNeeded, words, hint: "run mailarc account login \(account)")
    }
}
