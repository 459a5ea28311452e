public import MailCore

/// A Maildir, a Maildir++ tree or a tree of Maildirs, for reading; nothing in it is ever changed.
///
/// UIDs are those of `dovecot-uidlist` where there is one, else made from the base names.
/// - SeeAlso: https://www.courier-mta.org/imap/README.maildirquota.html (Maildir++)
public struct MaildirStore: ImportStore {
    private let root: [UInt8]
    private let listed = LastListing<Content>()
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

    /// Nothing but messages is looked for.
    public var findings: ImportFindings { ImportFindings() }

    public func place(of uid: UID, in mailbox: MailboxName) -> String? {
        let content = listed.content(of: mailbox) ?? (try? list(mailbox)).map { listed.note($0, of: mailbox) }
        return content?.files.file(uid).map { String(decoding: $0.path, as: UTF8.self) }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = try directories()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        Self.observation(of: listed.note(try list(mailbox), of: mailbox))
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        Self.census(of: listed.note(try list(mailbox), of: mailbox))
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        Self.summaries(of: uids, try content(of: mailbox, uidValidity))
    }

    static func census(of content: Content) -> MailboxCensus {
        MailboxCensus(status: content.status, uids: content.files.uids, isComplete: true)
    }

    static func summaries(of uids: UIDSet, _ content: Content) -> [MessageSummary] {
        describe(uids.uids.lazy.compactMap { content.files.file($0) }, content).summaries
    }

    /// What a look at a mailbox's files shows; of messages that `cursor` knows, flags alone.
    static func observation(of content: Content, since cursor: MailboxCursor? = nil) -> MailboxObservation {
        let isSame = cursor?.status.uidValidity == content.validity
        let (found, isComplete) = describe(content.files, content, known: isSame ? cursor?.knownUIDs : nil)
        let summaries = found.sorted { $0.uid < $1.uid }
        var status = content.status
        status.messageCount = summaries.count
        return MailboxObservation(status: status, content: .full(summaries), isComplete: isComplete)
    }

    /// LIMIT: times a mailbox is listed again in one look, for files that others rename meanwhile; what changed its name
    /// after that is not described.
    private static let relistings = 16

    private static func describe(
        _ files: some Sequence<File>, _ content: Content, known: UIDSet? = nil
    ) -> (summaries: [MessageSummary], isComplete: Bool) {
        var summaries: [MessageSummary] = []
        var flags = FlagsByLetters(keywords: content.keywords)
        var now = content.files
        var (rest, isComplete) = (relistings, true)
        for file in files {
            if let known, known.contains(file.uid) {
                // Its size and date were told when it was new, and stay.
                summaries.append(
                    MessageSummary(uid: file.uid, flags: flags[file.name], internalDate: nil, octetCount: nil))
                continue
            }
            var (name, status) = (file.name, FileStatus.at(file.path))
            // A file that went away between the listing and now is no longer in the mailbox, or has other flags.
            if status == nil {
                if let place = now.positions(ofBase: name.base).first {
                    (name, status) = (now[place].name, FileStatus.at(now[place].path))
                }
                if status == nil, rest > 0, let again = try? MaildirFiles(in: content.directory) {
                    (now, rest) = (again, rest - 1)
                    let place = now.positions(ofBase: name.base).first
                    if let place { (name, status) = (now[place].name, FileStatus.at(now[place].path)) }
                    if place != nil, status == nil { isComplete = false }
                } else if status == nil {
                    isComplete = false
                }
            }
            guard let status else { continue }
            summaries.append(
                MessageSummary(
                    uid: file.uid, flags: flags[name],
                    internalDate: InternalDate(secondsSinceEpoch: status.modified), octetCount: status.octetCount))
        }
        return (summaries, isComplete)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try content(of: mailbox, uidValidity)
        return try await fetch(messages, from: mailbox, content, again: list, consume)
    }

    /// The mailbox as it was listed last, or now.
    private func content(of mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) -> Content {
        if let content = listed.content(of: mailbox), content.validity == uidValidity { return content }
        let content = listed.note(try list(mailbox), of: mailbox)
        guard content.validity == uidValidity else {
            throw StoreError(.uidValidityChanged, "the UIDVALIDITY is now \(content.validity)", mailbox: mailbox)
        }
        return content
    }

    /// Hands over `messages` of what `content` lists; looks `again` for files whose names changed.
    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, _ content: Content,
        again: (MailboxName) throws(StoreError) -> Content, _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        var now = content.files
        var rest = Self.relistings
        return try await deliver(messages, consume) { uid in
            while true {
                if let file = now.file(uid) {
                    switch Self.open(file.path, uid) {
                    case .failure(let error) where error.kind == .notFound: break
                    case let result: return result
                    }
                }
                // Another program may have changed the flags, and with them the name.
                guard rest > 0, now.file(uid) != nil, let next = try? again(mailbox) else {
                    return .failure(FormatsError(.notFound, "the file is gone", path: mailbox.text))
                }
                (now, rest) = (next.files, rest - 1)
            }
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
    struct Content: Sendable {
        var directory: [UInt8]
        var files: MaildirFiles
        var validity: UIDValidity
        var next: UID?
        var keywords: [Int: String]

        var status: MailboxStatus {
            MailboxStatus(uidValidity: validity, uidNext: next, messageCount: files.count, highestModSeq: nil)
        }
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
        var walk = FolderWalk(root)
        while let folder = walk.next() {
            for name in folder.names where ![Array("cur".utf8), Array("new".utf8), Array("tmp".utf8)].contains(name) {
                let child = folder.path(of: name)
                guard FileStatus.at(child)?.isDirectory == true else { continue }
                if Self.isMaildir(child) {
                    found.append((MailboxName(octets: folder.fullName(of: name), delimiter: 0x2F), child))
                }
                walk.descend(into: name, of: folder)
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, walk.isComplete)
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

    /// Where the file with this base name is now, if it is anywhere.
    static func path(ofBase base: [UInt8], in directory: [UInt8]) -> [UInt8]? {
        (try? MaildirFiles(in: directory)).flatMap { files in files.positions(ofBase: base).first.map { files[$0].path }
        }
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
        var files: MaildirFiles
        do throws(FormatsError) { files = try MaildirFiles(in: path) } catch { throw error.storeError(mailbox) }
        var content = Content(
            directory: path, files: files, validity: SyntheticUID.validity, next: nil, keywords: keywords(in: path))
        let listFile = smallFile(path + Array("/dovecot-uidlist".utf8), limit: Self.smallFileLimit)
        if let listFile, let list = DovecotUIDList(listFile, of: files) {
            files.assign { list.uids[$0] }
            (content.validity, content.next) = (list.validity, UID(list.next))
        } else {
            let uids = SyntheticUID.assign(files.indices.map { SyntheticUID.hash(files.base(at: $0)) })
            files.assign { uids[$0] }
        }
        content.files = files
        return content
    }
}
