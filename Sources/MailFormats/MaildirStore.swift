public import MailCore

/// A Maildir, a Maildir++ tree or a tree of Maildirs, for reading; nothing in it is ever changed.
///
/// UIDs are those of `dovecot-uidlist` where there is one, else made from the base names.
/// - SeeAlso: https://www.courier-mta.org/imap/README.maildirquota.html (Maildir++)
public struct MaildirStore: MailStore {
    private let root: [UInt8]
    /// LIMIT: mailboxes inside one another in a tree of plain directories.
    private static let depthLimit = 32
    private static let smallFileLimit = 64 << 20

    /// - Throws: `.notAMailStore` when `path` is no directory.
    public init(path: String) throws(FormatsError) {
        root = Array(path.utf8)
        guard FileStatus.at(root)?.isDirectory == true else {
            throw FormatsError(.notAMailStore, "not a directory", path: path)
        }
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 4, implementation: "Maildir") }
    }

    /// The mailboxes that `subscriptions` names, in its order; empty without one.
    public var subscriptions: [MailboxName] {
        let octets = smallFile(root + Array("/subscriptions".utf8), limit: Self.smallFileLimit) ?? []
        return octets.split(separator: 0x0A).map {
            MailboxName(octets: Array($0.filter { $0 != 0x0D }), delimiter: 0x2E)
        }
        .filter { !$0.octets.isEmpty && $0.octets != Array("V\t2".utf8) }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = try directories()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        Self.observation(of: try list(mailbox))
    }

    /// What a look at a mailbox's files shows.
    static func observation(of content: Content) -> MailboxObservation {
        var summaries: [MessageSummary] = []
        summaries.reserveCapacity(content.files.count)
        for file in content.files {
            // A file that went away between the listing and now is no longer in the mailbox, or has other flags.
            guard
                let path = FileStatus.at(file.path) == nil
                    ? path(ofBase: file.name.base, in: content.directory) : file.path,
                let status = FileStatus.at(path)
            else { continue }
            let name = MaildirFileName(parsing: Array(path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...]))
            summaries.append(
                MessageSummary(
                    uid: file.uid, flags: name.flags(keywords: content.keywords),
                    internalDate: InternalDate(secondsSinceEpoch: status.modified), octetCount: status.octetCount))
        }
        summaries.sort { $0.uid < $1.uid }
        let status = MailboxStatus(
            uidValidity: content.validity, uidNext: content.next, messageCount: summaries.count, highestModSeq: nil)
        return MailboxObservation(status: status, content: .full(summaries), isComplete: true)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try list(mailbox)
        guard content.validity == uidValidity else {
            throw StoreError(.uidValidityChanged, "the UIDVALIDITY is now \(content.validity)", mailbox: mailbox)
        }
        return try await fetch(messages, from: mailbox, content, again: list, consume)
    }

    /// Hands over `messages` of what `content` lists; looks `again` for files whose names changed.
    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, _ content: Content,
        again: (MailboxName) throws(StoreError) -> Content, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        var paths = Dictionary(content.files.map { ($0.uid, $0.path) }) { first, _ in first }
        return try await deliver(messages, consume) { uid in
            for attempt in 0..<2 {
                if let path = paths[uid] {
                    switch Self.open(path, uid) {
                    case .failure(let error) where error.kind == .notFound: break
                    case let result: return result
                    }
                }
                // Another program may have changed the flags, and with them the name.
                if attempt == 0, let now = try? again(mailbox) {
                    paths = Dictionary(now.files.map { ($0.uid, $0.path) }) { first, _ in first }
                }
            }
            return .failure(FormatsError(.notFound, "the file is gone", path: mailbox.text))
        }
    }

    private static func open(_ path: [UInt8], _ uid: UID) -> Result<FileMessage, FormatsError> {
        do throws(FormatsError) {
            let file = try Descriptor.openForReading(path)
            let status = try file.status()
            guard status.isRegular else {
                throw FormatsError(.ioFailed, "not a regular file", path: String(decoding: path, as: UTF8.self))
            }
            return .success(FileMessage(uid: uid, file: file, range: 0..<status.octetCount, unquotes: false))
        } catch {
            return .failure(error)
        }
    }
}

extension MaildirStore {
    struct File {
        var uid: UID
        var name: MaildirFileName
        var path: [UInt8]
    }
    struct Content {
        var directory: [UInt8]
        var files: [File]
        var validity: UIDValidity
        var next: UID?
        var keywords: [Int: String]
    }

    static func isMaildir(_ path: [UInt8]) -> Bool {
        FileStatus.at(path + Array("/cur".utf8))?.isDirectory == true
            || FileStatus.at(path + Array("/new".utf8))?.isDirectory == true
    }

