import Glibc
import MailCore

/// A file in a mailbox's `tmp`, which no reader sees; removed with the last reference unless it was published.
// SAFETY: made by one task, then handed on; never used by two at once.
final class StagedFile: SpoolFile, @unchecked Sendable {
    let mailbox: MailboxName
    let base: [UInt8]
    let path: [UInt8]
    private let temporary: [UInt8]
    private(set) var octetCount = 0
    /// While it is written.
    private var file: Descriptor?
    /// It has its name in `cur`.
    var isPublished = false

    /// Makes the file `base` in the directory `temporary`.
    init(_ base: [UInt8], for mailbox: MailboxName, in temporary: borrowing Descriptor) throws(FormatsError) {
        (self.mailbox, self.base, self.temporary) = (mailbox, base, temporary.path)
        path = temporary.path + [0x2F] + base
        file = try temporary.openFile(base, O_WRONLY | O_CREAT | O_EXCL)
    }

    deinit {
        if !isPublished { try? Descriptor.openDirectory(temporary).remove(base) }
    }

    func write(_ octets: [UInt8]) throws(FormatsError) {
        try file?.write(octets)
        octetCount += octets.count
    }

    /// Gives the file its time, in seconds since 1970, and closes it.
    func close(modified: Int64) throws(FormatsError) {
        if file == nil { file = try Descriptor.openForReading(path) }
        try file?.setModified(modified)
        file = nil
    }

    func append(_ octets: [UInt8]) throws(StoreError) {
        do throws(FormatsError) { try write(octets) } catch { throw error.storeError(mailbox) }
    }

    /// It is waited for until it is durable before it is published, so the octets begin their way to the disk.
    func finish() {
        file?.beginSync()
        file = nil
    }

    func open() throws(StoreError) -> any OctetSource {
        do throws(FormatsError) { return Source(try Descriptor.openForReading(path), mailbox) } catch {
            throw error.storeError(mailbox)
        }
    }

    private final class Source: OctetSource {
        private static let blockCount = 1 << 18
        private let file: Descriptor
        private let mailbox: MailboxName
        private var offset = 0

        init(_ file: consuming Descriptor, _ mailbox: MailboxName) {
            self.file = file
            self.mailbox = mailbox
        }

        func next() throws(StoreError) -> [UInt8]? {
            do throws(FormatsError) {
                let octets = try file.read(Self.blockCount, at: offset)
                offset += octets.count
                return octets.isEmpty ? nil : octets
            } catch { throw error.storeError(mailbox) }
        }
    }
}
