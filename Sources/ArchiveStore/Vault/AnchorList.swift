import ArchiveCrypto
import MailCore

// mailarc-anchors/1                                        ArchiveFormat.md §6.5
// archive <32 hex>
// change <epoch>                   while the vault goes over to that epoch, else no such line
// anchor <name> <kind> <place>     each anchor of the present epoch
// joining <name> <kind> <place>    an anchor of the next epoch only
// leaving <name> <kind> <place>    an anchor of the present epoch only
// outstanding <epoch> <name> <kind> <place>    a secret that could not be destroyed yet
// mac <base64>
/// `keys/anchors`: where the erasure secret is. Without the file it is inside.
package struct AnchorList: Sendable, Hashable {
    package struct Outstanding: Sendable, Hashable {
        package var epoch: UInt32
        package var entry: AnchorEntry
    }

    package var anchors: [AnchorEntry]
    package var change: UInt32?
    package var joining: [AnchorEntry] = []
    package var leaving: [AnchorEntry] = []
    package var outstanding: [Outstanding] = []

    package static let inside = AnchorList(anchors: [.inside])

    package init(anchors: [AnchorEntry]) { self.anchors = anchors }

    /// Everywhere a secret of any epoch may be.
    package var all: [AnchorEntry] { anchors + leaving + joining }

    /// How many keep the secret where copies of the folder do not.
    package var outsideCount: Int { anchors.count { $0.kind != .inside } }

    private static let type = "mailarc-anchors/1"

    /// Reads the list of the archive; the MAC is checked where there are `keys`.
    static func read(_ layout: ArchiveLayout, archive: RandomID, keys: KeyHierarchy?) throws(ArchiveError) -> AnchorList
    {
        guard FileTree.exists(layout.anchors) else { return .inside }
        let file = try VaultFiles.parse(layout.anchors) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: type)
        }
        func damaged(_ message: String) -> ArchiveError { ArchiveError(.damaged, message, path: layout.anchors) }
        if let keys, !file.isAuthentic(keys) { throw damaged("the list of anchors was changed: its MAC is wrong") }
        var list = AnchorList(anchors: [])
        for (key, value) in file.fields {
            switch key {
            case "archive":
                guard value == archive.description else { throw damaged("the list of anchors is another archive's") }
            case "change":
                guard let epoch = UInt32(value) else { throw damaged("an epoch is no number") }
                list.change = epoch
            case "mac": break
            default: try list.take(key, value, damaged("a line of the list of anchors cannot be read"))
            }
        }
        guard !list.anchors.isEmpty || !list.leaving.isEmpty else { throw damaged("the list of anchors is empty") }
        return list
    }

    private mutating func take(_ key: String, _ value: String, _ error: ArchiveError) throws(ArchiveError) {
        guard key != "outstanding" else {
            let halves = value.split(separator: " ", maxSplits: 1)
            guard halves.count == 2, let epoch = UInt32(halves[0]), let entry = AnchorEntry(text: halves[1]) else {
                throw error
            }
            outstanding.append(Outstanding(epoch: epoch, entry: entry))
            return
        }
        guard let entry = AnchorEntry(text: value) else { throw error }
        switch key {
        case "anchor": anchors.append(entry)
        case "joining": joining.append(entry)
        case "leaving": leaving.append(entry)
        default: throw error
        }
    }

    /// Puts the list in the archive's place for it; the plain default needs no file.
    func write(_ layout: ArchiveLayout, _ keys: KeyHierarchy) throws(ArchiveError) {
        guard self != .inside else {
            if FileTree.exists(layout.anchors) {
                try FileTree.remove(layout.anchors)
                try FileTree.syncDirectory(layout.keys)
            }
            return
        }
        var file = TextFile(type: Self.type)
        file.append("archive", keys.archiveID.description)
        if let change { file.append("change", String(change)) }
        for entry in anchors { file.append("anchor", entry.text) }
        for entry in joining { file.append("joining", entry.text) }
        for entry in leaving { file.append("leaving", entry.text) }
        for left in outstanding { file.append("outstanding", "\(left.epoch) \(left.entry.text)") }
        file.sign(keys)
        try FileTree.replace(layout.anchors, with: file.octets)
    }

    /// The list while the vault goes over to `epoch` and to `next`.
    func changing(to next: [AnchorEntry], epoch: UInt32) -> AnchorList {
        var list = self
        list.change = epoch
        list.joining = next.filter { !anchors.contains($0) }
        list.leaving = anchors.filter { !next.contains($0) }
        list.anchors = anchors.filter { next.contains($0) }
        return list
    }

    /// The list after the change, if it `succeeded`, or as it was before.
    func settled(succeeded: Bool) -> AnchorList {
        var list = self
        list.anchors += succeeded ? joining : leaving
        (list.joining, list.leaving, list.change) = ([], [], nil)
        return list
    }
}
