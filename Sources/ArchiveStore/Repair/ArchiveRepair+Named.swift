import ArchiveCrypto
import MailCore

/// Files that prove themselves: by their name or their signature.
extension ArchiveRepair {
    /// Mends what is named by its octets or signed; the paths mended.
    mutating func mendNamed(_ findings: [CheckFinding]) throws(ArchiveError) -> Set<String> {
        var mended: Set<String> = []
        for path in Set(findings.map(\.path)).sorted() {
            options.progress?("mending", path)
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count > 1, let name = parts.last else { continue }
            let digest = [UInt8](hex: String(name.prefix { $0 != "." })).flatMap { $0.count == 32 ? $0 : nil }
            var source: (String, [UInt8])?
            switch (parts[0], digest) {
            case ("packs", let digest?) where !name.contains("."): source = try mendPack(digest)
            case ("packs", .some) where name.hasSuffix(ArchiveLayout.goneSuffix): source = try mendGone(path)
            case ("index", _):
                source = try mendHashed(path, digest)
                if source == nil { source = try dropped(path, "made anew from the packs") }
            case ("parity", _): source = try dropped(path, "removed: --add-parity makes it anew")
            case ("dict", let digest?) where !name.contains("."), ("keys", let digest?) where name.hasSuffix(".slot"):
                source = try mendHashed(path, digest)
            default: continue
            }
            guard let source else { continue }
            mended.insert(path)
            report.mended.append(RepairReport.Mended(path: path, source: source.0, digest: source.1))
        }
        return mended
    }

    private func mendHashed(_ path: String, _ digest: [UInt8]?) throws(ArchiveError) -> (String, [UInt8])? {
        guard let digest else { return nil }
        for replica in replicas {
            let source = "\(replica.root)/\(path)"
            if options.isDryRun {
                guard try Self.digest(of: source) == digest else { continue }
            } else {
                guard try files.copy(source, to: "\(layout.root)/\(path)", ifDigestIs: digest) != nil else { continue }
            }
            return (replica.root, digest)
        }
        return nil
    }

    /// A cache that is worth nothing any more.
    private func dropped(_ path: String, _ how: String) throws(ArchiveError) -> (String, [UInt8]) {
        if !options.isDryRun { try FileTree.remove("\(layout.root)/\(path)") }
        return (how, [])
    }

    private func mendPack(_ digest: [UInt8]) throws(ArchiveError) -> (String, [UInt8])? {
        let path = layout.relative(layout.pack(digest.hex))
        if let archive, try archive.gone(digest) != nil {
            return FileTree.exists(layout.pack(digest.hex)) ? try dropped(path, "removed: others took its place") : nil
        }
        // What is wrong is not the pack: its writer's key, perhaps.
        guard try Self.digest(of: layout.pack(digest.hex)) != digest else { return nil }
        if let mended = try mendHashed(path, digest) { return mended }
        guard let archive else { return nil }
        let target = options.isDryRun ? layout.repairing + ".pack" : layout.pack(digest.hex)
        defer { if options.isDryRun { try? FileTree.remove(target) } }
        let places = [layout.pack(digest.hex)] + replicas.map { $0.pack(digest.hex) }
        let assembly = PackAssembly(
            digest: digest, files: places.compactMap { try? SystemFile($0, .read) },
            copy: PackIndex(layout: layout, keys: archive.keys).copy(of: digest), keys: archive.keys)
        if !assembly.files.isEmpty, assembly.frame() != nil {
            let made = try files.write(target, ifDigestIs: digest) { output throws(ArchiveError) in
                _ = try assembly.write(to: output)
            }
            if let made { return ("put together from what is whole of it", made) }
        }
        let reckoned = try files.write(target, ifDigestIs: digest) { output throws(ArchiveError) in
            _ = try ParityAccess.rebuild(digest, archive) { octets throws(ArchiveError) in try output.append(octets) }
        }
        return reckoned.map { ("reckoned from parity", $0) }
    }

    /// The record of a replaced pack: from a replica that has one whose signature holds.
    private func mendGone(_ path: String) throws(ArchiveError) -> (String, [UInt8])? {
        guard let archive else { return nil }
        for replica in replicas {
            let source = "\(replica.root)/\(path)"
            guard let (gone, signed, signature) = try? GoneFile.read(source, archive: archive.id),
                let key = archive.writerKey(gone.signer),
                GoneFile.verify(signature, of: signed, publicKey: key)
            else { continue }
            guard !options.isDryRun else { return (replica.root, []) }
            return try files.copy(source, to: "\(layout.root)/\(path)").map { (replica.root, $0) }
        }
        return nil
    }
}

extension Archive {
    /// The public key of a writer, if its file is authentic.
    func writerKey(_ writer: [UInt8]) -> [UInt8]? {
        guard let octets = try? FileTree.read(layout.writer(writer.hex), limit: GoneFile.maximumLength),
            let file = try? TextFile(parsing: octets, type: "mailarc-writer/1"), file.isAuthentic(keys),
            (try? file.hex("writer", count: 8)) == writer
        else { return nil }
        return try? file.base64("key", count: 32)
    }
}
