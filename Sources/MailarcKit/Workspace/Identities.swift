import ArchiveCrypto
import ArchiveStore
import MailCore
import Synchronization

/// An X25519 private key that opens slots, from an age identity file.
public struct Identity: Sendable {
    let key: X25519Identity

    /// The identities of an age identity file: comments, empty lines, and lines `AGE-SECRET-KEY-1…`.
    ///
    /// - Parameter name: of the file, for messages; none of them shows a line.
    public static func parse(_ octets: [UInt8], name: String) throws(KitError) -> [Identity] {
        let lines = String(decoding: octets, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
        if let first = lines.first, first.hasPrefix("age-encryption.org/") || first.hasPrefix("-----BEGIN AGE ENCRYPT")
        {
            throw KitError(
                .usage, "the identity file \(name) is encrypted",
                hint: "open it on the way: --identity-file <(age -d \(name))")
        }
        var identities: [Identity] = []
        for (number, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            if line.hasPrefix("AGE-PLUGIN-") {
                throw KitError(
                    .usage, "line \(number + 1) of \(name) is for an age plug-in, which mailarc does not run",
                    hint: "let a program do the key agreement: --identity-command")
            }
            guard let key = X25519Identity(String(line)) else {
                throw KitError(.usage, "line \(number + 1) of the identity file \(name) is no AGE-SECRET-KEY-1…")
            }
            identities.append(Identity(key: key))
        }
        guard !identities.isEmpty else { throw KitError(.usage, "the identity file \(name) has no identity") }
        return identities
    }
}

/// An X25519 public key that a slot can be made for.
public struct Recipient: Sendable, Hashable {
    let key: X25519Recipient
    /// `age1…`
    public var text: String { key.description }

    /// Reads `age1…`.
    public init(_ text: String) throws(KitError) {
        guard let key = X25519Recipient(text) else {
            throw KitError(
                .usage, "not an age recipient (age1… of an X25519 key): \(text.prefix(80))",
                hint: "age-keygen -y IDENTITY-FILE shows it")
        }
        self.key = key
    }

    /// The recipients of a file: comments, empty lines and lines `age1…`, or one X25519 public key in PEM.
    public static func parse(_ octets: [UInt8], name: String) throws(KitError) -> [Recipient] {
        let text = String(decoding: octets, as: UTF8.self)
        let lines = text.split { $0.isNewline }.filter { !$0.hasPrefix("#") }.map(String.init)
        var recipients: [Recipient] = []
        if lines.first == "-----BEGIN PUBLIC KEY-----" {
            // SubjectPublicKeyInfo of X25519 (RFC 8410): twelve octets that never change, then the key.
            let header: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x6E, 0x03, 0x21, 0x00]
            let body = lines.dropFirst().prefix { $0 != "-----END PUBLIC KEY-----" }.joined()
            guard let octets = Base64.decode(body), octets.starts(with: header),
                let key = X25519Recipient(octets: Array(octets.dropFirst(header.count)))
            else { throw KitError(.usage, "\(name) is PEM, but not of an X25519 public key") }
            return [Recipient(key: key)]
        }
        for line in lines { recipients.append(try Recipient(line)) }
        guard !recipients.isEmpty else { throw KitError(.usage, "the recipient file \(name) has no recipient") }
        return recipients
    }

    private init(key: X25519Recipient) { self.key = key }
}

/// What a program is asked that holds an identity: X25519 of its private key and `ephemeral`.
public struct IdentityRequest: Codable, Sendable {
    public var version = "mailarc-identity/1"
    /// The archive's id, 32 hex digits.
    public var archive: String
    /// `age1…`
    public var recipient: String
    /// The recipient's 32 octets, base64.
    public var recipientKey: String
    /// The slot's ephemeral public key, 32 octets, base64.
    public var ephemeral: String
    /// The slot's label, at most 200 characters of it.
    public var label: String

    init(_ request: AgreementRequest) {
        archive = request.archiveID.description
        recipient = request.recipient.description
        recipientKey = Base64.encode(request.recipient.octets)
        ephemeral = Base64.encode(request.ephemeral)
        label = String(request.label.prefix(200))
    }

    /// The shared secret in a program's answer: base64 of 32 octets, one line end at most.
    public static func sharedSecret(in answer: [UInt8]) -> [UInt8]? {
        var text = String(decoding: answer, as: UTF8.self)
        while text.last?.isNewline == true { text.removeLast() }
        return Base64.decode(text).flatMap { $0.count == 32 ? $0 : nil }
    }
}

