import Glibc

/// The files below `log/`: whole reads, atomic writes, and what must still be made durable.
struct LedgerFiles: Sendable {
    /// Without a slash at the end.
    let directory: String
    /// Written since the last ``synchronize()``, relative to ``directory``.
    private(set) var dirtyFiles: Set<String> = []
    /// Folders that got, lost or renamed an entry since then; "" is ``directory`` itself.
    private(set) var dirtyFolders: Set<String> = []

    init(directory: String) { self.directory = directory }

    /// The octets of the file, or `nil` if there is none.
    ///
    /// - Throws: `.damaged` for a file over `limit` octets.
    func read(_ path: String, limit: Int) throws(LedgerError) -> [UInt8]? {
        let descriptor = unsafe Glibc.open(absolute(path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("cannot be opened", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("cannot be examined", path) }
        guard status.st_size <= limit else {
            throw LedgerError(.damaged, "longer than it can be", path: path, offset: limit)
        }
        var (count, code) = (0, Int32(0))
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, initialized in
            while count < buffer.count {
                // SAFETY: `count` is below the capacity; at most the rest of it is written.
                let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                if got <= 0 { break }
                count += got
            }
            initialized = count
        }
        guard code == 0 else { throw failure("cannot be read", path, code) }
        return octets
    }

    /// Writes `octets` beside `path` and renames: whoever reads sees the old file or the whole new one.
    ///
    /// Not durable before ``synchronize()``.
    mutating func write(_ octets: [UInt8], to path: String) throws(LedgerError) {
        let temporary = path + ".tmp"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        var descriptor = unsafe Glibc.open(absolute(temporary), flags, 0o600)
        if descriptor < 0, errno == ENOENT {
            try makeFolder(parent(path))
            descriptor = unsafe Glibc.open(absolute(temporary), flags, 0o600)
        }
        guard descriptor >= 0 else { throw failure("cannot be made", temporary) }
        let code = writeAll(octets, descriptor)
        let closed = close(descriptor)
        guard code == 0 else { throw failure("cannot be written", temporary, code) }
        guard closed == 0 else { throw failure("cannot be written", temporary) }
        guard unsafe rename(absolute(temporary), absolute(path)) == 0 else { throw failure("cannot be renamed", path) }
        markDirty(path)
    }

    /// Takes the file as written, though its octets are there already.
    mutating func markDirty(_ path: String) {
        dirtyFiles.insert(path)
        dirtyFolders.insert(parent(path))
    }

    /// Removes the file, if it is there.
    mutating func remove(_ path: String) throws(LedgerError) {
        guard unsafe unlink(absolute(path)) == 0 || errno == ENOENT || errno == ENOTDIR else {
            throw failure("cannot be removed", path)
        }
        if dirtyFiles.remove(path) == nil { dirtyFolders.insert(parent(path)) }
    }

    /// Removes the folder if it is empty.
    mutating func removeFolder(_ path: String) {
        if unsafe rmdir(absolute(path)) == 0 {
            dirtyFolders.remove(path)
            dirtyFolders.insert(parent(path))
        }
    }

    /// Names in the folder, in no order; none if it is not there.
    func names(in path: String) throws(LedgerError) -> [String] {
        guard let stream = unsafe opendir(absolute(path)) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("cannot be listed", path)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // SAFETY: `d_name` is the last member and ends with a zero octet within the entry readdir gave.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes all that was written durable: files first, then the folders that name them.
    mutating func synchronize() throws(LedgerError) {
        for path in dirtyFiles { try synchronize(path, O_RDONLY) }
        for path in dirtyFolders { try synchronize(path, O_RDONLY | O_DIRECTORY) }
        (dirtyFiles, dirtyFolders) = ([], [])
    }

    private func synchronize(_ path: String, _ flags: Int32) throws(LedgerError) {
        let descriptor = unsafe Glibc.open(absolute(path), flags | O_CLOEXEC)
        guard descriptor >= 0 else {
            // A partial file of which a wider one took the place, or its folder.
            if errno == ENOENT { return }
            throw failure("cannot be opened", path)
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot be made durable", path) }
    }

    private mutating func makeFolder(_ path: String) throws(LedgerError) {
        if unsafe mkdir(absolute(path), 0o700) != 0 {
            switch errno {
            case EEXIST: return
            case ENOENT where !path.isEmpty:
                try makeFolder(parent(path))
                guard unsafe mkdir(absolute(path), 0o700) == 0 || errno == EEXIST else {
                    throw failure("cannot be made", path)
                }
            default: throw failure("cannot be made", path)
            }
        }
        dirtyFolders.insert(path.isEmpty ? ".." : parent(path))
    }

    private func writeAll(_ octets: [UInt8], _ descriptor: Int32) -> Int32 {
        unsafe octets.withUnsafeBytes { buffer in
            var rest = unsafe buffer[...]
            while unsafe !rest.isEmpty {
                // SAFETY: the slice is not empty and outlives the call.
                let count = unsafe Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno }
                unsafe rest = rest.dropFirst(count)
            }
            return 0
        }
    }

    private func absolute(_ path: String) -> String { path.isEmpty ? directory : "\(directory)/\(path)" }

    private func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private func failure(_ what: String, _ path: String, _ code: Int32 = Glibc.errno) -> LedgerError {
        // SAFETY: strerror gives a C string that is copied at once.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        let isPassing = code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE || code == EIO
        return LedgerError(
            .ioFailed, "\(what): \(reason)", path: path, errno: code, retry: isPassing ? .later : .no)
    }
}
