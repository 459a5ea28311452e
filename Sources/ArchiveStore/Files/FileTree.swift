import Glibc

/// Names in the file system: listing, making, renaming, all with the directory made durable.
package enum FileTree {
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// The size of the file at `path`, or `nil` if there is none.
    package static func size(_ path: String) -> UInt64? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return UInt64(status.st_size)
    }

    /// Names in the directory, ascending, without `.` and `..`; empty if it does not exist.
    package static func names(in directory: String) throws(ArchiveError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            if errno == ENOENT { return [] }
            throw SystemFile.failure("cannot list", directory)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // SAFETY: d_name is zero-terminated and valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes `directory` (mode 0700) unless it exists; its parent must exist.
    package static func makeDirectory(_ directory: String) throws(ArchiveError) {
        if unsafe mkdir(directory, 0o700) != 0 && errno != EEXIST {
            throw SystemFile.failure("cannot make the directory", directory)
        }
    }

    package static func syncDirectory(_ directory: String) throws(ArchiveError) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFile.failure("cannot open the directory", directory) }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemFile.failure("cannot sync the directory", directory) }
    }

    /// Renames within the archive and makes both directories durable.
    package static func rename(_ from: String, to target: String) throws(ArchiveError) {
        guard unsafe Glibc.rename(from, target) == 0 else { throw SystemFile.failure("cannot rename", from) }
        try syncDirectory(parent(of: target))
        if parent(of: from) != parent(of: target) { try syncDirectory(parent(of: from)) }
    }

    /// Removes the file; that it is not there is no error.
    package static func remove(_ path: String) throws(ArchiveError) {
        if unsafe unlink(path) != 0 && errno != ENOENT { throw SystemFile.failure("cannot remove", path) }
    }

    /// Overwrites the file where it lies, then removes it; one that is not there is no error.
    ///
    /// Media that move what they rewrite (flash) may keep the old octets: ThreatModel.md.
    package static func shred(_ path: String) throws(ArchiveError) {
        guard exists(path) else { return }
        let file = try SystemFile(path, .readWrite)
        try file.write([UInt8](repeating: 0, count: Int(try file.size())), at: 0)
        try file.sync()
        try remove(path)
        try syncDirectory(parent(of: path))
    }

    /// The whole file; longer than `limit` is `.damaged`.
    package static func read(_ path: String, limit: Int) throws(ArchiveError) -> [UInt8] {
        let file = try SystemFile(path, .read)
        let size = try file.size()
        guard size <= UInt64(limit) else {
            throw ArchiveError(.damaged, "the file is longer than \(limit) octets", path: path)
        }
        return try file.read(Int(size), at: 0)
    }

    /// Replaces the file as one step: temporary file beside it, fsync, rename, fsync of the directory.
    package static func replace(_ path: String, with octets: [UInt8]) throws(ArchiveError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try SystemFile(temporary, .create)
        try file.write(octets, at: 0)
        try file.sync()
        // ORDER: the octets are durable before the name points at them.
        try rename(temporary, to: path)
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
