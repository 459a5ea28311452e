public import MailCore

/// A tree of directories with one message a file (`.eml`), for reading; a directory with messages is a mailbox.
public struct EMLStore: PartwiseStore {
    private let root: [UInt8]
    private let known = KnownPaths()
    private let listed = LastListing<Content>()

    public init(path: String) throws(FormatsError) {
        root = Array(path.utf8)
        guard FileStatus.at(root)?.isDirectory == true else {
            throw FormatsError(.notAMailStore, "not a directory", path: path)
        }
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 4, implementation: "eml") }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = directories()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        let content = listed.note(try list(mailbox), of: mailbox)
        return SyntheticUID.observation(content.names.indices.compactMap(content.summary))
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        SyntheticUID.census(listed.note(try list(mailbox), of: mailbox).uids)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let content = try content(of: mailbox, uidValidity)
        return uids.uids.compactMap { content.places[$0].flatMap(content.summary) }
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try content(of: mailbox, uidValidity)
        return try await deliver(messages, consume) { uid in
            guard let place = content.places[uid] else {
                return .failure(FormatsError(.notFound, "the file is gone", path: mailbox.text))
            }
            do throws(FormatsError) {
                let file = try Descriptor.openForReading(content.path(place))
                let count = try file.status().octetCount
                return .success(FileMessage(uid: uid, file: file, range: 0..<count, unquotes: false))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The files of a directory.
    private struct Content: Sendable {
        var directory: [UInt8]
        var names: [[UInt8]]
        var uids: [UID]
        var places: UIDPlaces

        func path(_ place: Int) -> [UInt8] { directory + [0x2F] + names[place] }

        func summary(_ place: Int) -> MessageSummary? {
            FileStatus.at(path(place)).map { status in
                MessageSummary(
                    uid: uids[place], flags: [], internalDate: InternalDate(secondsSinceEpoch: status.modified),
                    octetCount: status.octetCount)
            }
        }
    }

    private func content(of mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) -> Content {
        try SyntheticUID.require(uidValidity, of: mailbox)
        if let content = listed.content(of: mailbox) { return content }
        return listed.note(try list(mailbox), of: mailbox)
    }

    private func list(_ mailbox: MailboxName) throws(StoreError) -> Content {
        let path = try known.path(of: mailbox) { directories().found.map { ($0.name, $0.path) } }
        let names = Self.messages(in: path, (try? Directory.names(path)) ?? [])
        let uids = SyntheticUID.assign(names.map { SyntheticUID.hash($0) })
        return Content(directory: path, names: names, uids: uids, places: UIDPlaces(uids))
    }

    private func directories() -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        var found: [(name: MailboxName, path: [UInt8])] = []
        var walk = FolderWalk(root)
        while let folder = walk.next() {
            for name in folder.names where FileStatus.at(folder.path(of: name))?.isDirectory == true {
                walk.descend(into: name, of: folder)
            }
            let name = folder.name.isEmpty ? Array("INBOX".utf8) : folder.name
            if !Self.messages(in: folder.path, folder.names).isEmpty {
                found.append((MailboxName(octets: name, delimiter: 0x2F), folder.path))
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, walk.isComplete)
    }

    /// Those of `names` in the directory `path` that are files of messages.
    private static func messages(in path: [UInt8], _ names: [[UInt8]]) -> [[UInt8]] {
        names.filter { isMessage($0) && FileStatus.at(path + [0x2F] + $0)?.isRegular == true }
    }

    private static func isMessage(_ name: [UInt8]) -> Bool {
        let tail = name.suffix(4).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return name.count > 4 && tail.elementsEqual(".eml".utf8)
    }
}
