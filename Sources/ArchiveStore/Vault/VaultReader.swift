import ArchiveCrypto
import MailCore
import Synchronization

/// Looks keys up in the vault; remembers some shards, and looks again when another process moved on.
final class VaultReader: Sendable {
    /// LIMIT: 16 shards of 256 KiB: what random reads of mail need in a row.
    private static let cachedShards = 16

    private struct State {
        var root: VaultRoot
        /// Most recently used last.
        var shards: [(number: UInt32, records: [UInt8])] = []
    }

    let files: VaultFiles
    private let state: Mutex<State>

    init(files: VaultFiles) throws(ArchiveError) {
        self.files = files
        state = Mutex(State(root: try files.root().root))
    }

    var root: VaultRoot { state.withLock { $0.root } }

    /// Looks at the vault as it is now; nothing read before is remembered.
    func refresh() throws(ArchiveError) {
        let root = try files.root().root
        state.withLock { $0 = State(root: root) }
    }

    /// The DEK of a blob.
    ///
    /// - Throws: `.missing` if the record is another one's, erased, or not there.
    func secret(of location: BlobLocation) throws(ArchiveError) -> [UInt8] {
        if let secret = try lookUp(location) { return secret }
        // The shard may have grown or been replaced since it was read.
        let root = try files.root().root
        state.withLock { state in
            state.root = root
            state.shards.removeAll { $0.number == location.vaultShard }
        }
        if let secret = try lookUp(location) { return secret }
        if try isErased(location) { throw ArchiveError(.erased, "\(location.keyID) was erased") }
        throw ArchiveError(.missing, "the vault has no key \(location.keyID)")
    }

    private func isErased(_ location: BlobLocation) throws(ArchiveError) -> Bool {
        let records = try records(location.vaultShard)
        let start = Int(location.vaultSlot) * VaultRecord.octetCount
        return start + VaultRecord.octetCount <= records.count
            && records[start..<start + 16].elementsEqual(location.keyID.octets) && records[start + 49] & 1 == 1
    }

    private func lookUp(_ location: BlobLocation) throws(ArchiveError) -> [UInt8]? {
        let records = try records(location.vaultShard)
        let start = Int(location.vaultSlot) * VaultRecord.octetCount
        guard start + VaultRecord.octetCount <= records.count,
            records[start..<start + 16].elementsEqual(location.keyID.octets), records[start + 49] & 1 == 0
        else { return nil }
        return Array(records[start + 16..<start + 48])
    }

    /// The records of shard `number`; empty if the root does not know it.
    func records(_ number: UInt32) throws(ArchiveError) -> [UInt8] {
        let (cached, shard) = state.withLock { state -> ([UInt8]?, VaultRoot.Shard?) in
            if let index = state.shards.lastIndex(where: { $0.number == number }) {
                let found = state.shards.remove(at: index)
                state.shards.append(found)
                return (found.records, nil)
            }
            return (nil, state.root.shards.first { $0.number == number })
        }
        if let cached { return cached }
        guard let shard else { return [] }
        let records: [UInt8]
        do { records = try files.records(of: shard) } catch {
            // An open shard that was sealed meanwhile has another name now.
            guard error.kind == .missing else { throw error }
            return []
        }
        state.withLock { state in
            state.shards.append((number, records))
            if state.shards.count > Self.cachedShards { state.shards.removeFirst() }
        }
        return records
    }
}
