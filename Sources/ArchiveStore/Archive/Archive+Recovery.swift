import ArchiveCrypto
import MailCore

extension Archive {
    /// True when the last writer died, or still lives: opening a writer would find something to make whole.
    ///
    /// A writer that ends leaves a journal without leaves. What is wrong beside such a journal is damage, which a check
    /// must see and nobody may mend in passing.
    public func needsRecovery() throws(ArchiveError) -> Bool {
        let state = JournalState(try JournalFile.read(layout, keys: keys).records)
        if !state.leaves.isEmpty { return true }
        if vault.root.secrets[LogKeyRotation.nextName] != nil { return true }
        if state.sealed.keys.contains(where: { FileTree.exists(layout.openPack($0)) }) { return true }
        if try hasUnnamedKeys(state) { return true }
        return try hasUnnamedPacks(state)
    }

    /// The same archive as it is on disk now, without what was remembered of it.
    public func reopened() throws(ArchiveError) -> Archive {
        try Archive(layout, presentIdentity(), keys, access: vault.files.secrets.access)
    }

    /// `MAILARC` as it is now: another process may have changed the log key since.
    func presentIdentity() throws(ArchiveError) -> ArchiveIdentity {
        let (present, file) = try ArchiveIdentity.read(layout)
        guard file.isAuthentic(keys) else {
            throw ArchiveError(.damaged, "MAILARC was changed: its MAC is wrong", path: layout.identity)
        }
        return present
    }

    /// Keys that were synced for a group whose journal frame never came.
    private func hasUnnamedKeys(_ state: JournalState) throws(ArchiveError) -> Bool {
        guard let shard = try vault.files.root().root.shards.last, !shard.isSealed else { return false }
        let named = state.counters.openShard == shard.number ? Int(state.counters.openShardCount) : 0
        return try vault.files.openShard(shard).records.count / VaultRecord.octetCount > named
    }

    private func hasUnnamedPacks(_ state: JournalState) throws(ArchiveError) -> Bool {
        for name in try FileTree.names(in: layout.open) where name.hasSuffix(".pk") {
            guard let id = RandomID(hex: String(name.dropLast(3))), let length = state.packs[id] else { return true }
            if try SystemFile(layout.openPack(id), .read).size() > length { return true }
        }
        return false
    }
}
