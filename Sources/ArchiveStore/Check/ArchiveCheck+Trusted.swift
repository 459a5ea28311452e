import ArchiveLedger
import MailCore

/// Roll-back: an older state of the whole folder is genuine in all its parts; only what was kept elsewhere tells.
extension ArchiveCheck {
    /// Holds the ledger against the checkpoint that was kept elsewhere; level 0.
    mutating func checkTrusted(_ ledger: LedgerReport, _ logKeys: LogKeys) {
        guard let note = options.trustedCheckpoint else { return }
        let (trusted, path) = (note.checkpoint, "\(layout.log)/checkpoint")
        guard trusted.origin == identity.origin else {
            return find(
                .rolledBack, layout.identity, "the trusted checkpoint is another log's, not this archive's")
        }
        guard logKeys.areBehind(note) else {
            return find(
                .rolledBack, layout.identity,
                "the keys of its log did not sign the trusted checkpoint: the archive was made anew, or they were changed"
            )
        }
        // Without a signed size there is a finding already.
        guard let signed = ledger.checkpoint else { return }
        guard signed.size >= trusted.size else {
            return find(
                .rolledBack, path,
                "the ledger has \(signed.size) leaves, and had \(trusted.size) when the trusted checkpoint was signed")
        }
        do throws(LedgerError) {
            var root = signed.root
            if signed.size > trusted.size {
                let now = try Ledger.open(
                    directory: layout.log, origin: identity.origin, keys: logKeys, bundleKey: archive?.bundleKey)
                root = try now.root(at: trusted.size)
            }
            guard root != trusted.root else { return }
            find(
                ledger.isSound ? .rolledBack : .ledger, path,
                "the first \(trusted.size) leaves are not those of the trusted checkpoint")
        } catch { find(.ledger, layout.log, "\(error)") }
    }

    /// The file `log/checkpoint` of the archive at `path`, to be kept elsewhere; needs no secret.
    public static func checkpoint(at path: String) throws(ArchiveError) -> [UInt8] {
        try FileTree.read("\(ArchiveLayout(path).log)/checkpoint", limit: CheckpointNote.maximumOctetCount)
    }
}
