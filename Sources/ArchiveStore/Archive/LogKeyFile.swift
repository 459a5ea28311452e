import ArchiveCrypto
public import ArchiveLedger
import MailCore

// mailarc-log-keys/1
// archive <32 hex>
// former <key, base64> <last size> <next key, base64> <signature, base64>     ; any number, in the order they signed
// mac <base64>
/// `keys/log`: the log's keys before the present one (LedgerFormat.md, Log keys). Absent while there are none.
enum LogKeyFile {
    static let type = "mailarc-log-keys/1"

    /// The keys in the file and the file, for its MAC; nothing if there is no file.
    static func read(_ layout: ArchiveLayout, archive: RandomID) throws(ArchiveError) -> (
        former: [LogKeys.Former], file: TextFile?
    ) {
        guard FileTree.exists(layout.logKeys) else { return ([], nil) }
        let file = try VaultFiles.parse(layout.logKeys) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: type)
        }
        do {
            guard try file.hex("archive", count: 16) == archive.octets else {
                throw CryptoError(.malformed, "it is another archive's")
            }
            var former: [LogKeys.Former] = []
            for line in file.values("former") { former.append(try parse(line)) }
            return (former, file)
        } catch {
            throw ArchiveError(.damaged, "the former log keys cannot be read", path: layout.logKeys, cause: error)
        }
    }

    private static func parse(_ line: String) throws(CryptoError) -> LogKeys.Former {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 4, let key = Base64.decode(words[0]), key.count == 32, let size = UInt64(words[1]),
            String(size) == words[1], let next = Base64.decode(words[2]), next.count == 32,
            let signature = Base64.decode(words[3]), signature.count == 64
        else { throw CryptoError(.malformed, "a line of a former log key is malformed") }
        return LogKeys.Former(key: key, lastSize: size, next: next, signature: signature)
    }

    static func octets(_ former: [LogKeys.Former], _ keys: KeyHierarchy) -> [UInt8] {
        var file = TextFile(type: type)
        file.append("archive", keys.archiveID.description)
        for key in former {
            let words = [
                Base64.encode(key.key), String(key.lastSize), Base64.encode(key.next), Base64.encode(key.signature),
            ]
            file.append("former", words.joined(separator: " "))
        }
        file.sign(keys)
        return file.octets
    }
}

extension Archive {
    /// The keys behind the ledger's checkpoints, as they are on disk now.
    ///
    /// Former keys that cannot be read or trusted are left out: what they signed fails to verify then, nothing else.
    public func logKeys() throws(ArchiveError) -> LogKeys {
        let identity = try presentIdentity()
        let read = try? LogKeyFile.read(layout, archive: id)
        guard let read, let file = read.file, file.isAuthentic(keys) else { return LogKeys(current: identity.logKey) }
        return LogKeys(current: identity.logKey, former: read.former)
    }

    /// The same for whoever has no secret: nothing of it is authenticated but by the chain of signatures.
    public static func logKeys(at path: String) throws(ArchiveError) -> (origin: String, keys: LogKeys) {
        let layout = ArchiveLayout(path)
        let (identity, _) = try ArchiveIdentity.read(layout)
        let (former, _) = try LogKeyFile.read(layout, archive: identity.archive)
        return (identity.origin, LogKeys(current: identity.logKey, former: former))
    }
}
