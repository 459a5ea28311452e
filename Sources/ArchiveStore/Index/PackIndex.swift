import ArchiveCrypto
import MailCore

/// The folder `index/`: a second copy of every sealed pack's header, footer and trailer.
///
/// Objects are immutable and named by their SHA-256. A session that sealed packs adds one; when there are many, small
/// ones are put together into one and removed once that is durable. Copies of packs that are gone are dropped then.
struct PackIndex {
    /// LIMIT: so many objects are opened to find one pack's copy; each merge makes one of them.
    static let mergeCount = 8

    let layout: ArchiveLayout
    let keys: KeyHierarchy
    var random = RandomSource.system
    var fault: (@Sendable (FaultStep) -> Void)?

    /// Every object that opens, and the paths of those that do not.
    func objects() throws(ArchiveError) -> (whole: [IndexObject], damaged: [ArchiveError]) {
        var whole: [IndexObject] = []
        var damaged: [ArchiveError] = []
        for path in try paths() {
            do throws(ArchiveError) { whole.append(try IndexObject(path, keys: keys)) } catch {
                guard error.kind == .damaged || error.kind == .unsupported else { throw error }
                damaged.append(error)
            }
        }
        return (whole, damaged)
    }

    func paths() throws(ArchiveError) -> [String] {
        try FileTree.names(in: layout.index).filter(Self.isName).map { "\(layout.index)/\($0)" }
    }

    static func isName(_ name: String) -> Bool { name.utf8.count == 64 && [UInt8](hex: name)?.hex == name }

    /// The copy of `pack`, if one opens.
    func copy(of pack: [UInt8]) -> FooterCopy? {
        guard let objects = try? objects().whole else { return nil }
        for object in objects {
            if let copy = try? object.copy(of: pack, keys: keys) { return copy }
        }
        return nil
    }

    /// SHA-256 of every pack in `packs/`, by name.
    func packs() throws(ArchiveError) -> [[UInt8]] {
        var packs: [[UInt8]] = []
        for directory in try FileTree.names(in: layout.packs) {
            for name in try FileTree.names(in: "\(layout.packs)/\(directory)") where Self.isName(name) {
                if let digest = [UInt8](hex: name) { packs.append(digest) }
            }
        }
        return packs
    }

    /// Adds copies of the packs that have none, merges where there are many objects, drops what is stale then.
    ///
    /// A pack whose header, trailer or footer does not open is left out: a copy of damage helps nobody.
    /// - Returns: how many packs got a copy.
    @discardableResult
    func update() throws(ArchiveError) -> Int {
        let present = try packs()
        let (objects, _) = try objects()
        let known = Set(objects.flatMap { $0.places.map(\.pack) })
        var copies: [FooterCopy] = []
        var added = 0
        for digest in present where !known.contains(digest) {
            guard let copy = trueCopy(digest) else { continue }
            copies.append(copy)
            added += 1
            if isFull(copies) {
                try write(copies)
                copies = []
            }
        }
        if !copies.isEmpty { try write(copies) }
        try merge(present: Set(present))
        return added
    }

    private func trueCopy(_ digest: [UInt8]) -> FooterCopy? {
        guard let file = try? SystemFile(layout.pack(digest.hex), .read),
            let copy = try? FooterCopy(of: file, digest: digest), (try? copy.entries(keys)) != nil,
            copy.octets.count <= IndexObject.maximumRecordOctetCount
        else { return nil }
        return copy
    }

    private func isFull(_ copies: [FooterCopy]) -> Bool {
        copies.count == IndexObject.maximumPackCount
            || copies.reduce(0) { $0 + $1.footer.count } >= IndexObject.targetOctetCount
    }

    @discardableResult
    private func write(_ copies: [FooterCopy]) throws(ArchiveError) -> String {
        if !FileTree.exists(layout.index) {
            try FileTree.makeDirectory(layout.index)
            try FileTree.syncDirectory(layout.root)
        }
        let octets = try IndexObject.encode(copies, keys: keys, random: random)
        let path = "\(layout.index)/\(SHA256.hash(octets).hex)"
        try FileTree.replace(path, with: octets)
        fault?(.indexWrite)
        return path
    }

    /// Puts small objects together, of which there are too many; objects of nothing but stale copies go.
    private func merge(present: Set<[UInt8]>) throws(ArchiveError) {
        let (objects, _) = try objects()
        let live = objects.map { object in object.places.filter { present.contains($0.pack) } }
        var small: [IndexObject] = []
        for (object, places) in zip(objects, live) {
            if places.isEmpty {
                try FileTree.remove(object.path)
            } else if places.count < IndexObject.maximumPackCount / 2,
                places.reduce(0, { $0 + Int($1.length) }) < IndexObject.targetOctetCount / 2
            {
                small.append(object)
            }
        }
        guard small.count >= Self.mergeCount else { return }
        var copies: [FooterCopy] = []
        var taken: Set<[UInt8]> = []
        var merged: [IndexObject] = []
        for object in small where !isFull(copies) {
            let live = object.places.filter { present.contains($0.pack) }
            // A damaged object stays until repair replaces it.
            guard copies.count + live.count <= IndexObject.maximumPackCount,
                let own = try? live.map({ try object.copy(of: $0.pack, keys: keys) })
            else { continue }
            copies += own.compactMap { $0 }.filter { taken.insert($0.pack).inserted }
            merged.append(object)
        }
        guard merged.count > 1, !copies.isEmpty else { return }
        let path = try write(copies)
        // ORDER: the merged object is durable before those it stands for go.
        for object in merged where object.path != path { try FileTree.remove(object.path) }
        fault?(.indexMerge)
        try FileTree.syncDirectory(layout.index)
    }
}
