import Glibc

/// An open file: positioned reads and writes, each complete or an error.
package final class SystemFile: Sendable {
    package let descriptor: Int32
    /// As opened; for messages.
    package let path: String

    package enum Mode: Sendable {
        case read
        case readWrite
        /// Must not exist.
        case create
        /// Created if it does not exist.
        case openOrCreate
    }

    package init(_ path: String, _ mode: Mode) throws(ArchiveError) {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            case .openOrCreate: O_RDWR | O_CREAT
            }
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemFile.failure("cannot open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { _ = close(descriptor) }

    package func size() throws(ArchiveError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure("cannot look at", path) }
        return UInt64(status.st_size)
    }

    /// Fills `buffer` from `offset`; the count is smaller only at the end of the file.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(ArchiveError) -> Int {
        var done = 0
        while done < buffer.count {
            // SAFETY: the rest of `buffer` from `done` is what pread may fill.
            let count = unsafe pread(
                descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("cannot read", path, at: offset + UInt64(done)) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// `count` octets from `offset`; a shorter file is `.damaged`.
    package func read(_ count: Int, at offset: UInt64) throws(ArchiveError) -> [UInt8] {
        let octets = try readUpTo(count, at: offset)
        guard octets.count == count else {
            throw ArchiveError(.damaged, "the file ends too early", path: path, offset: offset + UInt64(octets.count))
        }
        return octets
    }

    /// At most `count` octets from `offset`, fewer at the end of the file.
    package func readUpTo(_ count: Int, at offset: UInt64) throws(ArchiveError) -> [UInt8] {
        var failure: ArchiveError?
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(ArchiveError) {
                initialized = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return octets
    }

    package func write(_ octets: some Collection<UInt8>, at offset: UInt64) throws(ArchiveError) {
        var failure: ArchiveError?
        let written: Void? = octets.withContiguousStorageIfAvailable { buffer in
            do throws(ArchiveError) {
                try unsafe write(UnsafeRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if written == nil { try write(Array(octets), at: offset) }
    }

    package func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
        var done = 0
        while done < buffer.count {
            // SAFETY: the rest of `buffer` from `done` is initialised and only read.
            let count = unsafe pwrite(
                descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot write", path, at: offset + UInt64(done)) }
            done += count
        }
    }

    package func truncate(to length: UInt64) throws(ArchiveError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw Self.failure("cannot cut", path) }
    }

    package func sync() throws(ArchiveError) {
        guard fsync(descriptor) == 0 else { throw Self.failure("cannot sync", path) }
    }

    package func syncData() throws(ArchiveError) {
        guard fdatasync(descriptor) == 0 else { throw Self.failure("cannot sync", path) }
    }

    /// The error for the current `errno`.
    package static func failure(_ what: String, _ path: String, at offset: UInt64? = nil) -> ArchiveError {
        let code = errno
        let words = unsafe String(cString: strerror(code))
        let kind: ArchiveError.Kind =
            switch code {
            case ENOENT, ENOTDIR: .missing
            case ENOSPC, EDQUOT, EFBIG: .diskFull
            case EEXIST: .alreadyExists
            default: .ioFailed
            }
        return ArchiveError(
            kind, "\(what): \(words)", path: path, offset: offset, retry: kind == .diskFull ? .later : .no)
    }
}
