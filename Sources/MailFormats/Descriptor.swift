import Glibc

/// What the system says of a file.
struct FileStatus: Hashable {
    var octetCount: Int
    var modified: Int64
    var isDirectory: Bool
    var isRegular: Bool
    /// The number of the file in its file system; it stays when the file gets another name.
    var serial: UInt64 = 0
    /// When octets or the inode changed last, in nanoseconds since 1970.
    var changed: Int64 = 0
}

/// An open file; closed when it goes.
struct Descriptor: ~Copyable {
    let number: Int32
    let path: [UInt8]

    private init(number: Int32, path: [UInt8]) { (self.number, self.path) = (number, path) }

    deinit { _ = close(number) }

    static func openForReading(_ path: [UInt8]) throws(FormatsError) -> Descriptor {
        try open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }

    static func openDirectory(_ path: [UInt8], follows: Bool = true) throws(FormatsError) -> Descriptor {
        try open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW))
    }

    private static func open(_ path: [UInt8], _ flags: Int32) throws(FormatsError) -> Descriptor {
        let name = path.map { CChar(bitPattern: $0) } + [0]
        while true {
            // SAFETY: `name` is terminated and lives through the call.
            let number = unsafe name.withUnsafeBufferPointer {
                unsafe $0.baseAddress.map { unsafe Glibc.open($0, flags) } ?? -1
            }
            if number >= 0 { return Descriptor(number: number, path: path) }
            if errno != EINTR { throw FormatsError.last("open", path) }
        }
    }

    /// Opens `name` in this directory; a link is never followed.
    func openFile(_ name: [UInt8], _ flags: Int32) throws(FormatsError) -> Descriptor {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        let all = flags | O_CLOEXEC | O_NOFOLLOW
        // SAFETY: `text` is terminated and lives through the call.
        let opened = unsafe text.withUnsafeBufferPointer {
            unsafe $0.baseAddress.map { unsafe openat(number, $0, all, 0o600) } ?? -1
        }
        guard opened >= 0 else { throw FormatsError.last("openat", path + [0x2F] + name) }
        return Descriptor(number: opened, path: path + [0x2F] + name)
    }

    func status() throws(FormatsError) -> FileStatus {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw FormatsError.last("fstat", path) }
        return FileStatus(status)
    }

    /// Up to `count` octets from `offset`; empty at the end.
    func read(_ count: Int, at offset: Int) throws(FormatsError) -> [UInt8] {
        var failure: FormatsError?
        // SAFETY: pread writes at most `count` octets, the capacity asked for.
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while true {
                let got = unsafe pread(number, buffer.baseAddress, count, off_t(offset))
                if got >= 0 {
                    filled = got
                    return
                }
                guard errno == EINTR else {
                    failure = FormatsError.last("read", path)
                    filled = 0
                    return
                }
            }
        }
        if let failure { throw failure }
        return octets
    }

    func write(_ octets: some Collection<UInt8>) throws(FormatsError) {
        let all = Array(octets)
        var done = 0
        while done < all.count {
            // SAFETY: `done` is within the array, and so is what is left after it.
            let wrote = unsafe all.withUnsafeBytes {
                unsafe Glibc.write(number, $0.baseAddress.map { unsafe $0 + done }, all.count - done)
            }
            if wrote >= 0 {
                done += wrote
            } else if errno != EINTR {
                throw FormatsError.last("write", path)
            }
        }
    }

    /// Writes all of `octets` at `offset`.
    func write(_ octets: [UInt8], at offset: Int) throws(FormatsError) {
        var done = 0
        while done < octets.count {
            // SAFETY: `done` is within the array, and so is what is left after it.
            let wrote = unsafe octets.withUnsafeBytes {
                unsafe pwrite(
                    number, $0.baseAddress.map { unsafe $0 + done }, octets.count - done, off_t(offset + done))
            }
            if wrote >= 0 {
                done += wrote
            } else if errno != EINTR {
                throw FormatsError.last("write", path)
            }
        }
    }

    func truncate(to count: Int) throws(FormatsError) {
        guard ftruncate(number, off_t(count)) == 0 else { throw FormatsError.last("ftruncate", path) }
    }

    /// Waits until no other process holds the file, and holds it until it is closed.
    func lock() throws(FormatsError) {
        while flock(number, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FormatsError.last("flock", path) }
        }
    }

    /// Has the octets written begin their way to the disk, so that ``sync()`` has less to wait for.
    ///
    /// Linux begins to write what is dirty when it is told that it is not needed soon.
    func beginSync() { _ = posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED) }

    func sync() throws(FormatsError) {
        guard fsync(number) == 0 else { throw FormatsError.last("fsync", path) }
    }

    func setModified(_ seconds: Int64) throws(FormatsError) {
        let times = [timespec(tv_sec: Int(seconds), tv_nsec: 0), timespec(tv_sec: Int(seconds), tv_nsec: 0)]
        // SAFETY: futimens reads two members.
        guard unsafe times.withUnsafeBufferPointer({ unsafe futimens(number, $0.baseAddress) }) == 0 else {
            throw FormatsError.last("futimens", path)
        }
    }

    /// Makes a directory in this one; one that is there is fine.
    func makeDirectory(_ name: [UInt8]) throws(FormatsError) {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated and lives through the call.
        let made = unsafe text.withUnsafeBufferPointer {
            unsafe $0.baseAddress.map { unsafe mkdirat(number, $0, 0o700) } ?? -1
        }
        guard made == 0 || errno == EEXIST else { throw FormatsError.last("mkdir", path + [0x2F] + name) }
    }

    /// Opens a directory in this one; a link is never followed.
    func openDirectory(_ name: [UInt8]) throws(FormatsError) -> Descriptor {
        try openFile(name, O_RDONLY | O_DIRECTORY)
    }

    /// Gives the file `old` of this directory the name `new` in `target`.
    ///
    /// - Throws: `.alreadyExists` when a file has that name, unless it may be replaced.
    func move(_ old: [UInt8], to target: borrowing Descriptor, _ new: [UInt8], replaces: Bool) throws(FormatsError) {
        let from = old.map { CChar(bitPattern: $0) } + [0]
        let to = new.map { CChar(bitPattern: $0) } + [0]
        let (source, destination) = (number, target.number)
        // SAFETY: both names are terminated and live through the call.
        let moved: Int32 = unsafe from.withUnsafeBufferPointer { from in
            unsafe to.withUnsafeBufferPointer { to in
                guard let from = from.baseAddress, let to = to.baseAddress else { return -1 }
                if replaces { return unsafe renameat(source, from, destination, to) }
                let linked = unsafe linkat(source, from, destination, to, 0)
                if linked == 0 { return unsafe unlinkat(source, from, 0) }
                // QUIRK: file systems without hard links (FAT, some FUSE).
                let isUnsupported = errno == EPERM || errno == ENOTSUP || errno == ENOSYS
                return isUnsupported ? unsafe renameat(source, from, destination, to) : -1
            }
        }
        guard moved == 0 else { throw FormatsError.last("rename", target.path + [0x2F] + new) }
    }

    /// Gives the file `old` of this directory a second name in `target`; false where the file system cannot.
    func link(_ old: [UInt8], to target: borrowing Descriptor, _ new: [UInt8]) throws(FormatsError) -> Bool {
        let from = old.map { CChar(bitPattern: $0) } + [0]
        let to = new.map { CChar(bitPattern: $0) } + [0]
        let (source, destination) = (number, target.number)
        // SAFETY: both names are terminated and live through the call.
        let linked: Int32 = unsafe from.withUnsafeBufferPointer { from in
            unsafe to.withUnsafeBufferPointer { to in
                guard let from = from.baseAddress, let to = to.baseAddress else { return -1 }
                return unsafe linkat(source, from, destination, to, 0)
            }
        }
        if linked == 0 { return true }
        guard [EPERM, ENOTSUP, ENOSYS, EMLINK, EXDEV].contains(errno) else {
            throw FormatsError.last("link", path + [0x2F] + old)
        }
        return false
    }

    /// Removes an empty directory in this one; false when it is not empty.
    func removeDirectory(_ name: [UInt8]) throws(FormatsError) -> Bool {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated and lives through the call.
        let removed = unsafe text.withUnsafeBufferPointer {
            unsafe $0.baseAddress.map { unsafe unlinkat(number, $0, AT_REMOVEDIR) } ?? -1
        }
        if removed == 0 || errno == ENOENT { return true }
        guard errno == ENOTEMPTY || errno == EEXIST else { throw FormatsError.last("rmdir", path + [0x2F] + name) }
        return false
    }

    /// Removes a file; false when it is not there.
    func removeIfThere(_ name: [UInt8]) throws(FormatsError) -> Bool {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated and lives through the call.
        let removed = unsafe text.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe unlinkat(number, $0, 0) } ?? -1
        }
        if removed == 0 { return true }
        guard errno == ENOENT else { throw FormatsError.last("unlink", path + [0x2F] + name) }
        return false
    }

    func remove(_ name: [UInt8]) {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated and lives through the call.
        unsafe text.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { _ = unsafe unlinkat(number, base, 0) }
        }
    }
}

