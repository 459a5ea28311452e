import ArchiveCrypto
import MailCore

/// Reads the files of the vault (ArchiveFormat.md §6); holds nothing.
struct VaultFiles: Sendable {
    let layout: ArchiveLayout
    let keys: KeyHierarchy
    let secrets: ErasureSecrets

    init(layout: ArchiveLayout, keys: KeyHierarchy, access: AnchorAccess) {
        (self.layout, self.keys) = (layout, keys)
        secrets = ErasureSecrets(layout: layout, keys: keys, access: access)
    }

    var archive: RandomID { keys.archiveID }

    /// `CURRENT` as it is now.
    func pointer() throws(ArchiveError) -> VaultPointer {
        try Self.parse(layout.current) { octets throws(CryptoError) in try VaultPointer(parsing: octets) }
    }

    /// The root `CURRENT` points at.
    func root() throws(ArchiveError) -> (root: VaultRoot, pointer: VaultPointer) {
        var pointer = try pointer()
        while true {
            do throws(ArchiveError) { return (try root(pointer), pointer) } catch {
                // A writer may have gone on to the next root meanwhile.
                let now = try self.pointer()
                guard now != pointer else { throw error }
                pointer = now
            }
        }
    }

    private func root(_ pointer: VaultPointer) throws(ArchiveError) -> VaultRoot {
        let path = layout.vaultRoot(epoch: pointer.epoch, revision: pointer.revision)
        guard FileTree.exists(path) else {
            throw ArchiveError(
                .damaged, "it names the root \(layout.relative(path)), which is not there", path: layout.current)
        }
        let octets = try FileTree.read(path, limit: 1 << 30)
        guard SHA256.hash(octets).hex == pointer.rootDigest else {
            throw ArchiveError(.damaged, "the vault root is not the one CURRENT names", path: path)
        }
        let secret = try secrets.secret(epoch: pointer.epoch)
        let root = try openRoot(octets, secret: secret, epoch: pointer.epoch, path: path)
        guard root.revision == pointer.revision else {
            throw ArchiveError(.damaged, "the vault root is of another revision", path: path)
        }
        return root
    }

    /// Opens a root file with the erasure secret of its epoch.
    func openRoot(
        _ octets: [UInt8], secret: [UInt8], epoch: UInt32, path: String
    ) throws(ArchiveError) -> VaultRoot {
        let key = keys.vaultRootKey(erasureSecret: secret, epoch: epoch)
        do {
            let root = try VaultRoot(parsing: SealedBody.open(octets, key: key))
            guard root.epoch == epoch else { throw CryptoError(.malformed, "the root is of another epoch") }
            return root
        } catch { throw ArchiveError(.damaged, "the vault root does not open", path: path, cause: error) }
    }

    static func parse<Value>(
        _ path: String, _ parser: ([UInt8]) throws(CryptoError) -> Value
    ) throws(ArchiveError) -> Value {
        let octets = try FileTree.read(path, limit: 65_536)
        do { return try parser(octets) } catch {
            throw ArchiveError(.damaged, "the file cannot be read", path: path, cause: error)
        }
    }

    /// The records of a shard, 64 octets each, in order.
    func records(of shard: VaultRoot.Shard) throws(ArchiveError) -> [UInt8] {
        guard shard.isSealed else { return try openShard(shard).records }
        let path = layout.shard(shard.number, generation: shard.generation)
        let octets = try FileTree.read(path, limit: 1 << 20)
        guard SHA256.hash(octets) == shard.fileDigest else {
            throw ArchiveError(.damaged, "the vault shard is not the one the root names", path: path)
        }
        do {
            let body = try SealedBody.open(octets, key: shard.key)
            guard body.count == Int(shard.recordCount) * VaultRecord.octetCount else {
                throw CryptoError(.malformed, "another number of records")
            }
            guard VaultRecord.areWellFormed(body) else {
                throw CryptoError(.malformed, "a record has unknown flags, or octets that must be zero")
            }
            return body
        } catch { throw ArchiveError(.damaged, "the vault shard does not open", path: path, cause: error) }
    }

    /// What of an open shard is whole: records, and the end of each frame with the records up to it.
    struct OpenShard {
        var records: [UInt8] = []
        var frameEnds: [(records: Int, offset: UInt64)] = []
        /// Octets behind the last whole frame.
        var tail: UInt64 = 0
    }

    func openShard(_ shard: VaultRoot.Shard) throws(ArchiveError) -> OpenShard {
        let path = layout.openShard(shard.number, generation: shard.generation)
        // LIMIT: 4,096 records of 64 octets, each in a frame of its own at worst.
        let octets = try FileTree.read(path, limit: 1 << 20)
        let header = openHeader(shard)
        guard octets.starts(with: header) else {
            throw ArchiveError(.damaged, "the header of the open vault shard is wrong", path: path)
        }
        var result = OpenShard()
        var rest = octets[header.count...]
        while let frame = SealedBody.openFrame(
            rest, number: UInt64(result.frameEnds.count), header: header, key: shard.key)
        {
            for record in frame.records { result.records += record.octets }
            rest = rest.dropFirst(frame.octetCount)
            result.frameEnds.append((result.records.count / VaultRecord.octetCount, UInt64(rest.startIndex)))
        }
        result.tail = UInt64(rest.count)
        return result
    }

    func openHeader(_ shard: VaultRoot.Shard) -> [UInt8] {
        ShortHeader.encode(.openShard, archive: archive, shard.number, shard.generation)
    }
}
