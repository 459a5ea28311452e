import ArchiveCrypto
import ArchiveStore
import Glibc
import MailCore
import MailSync

/// Where what is known of one pair of ends is kept: `<base>/<hash of both ends>/`.
///
/// The database, the UIDs given to Maildirs, and the key of the content marks; readable by its owner alone. Nothing in
/// it tells a subject, an address or a hash that means anything without the key.
struct PairFolder {
    let path: String
    let key: [UInt8]

    /// - Parameter base: default `$XDG_STATE_HOME/mailarc/pairs`.
    init(_ a: SyncEndpoint, _ b: SyncEndpoint, subfolder: String?, base: String?) throws(KitError) {
        let root = base ?? Self.defaultBase
        let ends = try "\(a.identity())\n\(b.identity())\n\(subfolder ?? "")"
        path = "\(root)/\(SHA256.hash(Array(ends.utf8)).prefix(12).hex)"
        do throws(ArchiveError) {
            try Self.makeFolders(path)
            key = try Self.readOrMakeKey(path + "/key")
        } catch { throw KitError(error, at: path) }
    }

    var database: String { path + "/pair.db" }
    func uidLists(_ side: String) -> String { "\(path)/uids-\(side)" }

    private static var defaultBase: String {
        func variable(_ name: String) -> String? {
            let value = unsafe getenv(name).map { unsafe String(cString: $0) }
            return value?.isEmpty == false ? value : nil
        }
        return (variable("XDG_STATE_HOME") ?? (variable("HOME") ?? "/root") + "/.local/state") + "/mailarc/pairs"
    }

    private static func makeFolders(_ path: String) throws(ArchiveError) {
        guard !path.isEmpty, !FileTree.exists(path) else { return }
        try makeFolders(FileTree.parent(of: path))
        try FileTree.makeDirectory(path)
    }

    private static func readOrMakeKey(_ path: String) throws(ArchiveError) -> [UInt8] {
        if FileTree.exists(path) {
            let key = try FileTree.read(path, limit: 64)
            if key.count == 32 { return key }
        }
        let key = RandomSource.system.octets(32)
        try FileTree.replace(path, with: key)
        return key
    }
}

/// SHA-256 keyed by what goes first: marks of a pair mean nothing elsewhere.
struct KeyedHashing: ContentHashing {
    let key: [UInt8]

    func start() -> any RunningHash { Running(key) }

    private final class Running: RunningHash {
        private var hash = SHA256()
        private let key: [UInt8]

        init(_ key: [UInt8]) {
            self.key = key
            hash.update(key)
        }

        func update(_ octets: ArraySlice<UInt8>) { hash.update(octets.span) }
        func finish() -> [UInt8] { HMAC.sha256(key: key, hash.digest()) }
    }
}

/// Files without a name, sealed under a key that is only in memory: nobody can read what passes through them.
struct SealedSpooling: PairSpooling {
    func makeFile() throws(StoreError) -> any SpoolFile { try SealedSpool() }
}

private final class SealedSpool: SpoolFile {
    /// LIMIT: what is sealed together, and held at once.
    private static let chunkLength = 1 << 20

    /// `O_TMPFILE`, a macro Swift cannot see: `__O_TMPFILE | O_DIRECTORY`.
    private static let unnamed: Int32 = 0o20000000 | O_DIRECTORY

    private let descriptor: Int32
    private let key = RandomSource.system.octets(32)
    private var pending: [UInt8] = []
    private(set) var chunks: [(offset: Int, length: Int)] = []
    private var end = 0

    init() throws(StoreError) {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var opened = unsafe Glibc.open(folder, Self.unnamed | O_RDWR | O_CLOEXEC, 0o600)
        if opened < 0 {
            // QUIRK: file systems without O_TMPFILE.
            var name = Array("\(folder)/mailarc-spool-XXXXXX".utf8CString)
            opened = unsafe mkstemp(&name)
            if opened >= 0 { _ = unsafe unlink(name) }
        }
        guard opened >= 0 else { throw Self.failure("no temporary file can be made in \(folder)") }
        descriptor = opened
    }

    deinit { close(descriptor) }

    func append(_ octets: [UInt8]) throws(StoreError) {
        pending += octets
        while pending.count >= Self.chunkLength {
            try write(Array(pending.prefix(Self.chunkLength)))
            pending.removeFirst(Self.chunkLength)
        }
    }

    func finish() throws(StoreError) {
        if !pending.isEmpty { try write(pending) }
        pending = []
    }

    func open() throws(StoreError) -> any OctetSource { Source(self) }

    private func nonce(_ number: Int) -> [UInt8] {
        (0..<12).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : 0 }
    }

    private func write(_ plaintext: [UInt8]) throws(StoreError) {
        var sealed: [UInt8] = []
        do throws(CryptoError) {
            // The key is this file's own, so a number is nonce enough.
            try AESGCM().seal(plaintext.span, key: key, nonce: nonce(chunks.count), aad: [], into: &sealed)
        } catch { throw StoreError(.ioFailed, "a message cannot be sealed", cause: error) }
        var done = 0
        while done < sealed.count {
            // SAFETY: `done` is within the array, and so is what is left after it.
            let count = unsafe sealed.withUnsafeBytes {
                unsafe pwrite(
                    descriptor, $0.baseAddress.map { unsafe $0 + done }, sealed.count - done, off_t(end + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("a temporary file cannot be written") }
            done += count
        }
        chunks.append((end, sealed.count))
        end += sealed.count
    }

    func chunk(_ number: Int) throws(StoreError) -> [UInt8] {
        let (offset, length) = chunks[number]
        var sealed = [UInt8](repeating: 0, count: length)
        var done = 0
        while done < length {
            // SAFETY: as in `write`.
            let count = unsafe sealed.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress.map { unsafe $0 + done }, length - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("a temporary file cannot be read") }
            done += count
        }
        var plaintext: [UInt8] = []
        do throws(CryptoError) {
            try AESGCM().open(sealed.span, key: key, nonce: nonce(number), aad: [], into: &plaintext)
        } catch { throw StoreError(.ioFailed, "a temporary file was changed", cause: error) }
        return plaintext
    }

    private static func failure(_ what: String) -> StoreError {
        // SAFETY: strerror gives a C string that is copied at once.
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error"
        return StoreError(.ioFailed, "\(what): \(reason)", retry: .later)
    }

    private final class Source: OctetSource {
        private let file: SealedSpool
        private var number = 0

        init(_ file: SealedSpool) { self.file = file }

        func next() throws(StoreError) -> [UInt8]? {
            guard number < file.chunks.count else { return nil }
            defer { number += 1 }
            return try file.chunk(number)
        }
    }
}