extension FileStatus {
    init(_ status: stat) {
        let kind = status.st_mode & S_IFMT
        self.init(
            octetCount: Int(status.st_size), modified: Int64(status.st_mtim.tv_sec), isDirectory: kind == S_IFDIR,
            isRegular: kind == S_IFREG, serial: UInt64(status.st_ino),
            changed: Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec))
    }

    /// Of the file at `path`; links are followed. `nil` when there is none or it cannot be looked at.
    static func at(_ path: [UInt8]) -> FileStatus? {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        var status = stat()
        // SAFETY: `text` is terminated and lives through the call.
        let result = unsafe text.withUnsafeBufferPointer {
            unsafe $0.baseAddress.map { unsafe stat($0, &status) } ?? -1
        }
        return result == 0 ? FileStatus(status) : nil
    }
}

/// The names in a directory.
enum Directory {
    /// All but `.` and `..`, sorted by octets.
    static func names(_ path: [UInt8]) throws(FormatsError) -> [[UInt8]] {
        var result: [[UInt8]] = []
        try forEachName(path) { result.append(Array($0)) }
        return result.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Gives each name but `.` and `..` to `body`, in the order of the directory.
    static func forEachName(_ path: [UInt8], _ body: (_ name: ArraySlice<UInt8>) -> Void) throws(FormatsError) {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `text` is terminated; the handle is closed on every way out; an entry is copied before the next call.
        guard let handle = unsafe text.withUnsafeBufferPointer({ unsafe $0.baseAddress.flatMap { unsafe opendir($0) } })
        else { throw FormatsError.last("opendir", path) }
        defer { unsafe _ = closedir(handle) }
        var name = [UInt8](repeating: 0, count: 256)
        errno = 0
        while let entry = unsafe readdir(handle) {
            let count = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { octets in
                let count = min(name.count, unsafe octets.firstIndex(of: 0) ?? octets.count)
                for index in 0..<count { name[index] = unsafe octets[index] }
                return count
            }
            if name[..<count] != [0x2E], name[..<count] != [0x2E, 0x2E] { body(name[..<count]) }
            errno = 0
        }
        guard errno == 0 else { throw FormatsError.last("readdir", path) }
    }
}

/// The whole of a small file, or `nil` when there is none or it is larger than `limit`.
func smallFile(_ path: [UInt8], limit: Int) -> [UInt8]? {
    guard let file = try? Descriptor.openForReading(path), let octets = try? file.read(limit + 1, at: 0),
        octets.count <= limit
    else { return nil }
    return octets
}
