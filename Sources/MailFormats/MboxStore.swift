public import MailCore

/// A file in mbox format, or a tree of them, for reading; nothing in it is ever changed.
///
/// A file that starts with `From ` is a mailbox; UIDs are made from the headers, so they survive others' removal.
public struct MboxStore: ImportStore {
    private let root: [UInt8]
    private let isSingle: Bool
    /// True: quoting of From_ lines is undone, and messages that have any are ``Fidelity/unescaped``.
    public let unquotes: Bool
    private let known = KnownPaths()
    private let found = FindingsNotes()
    private let listed = RecentListings<Content>()

    /// - Parameter path: a file, or a folder with a tree of them.
    /// - Throws: `.notFound`.
    public init(path: String, unquotes: Bool = false) throws(FormatsError) {
        root = Array(path.utf8)
        guard let status = FileStatus.at(root) else { throw FormatsError(.notFound, "no such file", path: path) }
        isSingle = !status.isDirectory
        self.unquotes = unquotes
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 3, implementation: "mbox") }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = files()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        let content = try content(of: mailbox)
        return SyntheticUID.observation(content.entries.indices.map { content.summary($0, unquotes) })
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        SyntheticUID.census(try content(of: mailbox).uids)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try SyntheticUID.require(uidValidity, of: mailbox)
        let content = try content(of: mailbox)
        return uids.uids.compactMap { content.places[$0].map { content.summary($0, unquotes) } }
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try SyntheticUID.require(uidValidity, of: mailbox)
        let content = try content(of: mailbox)
        return try await deliver(messages, consume) { uid in
            guard let place = content.places[uid] else {
                return .failure(FormatsError(.notFound, "the message is gone", path: mailbox.text))
            }
            let entry = content.entries[place]
            do throws(FormatsError) {
                let file = try Descriptor.openForReading(content.path)
                let isQuoted = unquotes && entry.isQuoted
                return .success(FileMessage(uid: uid, file: file, range: entry.range, unquotes: isQuoted))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Dialects of the mailboxes that were read.
    public var findings: ImportFindings { found.now }

    public func place(of uid: UID, in mailbox: MailboxName) -> String? {
        guard let content = try? content(of: mailbox), let place = content.places[uid] else { return nil }
        return "\(String(decoding: content.path, as: UTF8.self)) at octet \(content.entries[place].markerOffset)"
    }

    /// What was found in a mailbox's file.
    private struct Content: Sendable {
        var path: [UInt8]
        /// Of the file before it was read.
        var status: FileStatus?
        var entries: MboxEntries
        var uids: [UID]
        var places: UIDPlaces

        func summary(_ place: Int, _ unquotes: Bool) -> MessageSummary {
            let entry = entries[place]
            return MessageSummary(
                uid: uids[place], flags: entry.flags,
                internalDate: entry.date.map { InternalDate(secondsSinceEpoch: $0) },
                octetCount: entry.range.count,
                fidelity: unquotes && entry.isQuoted ? .unescaped : .exact)
        }
    }

    /// The mailbox as it was read last, unless its file changed since.
    private func content(of mailbox: MailboxName) throws(StoreError) -> Content {
        let path = try known.path(of: mailbox) { files().found.map { ($0.name, $0.path) } }
        let status = FileStatus.at(path)
        if let content = listed.content(of: mailbox), content.status == status { return content }
        listed.makeRoom(for: mailbox)
        do {
            let reader = try MboxReader(octets: path)
            found.note { $0.dialects[mailbox] = reader.dialect }
            let uids = SyntheticUID.assign(reader.headerHashes.lazy.map { SyntheticUID.hash(String($0).utf8) })
            let content = Content(
                path: path, status: status, entries: reader.entries, uids: uids, places: UIDPlaces(uids))
            return listed.note(content, of: mailbox, messages: uids.count)
        } catch {
            throw error.storeError(mailbox)
        }
    }

    /// Every mailbox with its file.
    private func files() -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        if isSingle {
            let name = root.lastIndex(of: 0x2F).map { Array(root[($0 + 1)...]) } ?? root
            return ([(MailboxName(octets: name, delimiter: 0x2F), root)], true)
        }
        var found: [(name: MailboxName, path: [UInt8])] = []
        var walk = FolderWalk(root)
        while let folder = walk.next() {
            for name in folder.names {
                let child = folder.path(of: name)
                guard let status = FileStatus.at(child) else {
                    walk.miss()
                    continue
                }
                let full = folder.fullName(of: name)
                if status.isDirectory {
                    // QUIRK: Thunderbird keeps the mailboxes below `Inbox` in `Inbox.sbd`.
                    let isThunderbird = full.suffix(4).elementsEqual(".sbd".utf8)
                    walk.descend(into: name, of: folder, as: isThunderbird ? Array(full.dropLast(4)) : full)
                } else if status.isRegular {
                    switch Self.startsAsMbox(child) {
                    case true?: found.append((MailboxName(octets: full, delimiter: 0x2F), child))
                    case false?: break
                    // It may be a mailbox that was known: what cannot be told must not count as gone.
                    case nil: walk.miss()
                    }
                }
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, walk.isComplete)
    }

    /// `nil` for a file that is empty or cannot be read.
    private static func startsAsMbox(_ path: [UInt8]) -> Bool? {
        guard let file = try? Descriptor.openForReading(path), let start = try? file.read(5, at: 0), !start.isEmpty
        else { return nil }
        return start.elementsEqual("From ".utf8)
    }
}
