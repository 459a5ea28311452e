import ArchiveCrypto
import ArchiveLedger
import MailCore

/// What leaves say of slots and log keys.
struct KeyLeaves {
    /// Slots by the SHA-256 of their file, with the leaf that added or removed each last.
    private(set) var slots: [String: (isAdded: Bool, leaf: UInt64)] = [:]
    /// The keys of the log with the leaf that names each, in order.
    private(set) var logKeys: [(key: [UInt8], leaf: UInt64)] = []

    /// Anchors outside, with the leaf that added each.
    private(set) var anchors: [String: UInt64] = [:]

    /// Write-only hosts, by their id in hex, with the leaf that added each.
    private(set) var hosts: [String: UInt64] = [:]

    mutating func see(_ leaf: Leaf) {
        switch leaf.body {
        case .hostAdded(let writer, _, _, _): hosts[writer.hex] = leaf.sequence
        case .hostRemoved(let writer, _, _): hosts[writer.hex] = nil
        case .initial(_, _, let key, _), .logKey(let key, _): logKeys.append((key, leaf.sequence))
        case .keyAdded(let slot, _): slots[slot.octets.hex] = (true, leaf.sequence)
        case .anchorAdded(let name, let kind, _) where kind != "inside": anchors[name] = leaf.sequence
        case .anchorRemoved(let name, _, _): anchors[name] = nil
        case .keyRemoved(let slot, _): slots[slot.octets.hex] = (false, leaf.sequence)
        default: break
        }
    }
}

extension ArchiveCheck {
    /// The log's keys, and what is wrong with the file of the former ones.
    mutating func checkedLogKeys() -> LogKeys {
        var keys = LogKeys(current: identity.logKey)
        do throws(ArchiveError) {
            let (former, file) = try LogKeyFile.read(layout, archive: identity.archive)
            keys.former = former
            if let file, let keyHierarchy, !file.isAuthentic(keyHierarchy) {
                find(.damaged, layout.logKeys, "its MAC is wrong")
            }
        } catch { find(error, layout.logKeys) }
        if let defect = keys.defect(origin: identity.origin) { find(.broken, layout.logKeys, defect) }
        return keys
    }

    /// The slots there are were added and not removed; the log's keys are those that leaves name.
    mutating func checkKeyLeaves(_ leaves: KeyLeaves) {
        do throws(ArchiveError) {
            var missing = leaves.slots.filter(\.value.isAdded)
            for name in try FileTree.names(in: layout.keys) where name.hasSuffix(".slot") {
                missing[String(name.dropLast(5))] = nil
                let path = "\(layout.keys)/\(name)"
                switch leaves.slots[String(name.dropLast(5))] {
                case nil: find(.unexpected, path, "no leaf names this key slot")
                case .some((false, let leaf)): find(.returned, path, "leaf \(leaf) says that it was removed")
                default: continue
                }
            }
            for (slot, entry) in missing {
                find(
                    .missing, "\(layout.keys)/\(slot).slot",
                    "leaf \(entry.leaf) added this key slot, and none removed it")
            }
            if let last = leaves.logKeys.last, last.key != identity.logKey {
                find(.damaged, layout.identity, "its log key is not the one that leaf \(last.leaf) names last")
            }
            if let anchor = leaves.anchors.min(by: { $0.value < $1.value }), !FileTree.exists(layout.anchors) {
                find(
                    .missing, layout.anchors,
                    "leaf \(anchor.value) added the anchor \(anchor.key): without the list its secrets are never destroyed"
                )
            }
            for (writer, leaf) in leaves.hosts.sorted(by: { $0.value < $1.value }) {
                let path = "\(layout.writers)/\(writer)\(CaptureHost.suffix)"
                if !FileTree.exists(path) { find(.missing, path, "leaf \(leaf) added this write-only host") }
            }
            let former = try LogKeyFile.read(layout, archive: identity.archive).former
            let expected = former.map(\.key) + (former.last?.key == identity.logKey ? [] : [identity.logKey])
            let sizes = former.map(\.lastSize)
            if leaves.logKeys.map(\.key) != expected || leaves.logKeys.dropFirst().map({ $0.leaf + 1 }) != sizes {
                find(.ledger, layout.logKeys, "the log's keys are not those the leaves name")
            }
        } catch { find(error, layout.keys) }
    }
}
