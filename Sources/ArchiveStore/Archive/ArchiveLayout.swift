package import MailCore

/// Where everything is inside an archive (ArchiveFormat.md §2).
package struct ArchiveLayout: Sendable {
    /// Without a trailing slash.
    package let root: String

    package init(_ root: String) {
        var trimmed = root[...]
        while trimmed.count > 1 && trimmed.last == "/" { trimmed.removeLast() }
        self.root = String(trimmed)
    }

    package var identity: String { root + "/MAILARC" }
    package var lock: String { root + "/lock" }
    package var keys: String { root + "/keys" }
    package var erasure: String { root + "/keys/erasure" }
    package var nextErasure: String { root + "/keys/erasure.next" }
    package var anchors: String { root + "/keys/anchors" }
    package var logKeys: String { root + "/keys/log" }
    package var writers: String { root + "/writers" }
    package var packs: String { root + "/packs" }
    package var open: String { root + "/open" }
    package var journal: String { root + "/open/journal" }
    package var dictionaries: String { root + "/dict" }
    package var vault: String { root + "/vault" }
    package var current: String { root + "/vault/CURRENT" }
    package var erasing: String { root + "/vault/erasing" }
    package var log: String { root + "/log" }
    package var catalog: String { root + "/catalog" }
    package var state: String { root + "/state" }
    /// Of a backup into this folder: staged files, and the list of its last step.
    package var incoming: String { root + "/incoming" }
    package var switching: String { root + "/switching" }
    /// Copies of footers; made when there is something to copy.
    package var index: String { root + "/index" }
    package var parity: String { root + "/parity" }
    /// Where a repair tries whether a file of a replica fits; removed at its end.
    package var repairing: String { root + "/repairing" }

    package func packDirectory(_ digestHex: String) -> String { "\(packs)/\(digestHex.prefix(2))" }
    package func pack(_ digestHex: String) -> String { "\(packs)/\(digestHex.prefix(2))/\(digestHex)" }
    /// What is left in the place of a pack that was replaced.
    package func gonePack(_ digestHex: String) -> String { pack(digestHex) + ArchiveLayout.goneSuffix }
    package static let goneSuffix = ".gone"
    package func openPack(_ id: RandomID) -> String { "\(open)/\(id).pk" }
    package func writer(_ hex: String) -> String { "\(writers)/\(hex).pub" }
    package func vaultRoot(epoch: UInt32, revision: UInt32) -> String { "\(vault)/root.\(epoch).\(revision)" }
    package func shard(_ number: UInt32, generation: UInt32) -> String { "\(vault)/shard.\(number).\(generation)" }
    package func openShard(_ number: UInt32, generation: UInt32) -> String { "\(vault)/open.\(number).\(generation)" }

    /// Every directory of an archive, parents first.
    package var directories: [String] {
        [root, keys, writers, packs, open, dictionaries, vault, log, catalog, state]
    }

    /// `path` relative to the archive.
    package func relative(_ path: String) -> String {
        path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
    }
}
