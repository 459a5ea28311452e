import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Takes the vault to its next epoch: keys that are erased, secrets that are new, anchors that come and go.
    ///
    /// Never during a commit. Anchors that come or go get their leaves here.
    /// - Throws: `.anchorUnavailable`: nothing has changed.
    package func changeVault(_ change: VaultChange) throws(ArchiveError) -> VaultChangeResult {
        try checkRunning()
        let files = archive.vault.files
        let before = try files.secrets.list()
        let result: VaultChangeResult
        do throws(ArchiveError) {
            result = try EpochChange(files: files, random: context.random, fault: options.fault).run(change)
            vault = try VaultWriter(
                files: files, counters: state.counters, random: context.random, fault: options.fault)
            try archive.vault.refresh()
        } catch {
            if error.kind != .anchorUnavailable { pending.fail(error) }
            throw error
        }
        let after = try files.secrets.list()
        for entry in before.anchors where !after.anchors.contains(entry) {
            try appendLeaf(.anchorRemoved(name: entry.name, kind: entry.kind.rawValue, nonce: context.newID()))
        }
        for entry in after.anchors where !before.anchors.contains(entry) {
            try appendLeaf(.anchorAdded(name: entry.name, kind: entry.kind.rawValue, nonce: context.newID()))
        }
        return result
    }

    /// Tries again to destroy what could not be reached at an earlier change.
    package func settleAnchors() throws(ArchiveError) {
        try checkRunning()
        _ = try AnchorRecovery(files: archive.vault.files, fault: options.fault).run(previous: [])
    }
}
