import ArchiveCatalog
import ArchiveStore
package import MailCore
import MailFormats

/// Where an occurrence goes.
package struct ExportName {
    /// The folder above all mailboxes, where there are several accounts.
    package var account: String?
    package var mailbox: MailboxName

    package init(account: String?, mailbox: MailboxName) { (self.account, self.mailbox) = (account, mailbox) }

    /// Components that cannot leave the target folder, outermost first.
    package var components: [String] {
        ((account.map { [$0] } ?? []) + mailbox.components).map(Self.safe)
    }

    /// One file name: no `/`, NUL or control characters, no leading dot, at most 200 octets; escapes are `%XX`.
    package static func safe(_ text: String) -> String {
        var result = ""
        for scalar in (text.isEmpty ? "%" : text).unicodeScalars {
            let isFirst = result.isEmpty
            switch scalar {
            case "/", "%", "\\", ":": result += escape(scalar)
            case "." where isFirst: result += escape(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += escape(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        guard result.utf8.count > 180 else { return result }
        // A name too long is cut and told apart by a checksum of the whole.
        let mark = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var head = result
        while head.utf8.count > 160 { head.removeLast() }
        return head + "~" + String(mark, radix: 16)
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String { "%" + [UInt8(scalar.value)].hex.uppercased() }
}

/// Writes exported occurrences in one format.
protocol ExportWriter {
    /// Starts a mailbox; called for empty ones too.
    mutating func begin(_ name: ExportName) throws
    mutating func write(_ row: PlacementRow, _ message: MessageReader) throws
    mutating func finish() throws
}

/// A Maildir++ tree.
struct MaildirExport: ExportWriter {
    private let writer: MaildirWriter
    private var mailbox = MailboxName("INBOX")

    init(path: String) throws(FormatsError) {
        let environment = WriterEnvironment.process
        writer = try MaildirWriter(
            path: path, host: environment.host, processID: environment.processID, durability: .atFinish)
    }

    mutating func begin(_ name: ExportName) throws {
        if let account = name.account {
            let components = [account] + name.mailbox.components
            mailbox = MailboxName(components.joined(separator: "\u{1}"), delimiter: 1)
        } else {
            mailbox = name.mailbox
        }
        try writer.create(mailbox)
    }

    func write(_ row: PlacementRow, _ message: MessageReader) throws {
        try PieceFailure.rethrow { failure throws(FormatsError) in
            _ = try writer.append(
                to: mailbox, flags: row.flags, internalDate: row.internalDate, now: Clock.now()
            ) { () throws(FormatsError) in try failure.next(message) }
        }
    }

    func finish() throws { try writer.finish() }
}

/// A tree of mboxrd files, one a mailbox: `Archív/2024.mbox`.
struct MboxExport: ExportWriter {
    let root: String
    private var writer: MboxWriter?

    init(root: String) { self.root = root }

    mutating func begin(_ name: ExportName) throws {
        try writer?.finish()
        let folder = name.components.dropLast()
        try EmptyFolder.makeTree(root, folder)
        let file = ([root] + folder + [(name.components.last ?? "mail") + ".mbox"]).joined(separator: "/")
        writer = try MboxWriter(path: file)
    }

    func write(_ row: PlacementRow, _ message: MessageReader) throws {
        try PieceFailure.rethrow { failure throws(FormatsError) in
            try writer?.append(sender: "", internalDate: row.internalDate) { () throws(FormatsError) in
                try failure.next(message)
            }
        }
    }

    mutating func finish() throws { try writer?.finish() }
}

/// One `.eml` file a message in folders like the mailboxes: `INBOX/42-5b1d0c1f.eml`.
struct EMLExport: ExportWriter {
    let root: String
    private var writer: EMLWriter?
    private var written: Set<String> = []

    init(root: String) { self.root = root }

    mutating func begin(_ name: ExportName) throws {
        try EmptyFolder.makeTree(root, name.components[...])
        let directory = ([root] + name.components).joined(separator: "/")
        writer = try EMLWriter(path: directory, durability: .atFinish)
        written.insert(directory)
    }

    func write(_ row: PlacementRow, _ message: MessageReader) throws {
        let name = "\(row.address.uid)-\(row.message.description.prefix(8))"
        try PieceFailure.rethrow { failure throws(FormatsError) in
            try writer?.write(name, internalDate: row.internalDate) { () throws(FormatsError) in
                try failure.next(message)
            }
        }
    }

    func finish() throws { try Durability.settle(written) }
}

/// Carries an error of the archive through a writer that knows only its own.
final class PieceFailure {
    private var error: ArchiveError?

    /// The next piece of `message`, or a stop for the writer.
    func next(_ message: MessageReader) throws(FormatsError) -> [UInt8]? {
        do { return try message.next() } catch {
            self.error = error
            throw FormatsError(.ioFailed, "the message cannot be read", path: "")
        }
    }

    static func rethrow(_ body: (PieceFailure) throws(FormatsError) -> Void) throws {
        let failure = PieceFailure()
        do throws(FormatsError) { try body(failure) } catch {
            if let inner = failure.error { throw inner }
            throw error
        }
    }
}

/// Folders to export into.
enum EmptyFolder {
    /// Makes `path`, or takes it if it is empty.
    static func make(_ path: String) throws(KitError) {
        guard try FileFacts.names(in: path).isEmpty else {
            throw KitError(.alreadyExists, "\(path) is not empty", hint: "export to a folder that is new or empty")
        }
        try FileFacts.makeFolder(path)
    }

    /// Makes the folders `components` below `root`.
    static func makeTree(_ root: String, _ components: ArraySlice<String>) throws(KitError) {
        var path = root
        for component in components {
            path += "/" + component
            try FileFacts.makeFolder(path)
        }
    }
}
