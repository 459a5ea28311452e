import ArchiveCrypto
public import MailCore

/// `keys/erasure`, and while the epoch changes `keys/erasure.next`.
struct InsideAnchor: Anchor {
    let layout: ArchiveLayout

    private var paths: [String] { [layout.erasure, layout.nextErasure] }

    func prepare() {}

    func epochs() throws(ArchiveError) -> [UInt32] {
        var epochs: [UInt32] = []
        for path in paths { if let secret = try secret(at: path) { epochs.append(secret.epoch) } }
        return epochs
    }

    func read(epoch: UInt32) throws(ArchiveError) -> [UInt8]? {
        for path in paths { if let secret = try secret(at: path), secret.epoch == epoch { return secret.octets } }
        return nil
    }

    func store(_ secret: [UInt8], epoch: UInt32) throws(ArchiveError) {
        try FileTree.replace(layout.nextErasure, with: secret)
    }

    func destroyAll(but epoch: UInt32) throws(ArchiveError) {
        for path in paths { if let secret = try secret(at: path), secret.epoch != epoch { try FileTree.shred(path) } }
        // ORDER: the old secret is gone before the new one takes its name.
        if !FileTree.exists(layout.erasure), FileTree.exists(layout.nextErasure) {
            try FileTree.rename(layout.nextErasure, to: layout.erasure)
        }
    }

    private func secret(at path: String) throws(ArchiveError) -> ErasureSecret? {
        guard FileTree.exists(path) else { return nil }
        return try VaultFiles.parse(path) { octets throws(CryptoError) in try ErasureSecret(parsing: octets) }
    }
}

/// A directory of secrets, `<archive id>.<epoch>`, outside any archive.
public struct DirectoryAnchor: Anchor {
    private let path: String
    private let archive: RandomID

    /// - Parameter path: ``prepare()`` makes it (mode 0700); its parent must exist.
    public init(path: String, archive: RandomID) { (self.path, self.archive) = (path, archive) }

    private func file(_ epoch: UInt32) -> String { "\(path)/\(archive).\(epoch)" }

    public func prepare() throws(ArchiveError) {
        guard !FileTree.exists(path) else { return }
        try FileTree.makeDirectory(path)
        try FileTree.syncDirectory(FileTree.parent(of: path))
    }

    private func requirePlace() throws(ArchiveError) {
        guard FileTree.exists(path) else {
            throw ArchiveError(.anchorUnavailable, "the directory of the anchor is not there", path: path)
        }
    }

    public func epochs() throws(ArchiveError) -> [UInt32] {
        try FileTree.names(in: path).compactMap { name in
            guard name.hasPrefix("\(archive).") else { return nil }
            return UInt32(name.dropFirst("\(archive).".count))
        }.sorted()
    }

    public func read(epoch: UInt32) throws(ArchiveError) -> [UInt8]? {
        try requirePlace()
        guard FileTree.exists(file(epoch)) else { return nil }
        return try FileTree.read(file(epoch), limit: 65_536)
    }

    public func store(_ secret: [UInt8], epoch: UInt32) throws(ArchiveError) {
        try requirePlace()
        try FileTree.replace(file(epoch), with: secret)
    }

    public func destroyAll(but epoch: UInt32) throws(ArchiveError) {
        try requirePlace()
        for other in try epochs() where other != epoch { try FileTree.shred(file(other)) }
    }
}
