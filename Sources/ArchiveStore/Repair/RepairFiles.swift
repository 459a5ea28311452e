import ArchiveCrypto
import Glibc
import MailCore

/// Whole files put into an archive: written beside, proven, made durable, renamed.
struct RepairFiles {
    let fault: (@Sendable (FaultStep) -> Void)?

    private static let suffix = ".repair.tmp"
    private static let windowLength = 1 << 20

    /// Copies the file at `source` to `target`; `nil` and nothing changed if its SHA-256 is not `digest`.
    func copy(_ source: String, to target: String, ifDigestIs digest: [UInt8]? = nil) throws(ArchiveError) -> [UInt8]? {
        let input: SystemFile
        do throws(ArchiveError) { input = try SystemFile(source, .read) } catch {
            guard error.kind == .missing else { throw error }
            return nil
        }
        return try write(target, ifDigestIs: digest) { output throws(ArchiveError) in
            var at: UInt64 = 0
            while true {
                let octets = try input.readUpTo(Self.windowLength, at: at)
                guard !octets.isEmpty else { return }
                try output.append(octets)
                at += UInt64(octets.count)
            }
        }
    }

    /// Writes what `body` appends to the file `target`; its SHA-256, or `nil` if that is not `digest`.
    func write(
        _ target: String, ifDigestIs digest: [UInt8]?, _ body: (Output) throws(ArchiveError) -> Void
    ) throws(ArchiveError) -> [UInt8]? {
        let temporary = target + Self.suffix
        try makeFolder(FileTree.parent(of: target))
        try FileTree.remove(temporary)
        let output = Output(file: try SystemFile(temporary, .create))
        do throws(ArchiveError) {
            try body(output)
            let found = output.hash.digest()
            guard digest == nil || found == digest else {
                try FileTree.remove(temporary)
                return nil
            }
            // ORDER: the octets are durable before they take the place of others.
            try output.file.sync()
            fault?(.repairWrite)
            try FileTree.rename(temporary, to: target)
            return found
        } catch {
            try? FileTree.remove(temporary)
            throw error
        }
    }

    private func makeFolder(_ path: String) throws(ArchiveError) {
        guard !FileTree.exists(path) else { return }
        try makeFolder(FileTree.parent(of: path))
        try FileTree.makeDirectory(path)
        try FileTree.syncDirectory(FileTree.parent(of: path))
    }

    /// A file that grows, and the digest of it.
    final class Output {
        let file: SystemFile
        var hash = SHA256()
        private var end: UInt64 = 0

        init(file: SystemFile) { self.file = file }

        func append(_ octets: [UInt8]) throws(ArchiveError) {
            try file.write(octets, at: end)
            hash.update(octets)
            end += UInt64(octets.count)
        }
    }
}

/// A second tree of the archive in which files of a replica are tried: hard links to everything else.
struct RepairTrial {
    let layout: ArchiveLayout
    var trial: ArchiveLayout { ArchiveLayout(layout.repairing) }

    /// Makes the tree with `candidates`, paths below the archive, taken from `source`; caches are left out.
    func make(_ candidates: Set<String>, from source: ArchiveLayout) throws(ArchiveError) {
        try remove()
        let files = try ReplicaFile.all(in: layout.root)
        var paths = Set(files.keys).union(candidates)
        paths = paths.filter { path in
            !["packs/", "catalog/", "state/", "index/", "parity/"].contains { path.hasPrefix($0) }
                && !path.hasSuffix(".tmp")
        }
        for directory in trial.directories where directory != trial.packs { try FileTree.makeDirectory(directory) }
        guard unsafe symlink(layout.packs, trial.packs) == 0 else {
            throw SystemFile.failure("cannot link", trial.packs)
        }
        for path in paths.sorted() {
            let target = "\(trial.root)/\(path)"
            try makeFolders(FileTree.parent(of: target))
            if candidates.contains(path) {
                _ = try RepairFiles(fault: nil).copy("\(source.root)/\(path)", to: target)
            } else {
                guard unsafe link("\(layout.root)/\(path)", target) == 0 else {
                    throw SystemFile.failure("cannot link", target)
                }
            }
        }
    }

    private func makeFolders(_ path: String) throws(ArchiveError) {
        guard !FileTree.exists(path) else { return }
        try makeFolders(FileTree.parent(of: path))
        try FileTree.makeDirectory(path)
    }

    /// Removes the tree; never follows a link.
    func remove() throws(ArchiveError) { try Self.remove(layout.repairing) }

    private static func remove(_ path: String) throws(ArchiveError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else { return try FileTree.remove(path) }
        for name in try FileTree.names(in: path) { try remove("\(path)/\(name)") }
        guard unsafe rmdir(path) == 0 else { throw SystemFile.failure("cannot remove", path) }
    }
}