    /// Every mailbox with its directory. Explicit stack; links to directories are not walked twice deep by the limit.
    func directories() throws(StoreError) -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        guard Self.isMaildir(root) else { return try plainTree() }
        var found: [(name: MailboxName, path: [UInt8])] = [
            (MailboxName(octets: Array("INBOX".utf8), delimiter: 0x2E), root)
        ]
        do {
            for name in try Directory.names(root) where name.first == 0x2E && name.count > 1 {
                let path = root + [0x2F] + name
                guard Self.isMaildir(path) else { continue }
                let long = smallFile(path + [0x2F] + MaildirFolderName.longNameFile, limit: 65_536)
                var octets = long ?? MaildirFolderName.decode(Array(name.dropFirst()))
                // QUIRK: `.INBOX` beside the root, which is the INBOX.
                if MailboxName(octets: octets, delimiter: 0x2E).isInbox { octets = Array("INBOX.INBOX".utf8) }
                found.append((MailboxName(octets: octets, delimiter: 0x2E), path))
            }
        } catch {
            throw error.storeError()
        }
        return (found, true)
    }

    private func plainTree() throws(StoreError) -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        var found: [(name: MailboxName, path: [UInt8])] = []
        var isComplete = true
        var stack: [(path: [UInt8], name: [UInt8], depth: Int)] = [(root, [], 0)]
        while let (path, prefix, depth) = stack.popLast() {
            guard let names = try? Directory.names(path) else {
                isComplete = false
                continue
            }
            for name in names where ![Array("cur".utf8), Array("new".utf8), Array("tmp".utf8)].contains(name) {
                let child = path + [0x2F] + name
                guard FileStatus.at(child)?.isDirectory == true else { continue }
                let full = prefix.isEmpty ? name : prefix + [0x2F] + name
                if Self.isMaildir(child) { found.append((MailboxName(octets: full, delimiter: 0x2F), child)) }
                if depth < Self.depthLimit { stack.append((child, full, depth + 1)) } else { isComplete = false }
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, isComplete)
    }

    /// The directory of `mailbox`.
    func directory(of mailbox: MailboxName) throws(StoreError) -> [UInt8] {
        if let path = usualDirectory(of: mailbox) { return path }
        guard let path = try directories().found.first(where: { $0.name == mailbox })?.path else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        return path
    }

    /// Where `mailbox` is in a Maildir++ tree unless its name is odd: no tree is walked for it.
    private func usualDirectory(of mailbox: MailboxName) -> [UInt8]? {
        guard Self.isMaildir(root) else { return nil }
        guard !mailbox.isInbox else { return root }
        let folder = MaildirFolderName.encode(mailbox.octets, delimiter: 0x2E)
        guard !folder.isShortened, MaildirFolderName.decode(folder.octets) == mailbox.octets else { return nil }
        let path = root + Array("/.".utf8) + folder.octets
        guard Self.isMaildir(path), FileStatus.at(path + [0x2F] + MaildirFolderName.longNameFile) == nil else {
            return nil
        }
        return path
    }

    /// The messages' files in a mailbox's directory, by base name.
    static func names(in directory: [UInt8]) throws(FormatsError) -> [(name: MaildirFileName, path: [UInt8])] {
        var names: [(name: MaildirFileName, path: [UInt8])] = []
        for folder in ["new", "cur"] {
            let path = directory + [0x2F] + Array(folder.utf8)
            guard FileStatus.at(path) != nil else { continue }
            for name in try Directory.names(path) where name.first != 0x2E {
                names.append((MaildirFileName(parsing: name), path + [0x2F] + name))
            }
        }
        return names.sorted { $0.name.base.lexicographicallyPrecedes($1.name.base) }
    }

    /// Where the file with this base name is now, if it is anywhere.
    static func path(ofBase base: [UInt8], in directory: [UInt8]) -> [UInt8]? {
        (try? names(in: directory))?.first { $0.name.base == base }?.path
    }

    /// What the letters `a` to `z` mean in a mailbox.
    func keywords(in directory: [UInt8]) -> [Int: String] {
        let file =
            smallFile(directory + Array("/dovecot-keywords".utf8), limit: Self.smallFileLimit)
            ?? smallFile(root + Array("/dovecot-keywords".utf8), limit: Self.smallFileLimit) ?? []
        return DovecotKeywords.parse(file)
    }

    func list(_ mailbox: MailboxName) throws(StoreError) -> Content {
        let path = try directory(of: mailbox)
        let names: [(name: MaildirFileName, path: [UInt8])]
        do throws(FormatsError) { names = try Self.names(in: path) } catch { throw error.storeError(mailbox) }
        let keywords = keywords(in: path)
        let listFile = smallFile(path + Array("/dovecot-uidlist".utf8), limit: Self.smallFileLimit)
        if var list = listFile.flatMap({ DovecotUIDList($0) }) {
            let files = names.map { entry in
                if let uid = list.uids[entry.name.base] { return File(uid: uid, name: entry.name, path: entry.path) }
                let uid = UID(list.next) ?? .max
                list.next = list.next == .max ? .max : list.next + 1
                return File(uid: uid, name: entry.name, path: entry.path)
            }
            return Content(
                directory: path, files: files, validity: list.validity, next: UID(list.next), keywords: keywords)
        }
        let uids = SyntheticUID.assign(names.map { SyntheticUID.hash($0.name.base) })
        let files = zip(names, uids).map { File(uid: $1, name: $0.name, path: $0.path) }
        return Content(
            directory: path, files: files, validity: SyntheticUID.validity, next: nil, keywords: keywords)
    }
}
