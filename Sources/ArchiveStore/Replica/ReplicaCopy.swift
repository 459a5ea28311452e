import ArchiveCrypto
import Glibc
import MailCore

/// Copies files into a destination's `incoming/` and reads them back.
struct ReplicaCopy: Sendable {
    let source: ArchiveLayout
    let destination: ArchiveLayout

    /// LIMIT: what each of the two workers holds.
    private static let pieceLength = 1 << 20
    /// Larger files are made durable one by one, smaller ones together.
    static let largeLength: UInt64 = 1 << 20

    func staged(_ path: String) -> String { "\(destination.incoming)/\(path)" }
    private func temporary(_ path: String) -> String { staged(path) + ".tmp" }

    /// Copies the file beside its staged name, with its time; the SHA-256 of what was read.
    ///
    /// - Throws: `.missing` if the source has it no more, `.diskFull`, `.ioFailed`.
    func copy(_ file: ReplicaFile) throws(ArchiveError) -> [UInt8] {
        let input = try SystemFile("\(source.root)/\(file.path)", .read)
        try FileTree.remove(temporary(file.path))
        let output = try SystemFile(temporary(file.path), .create)
        let digest = try Self.hash(input, copyingTo: output)
        let time = timespec(tv_sec: Int(file.modified / 1_000_000_000), tv_nsec: Int(file.modified % 1_000_000_000))
        var times = [time, time]
        // A file system without times costs a comparison later, no more.
        _ = unsafe futimens(output.descriptor, &times)
        if file.size >= Self.largeLength { try output.syncData() }
        return digest
    }

    /// Gives the copy its staged name, read back from the device first if `isVerified`.
    ///
    /// - Throws: `.ioFailed` if the destination gives other octets than were written.
    func accept(_ file: ReplicaFile, _ digest: [UInt8], isVerified: Bool) throws(ArchiveError) {
        let path = temporary(file.path)
        let copy = try SystemFile(path, .read)
        try copy.sync()
        if isVerified, try Self.digestOnDevice(copy) != digest {
            throw ArchiveError(.ioFailed, "the destination gives back other octets than were written", path: path)
        }
        guard unsafe Glibc.rename(path, staged(file.path)) == 0 else { throw SystemFile.failure("cannot rename", path) }
    }

    /// True when the destination's file is what it must be: what its name or the source says.
    func isWhole(_ file: ReplicaFile) throws(ArchiveError) -> Bool {
        let copy = try SystemFile("\(destination.root)/\(file.path)", .read)
        let digest: [UInt8]
        do throws(ArchiveError) { digest = try Self.digestOnDevice(copy) } catch {
            // A sector that cannot be read is damage like any other.
            guard error.kind == .ioFailed else { throw error }
            return false
        }
        if case .named(let name) = file.nature { return digest.hex == name }
        return try Self.hash(SystemFile("\(source.root)/\(file.path)", .read)) == digest
    }

    /// The SHA-256 of the file from the device, not from the page cache: its clean pages are dropped first.
    ///
    /// On a file system in memory or behind a cache of its own (a network mount) the system decides what that means.
    private static func digestOnDevice(_ file: SystemFile) throws(ArchiveError) -> [UInt8] {
        _ = posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED)
        return try hash(file)
    }

    private static func hash(_ file: SystemFile, copyingTo copy: SystemFile? = nil) throws(ArchiveError) -> [UInt8] {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 4_096)
        defer { unsafe buffer.deallocate() }
        var offset: UInt64 = 0
        while true {
            let count = try unsafe file.read(into: buffer, at: offset)
            if count == 0 { return hash.digest() }
            // SAFETY: the first `count` octets were filled by the read, and the buffer outlives both uses.
            let piece = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
            unsafe hash.update(Span<UInt8>(_unsafeBytes: piece))
            if let copy { try unsafe copy.write(piece, at: offset) }
            offset += UInt64(count)
        }
    }

    /// Makes every folder that holds a staged file, and the one it goes to; all durable.
    func makeFolders(for files: [ReplicaFile]) throws(ArchiveError) {
        var folders: Set<String> = [""]
        for file in files {
            var path = file.path[...]
            while let slash = path.lastIndex(of: "/") {
                path = path[..<slash]
                folders.insert("/" + path)
            }
        }
        for root in [destination.incoming, destination.root] {
            for folder in folders.sorted() { try FileTree.makeDirectory(root + folder) }
            for folder in folders { try FileTree.syncDirectory(root + folder) }
        }
    }

    /// Makes the staged names durable.
    func syncFolders(of files: [ReplicaFile]) throws(ArchiveError) {
        for folder in Set(files.map { FileTree.parent(of: staged($0.path)) }) { try FileTree.syncDirectory(folder) }
    }

    /// Removes `incoming/` with everything in it.
    func removeIncoming() throws(ArchiveError) {
        let folders = try removeStaged { _ in true }
        for folder in folders.reversed() { _ = unsafe rmdir(folder) }
    }

    /// Removes what the next run would not take as it is, so that a full disk is not kept full by it.
    func removeUnfinished() throws(ArchiveError) {
        let marker = ReplicaDestination.marker(destination)
        _ = try removeStaged { path in
            let file = ReplicaFile(path: String(path.dropFirst(destination.incoming.count + 1)), size: 0, modified: 0)
            return path != marker && (path.hasSuffix(".tmp") || file.nature == .changing)
        }
    }

    /// Removes the files below `incoming/` that `isGoing` names; all folders there, parents first.
    private func removeStaged(_ isGoing: (String) -> Bool) throws(ArchiveError) -> [String] {
        var folders = [destination.incoming]
        var seen: [String] = []
        while let folder = folders.popLast() {
            seen.append(folder)
            for name in try FileTree.names(in: folder) {
                let path = "\(folder)/\(name)"
                var status = stat()
                guard unsafe lstat(path, &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    folders.append(path)
                } else if isGoing(path) {
                    try FileTree.remove(path)
                }
            }
        }
        return seen
    }
}