extension Workspace {
    private static func anchorAccess(_ unlocking: Unlocking) throws(KitError) -> AnchorAccess {
        let kit = try unlocking.recoveryKit.map { octets throws(KitError) in try RecoveryKit(parsing: octets) }
        return .complete(kit: kit)
    }

    /// What `unlocking` holds without asking for a passphrase.
    private static func secrets(
        _ unlocking: Unlocking, _ kinds: Set<String>, _ failure: Failure
    ) -> [ArchiveSecret] {
        var secrets: [ArchiveSecret] = unlocking.identities.map { .identity($0.key) }
        if let keyFile = unlocking.keyFile { secrets.append(.keyFile(keyFile)) }
        if let agreement = unlocking.agreement, kinds.contains("x25519") {
            secrets.append(
                .agreement { request in
                    do { return try agreement(IdentityRequest(request)) } catch {
                        failure.note(error)
                        return nil
                    }
                })
        }
        return secrets
    }

    /// Opens an archive, or a copy of it, again and again without asking twice; what kinds of slots there are is told by
    /// whichever of `paths` can be read.
    static func opener(
        for paths: [String], unlocking: Unlocking
    ) throws(KitError) -> ArchiveRepair.Opener {
        let kinds = Set(paths.flatMap { path in (try? Archive.slots(at: path).map(\.kind)) ?? [] })
        let anchors = try anchorAccess(unlocking)
        var all = secrets(unlocking, kinds, Failure())
        if kinds.contains("scrypt") && !unlocking.isDecided || all.isEmpty && !kinds.contains("plain"),
            let passphrase = unlocking.passphrase
        {
            do { all.append(.passphrase(try passphrase())) } catch let error as KitError { throw error } catch {
                throw KitError(.usage, "the passphrase cannot be had", cause: error)
            }
        }
        let secrets = all
        return { path throws(ArchiveError) in try Archive.open(at: path, unlocking: secrets, anchors: anchors) }
    }

    /// Opens the archive with what `unlocking` gives; the passphrase is asked for only if nothing else opens it.
    static func openArchive(at path: String, unlocking: Unlocking) throws(KitError) -> Archive {
        let kinds: Set<String>
        do { kinds = Set(try Archive.slots(at: path).map(\.kind)) } catch { throw KitError(error, at: path) }
        let anchors = try anchorAccess(unlocking)
        let failure = Failure()
        var secrets = secrets(unlocking, kinds, failure)
        let asks = kinds.contains("scrypt") && !unlocking.isDecided
        if kinds.contains("plain") || !secrets.isEmpty || !asks {
            do { return try Archive.open(at: path, unlocking: secrets, anchors: anchors) } catch {
                guard error.kind == .wrongKey else { throw KitError(error, at: path) }
                if !asks || unlocking.passphrase == nil { throw failure.error ?? wrongKey(error, kinds, at: path) }
            }
        }
        if let passphrase = unlocking.passphrase {
            do { secrets = [.passphrase(try passphrase())] } catch let error as KitError { throw error } catch {
                throw KitError(.usage, "the passphrase cannot be had", cause: error)
            }
        }
        do { return try Archive.open(at: path, unlocking: secrets, anchors: anchors) } catch {
            throw KitError(error, at: path)
        }
    }

    private static func wrongKey(_ error: ArchiveError, _ kinds: Set<String>, at path: String) -> KitError {
        var result = KitError(error, at: path)
        let ways = [
            "scrypt": "a passphrase", "keyfile": "--key-file", "x25519": "--identity-file or --identity-command",
        ]
        let known = ways.filter { kinds.contains($0.key) }.map(\.value).sorted()
        if known.isEmpty {
            result.hint = "its key slots are of a type this version does not know: use a newer version of mailarc"
        } else {
            result.hint = "it opens with \(known.joined(separator: ", "))"
        }
        return result
    }

    /// The first error of an identity program.
    private final class Failure: Sendable {
        private let first = Mutex<KitError?>(nil)
        var error: KitError? { first.withLock { $0 } }

        func note(_ error: any Error) {
            let error = error as? KitError ?? KitError(.wrongKey, "the identity command failed", cause: error)
            first.withLock { $0 = $0 ?? error }
        }
    }
}
