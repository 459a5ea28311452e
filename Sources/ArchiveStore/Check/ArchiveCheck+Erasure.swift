import ArchiveLedger
import MailCore

/// What the leaves say of erasures.
struct ErasureLeaves {
    /// The leaf by key id.
    var leaves: [RandomID: UInt64] = [:]

    mutating func add(_ record: ErasureRecord, _ leaf: UInt64) {
        for target in record.targets { leaves[target.keyID] = leaf }
    }
}

extension ArchiveCheck {
    /// No silent loss, no silent survival: what is gone has a leaf that says so, and what a leaf calls erased has no key.
    mutating func checkErasures(_ archive: Archive) {
        var pending: Set<RandomID> = []
        do throws(ArchiveError) { pending = Set(try archive.pendingErasure()?.targets ?? []) } catch {
            find(error, layout.erasing)
        }
        // Below level 2 no key was read.
        guard options.level >= .keys else { return }
        for (keyID, key) in keys where key.isErased {
            report.erasedKeyCount += 1
            if erasures.leaves[keyID] == nil, !pending.contains(keyID) {
                find(.missing, key.path, "the key \(keyID) was erased, and no leaf says so")
            }
        }
        for (keyID, leaf) in erasures.leaves {
            guard let key = keys[keyID], !key.isErased else { continue }
            find(.returned, key.path, "leaf \(leaf) calls the key \(keyID) erased, and it is there")
        }
    }
}
