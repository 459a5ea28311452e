public import MailCore

/// How a program lays out messages in files of their own.
public protocol FileLayout: Sendable {
    /// What the layout is called.
    static var name: String { get }

    /// The mailbox whose messages are in a folder.
    ///
    /// - Parameters:
    ///   - path: below the root, with `/` between components; empty for the root itself.
    ///   - root: what the root is called.
    func mailbox(ofFolder path: [UInt8], root: [UInt8]) -> [UInt8]

    /// Whether a file of this name is a message.
    func isMessage(_ name: [UInt8]) -> Bool

    /// The messages called `names` in `folder`, in their order, without those that are no regular files any more.
    func items(in folder: [UInt8], _ names: [[UInt8]]) -> [FileItem]
}

/// A message that is a file, or a stretch of one.
public struct FileItem: Sendable {
    var path: [UInt8]
    /// What it is known by in its mailbox.
    var identity: UInt64
    var flags: FlagSet = []
    /// Seconds since 1970-01-01T00:00:00Z.
    var date: Int64?
    /// Of the message in the file.
    var range: Range<Int>
    /// Why it cannot be taken.
    var problem: String?

    func summary(_ uid: UID, _ fidelity: Fidelity) -> MessageSummary {
        MessageSummary(
            uid: uid, flags: flags, internalDate: date.map { InternalDate(secondsSinceEpoch: $0) },
            octetCount: range.count, fidelity: fidelity)
    }

    func open(_ uid: UID) -> Result<FileMessage, FormatsError> {
        do throws(FormatsError) {
            if let problem {
                throw FormatsError(.damaged, problem, path: String(decoding: path, as: UTF8.self))
            }
            let file = try Descriptor.openForReading(path)
            return .success(FileMessage(uid: uid, file: file, range: range, unquotes: false))
        } catch {
            return .failure(error)
        }
    }
}

/// A tree of directories with one message a file, for reading; nothing in it is ever changed.
///
/// Several directories may be one mailbox. UIDs are made from what each message is known by.
public struct FileTreeStore<Layout: FileLayout>: ImportStore {
    private let root: [UInt8]
    private let layout: Layout
    private let fidelity: Fidelity
    private let known = KnownPaths()
    private let listed = LastListing<Content>()
    private let found = FindingsNotes()

    /// - Throws: `.notAMailStore` when `path` is no directory.
    public init(path: String, _ layout: Layout, fidelity: Fidelity = .exact) throws(FormatsError) {
        root = Array(path.utf8)
        (self.layout, self.fidelity) = (layout, fidelity)
        guard FileStatus.at(root)?.isDirectory == true else {
            throw FormatsError(.notAMailStore, "not a directory", path: path)
        }
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 4, implementation: Layout.name) }
    }

    public var findings: ImportFindings { found.now }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (folders, others, isComplete) = walk()
        found.note { $0.otherFileCount = others }
        let names = Set(folders.map(\.name)).sorted { $0.octets.lexicographicallyPrecedes($1.octets) }
        return (names.map { MailboxListing(name: $0) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        let content = listed.note(try list(mailbox), of: mailbox)
        return SyntheticUID.observation(zip(content.uids, content.items).map { $1.summary($0, fidelity) })
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        SyntheticUID.census(listed.note(try list(mailbox), of: mailbox).uids)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let content = try content(of: mailbox, uidValidity)
        return uids.uids.compactMap { uid in content.item(uid)?.summary(uid, fidelity) }
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try content(of: mailbox, uidValidity)
        return try await deliver(messages, consume) { uid in
            content.item(uid)?.open(uid)
                ?? .failure(FormatsError(.notFound, "the file is gone", path: mailbox.text))
        }
    }

    public func place(of uid: UID, in mailbox: MailboxName) -> String? {
        let content = try? content(of: mailbox, SyntheticUID.validity)
        return content?.item(uid).map { String(decoding: $0.path, as: UTF8.self) }
    }

    /// The messages of one mailbox.
    private struct Content: Sendable {
        var items: [FileItem]
        var uids: [UID]
        var places: UIDPlaces

        init(_ items: [FileItem]) {
            self.items = items
            uids = SyntheticUID.assign(items.map(\.identity))
            places = UIDPlaces(uids)
        }

        func item(_ uid: UID) -> FileItem? { places[uid].map { items[$0] } }
    }

    private func content(of mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) -> Content {
        try SyntheticUID.require(uidValidity, of: mailbox)
        if let content = listed.content(of: mailbox) { return content }
        return listed.note(try list(mailbox), of: mailbox)
    }

    private func list(_ mailbox: MailboxName) throws(StoreError) -> Content {
        let folders = try known.paths(of: mailbox) { walk().folders }
        return Content(
            folders.flatMap { folder in
                layout.items(in: folder, ((try? Directory.names(folder)) ?? []).filter(layout.isMessage))
            })
    }

    /// Every folder that has messages, in the order of their names, and how many files are none.
    private func walk() -> (folders: [(name: MailboxName, path: [UInt8])], others: Int, isComplete: Bool) {
        var folders: [(name: MailboxName, path: [UInt8])] = []
        var others = 0
        var walk = FolderWalk(root)
        let last = root.split(separator: 0x2F).last.map { Array($0) } ?? []
        while let folder = walk.next() {
            var count = 0
            for name in folder.names {
                let status = FileStatus.at(folder.path(of: name))
                if status?.isDirectory == true {
                    walk.descend(into: name, of: folder)
                } else if layout.isMessage(name), status?.isRegular == true {
                    count += 1
                } else {
                    others += 1
                }
            }
            guard count > 0 else { continue }
            let name = layout.mailbox(ofFolder: folder.name, root: last)
            folders.append(
                (MailboxName(octets: name.isEmpty ? Array("INBOX".utf8) : name, delimiter: 0x2F), folder.path))
        }
        return (folders.sorted { $0.path.lexicographicallyPrecedes($1.path) }, others, walk.isComplete)
    }
}
