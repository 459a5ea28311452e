import Glibc

/// Keeps other programs out of an mbox as Dovecot, mutt and Postfix do: `NAME.lock` first, then a record lock.
///
/// Who waits for the record lock of a file that was replaced meanwhile looks again; both orders are theirs, too.
struct MboxLock: ~Copyable {
    private let directory: Descriptor
    private let name: [UInt8]
    /// LIMIT: seconds another program may hold a mailbox.
    private static let patience = 30
    /// LIMIT: seconds after which a lock of a program on another host is taken for left behind.
    private static let staleness: Int64 = 300
    private static let pause: UInt32 = 50_000

    private init(directory: consuming Descriptor, name: [UInt8]) {
        self.directory = directory
        self.name = name
    }

    /// Holds the mbox at `path` until the value goes.
    ///
    /// - Throws: `.ioFailed` when another program does not give the mailbox back in time.
    static func hold(_ path: [UInt8]) throws(FormatsError) -> MboxLock {
        let slash = path.lastIndex(of: 0x2F) ?? 0
        let directory = try Descriptor.openDirectory(Array(path[..<slash]))
        let name = Array(path[(slash + 1)...]) + Array(".lock".utf8)
        var attempts = patience * 1_000_000 / Int(pause)
        while try !make(name, in: directory) {
            if isLeftBehind(directory.path + [0x2F] + name) { directory.remove(name) }
            attempts -= 1
            guard attempts > 0 else {
                throw FormatsError(
                    .ioFailed, "another program holds the mailbox", path: String(decoding: path, as: UTF8.self))
            }
            usleep(pause)
        }
        return MboxLock(directory: directory, name: name)
    }

    /// False when the lock is there already.
    private static func make(_ name: [UInt8], in directory: borrowing Descriptor) throws(FormatsError) -> Bool {
        do throws(FormatsError) {
            let file = try directory.openFile(name, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(Array("\(getpid())\n".utf8))
            return true
        } catch {
            guard error.kind == .alreadyExists else { throw error }
            return false
        }
    }

    deinit { directory.remove(name) }

    /// Its process is gone.
    private static func isLeftBehind(_ path: [UInt8]) -> Bool {
        guard let status = FileStatus.at(path), let text = smallFile(path, limit: 100) else { return false }
        let digits = text.prefix { (0x30...0x39).contains($0) }
        if let process = Int32(String(decoding: digits, as: UTF8.self)), process > 0 {
            return kill(process, 0) != 0 && errno == ESRCH
        }
        return Int64(time(nil)) - status.modified > staleness
    }
}

extension Descriptor {
    /// Waits for the record lock of the whole file; it goes when any descriptor of the file is closed.
    func lockRecords() throws(FormatsError) {
        var lock = Glibc.flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
        // SAFETY: fcntl reads one struct.
        while unsafe fcntl(number, F_SETLKW, &lock) != 0 {
            guard errno == EINTR else { throw FormatsError.last("fcntl", path) }
        }
    }

    /// Appends `range` of `source` to this file.
    func append(_ range: Range<Int>, of source: borrowing Descriptor) throws(FormatsError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let octets = try source.read(min(1 << 18, range.upperBound - offset), at: offset)
            guard !octets.isEmpty else {
                throw FormatsError(.ioFailed, "the file became shorter", path: String(decoding: path, as: UTF8.self))
            }
            try write(octets)
            offset += octets.count
        }
    }

    /// Gives this file the owner, where allowed, and the mode of `other`.
    func resemble(_ other: borrowing Descriptor) throws(FormatsError) {
        var status = stat()
        guard unsafe fstat(other.number, &status) == 0 else { throw FormatsError.last("fstat", other.path) }
        _ = fchown(number, status.st_uid, status.st_gid)
        guard fchmod(number, status.st_mode & 0o7777) == 0 else { throw FormatsError.last("fchmod", path) }
    }
}
