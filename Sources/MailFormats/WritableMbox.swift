import Glibc
public import MailCore
import Synchronization

/// A tree of mbox files as an end of a sync; other programs may read and write it at the same time.
///
/// Flags are in the file as mutt and Dovecot keep them (Status, X-Status, X-Keywords) and no part of a message; UIDs
/// are in `uidLists` (``MboxUIDList``). Every change is a new file that takes the old one's place under both locks, so
/// at every instant the mailbox is whole. From_ lines are quoted as mboxrd.
///
/// LIMIT: a change costs a copy of the mailbox's file; 500 messages at most are one change.
public final class WritableMbox: SyncStore, PartwiseStore {
    let tree: MboxTree
    private let uidLists: [UInt8]
    private let known = KnownPaths()
    private let listed = LastListing<MboxContent>()
    let now: @Sendable () -> Int64

    /// Opens the tree at `path`, or makes it; its parent must exist. `uidLists` is made, too.
    ///
    /// - Parameter now: seconds since 1970, for messages without a date.
    /// - Throws: `.notAMailStore` for a file.
    public init(path: String, uidLists: String, now: @escaping @Sendable () -> Int64) throws(FormatsError) {
        var root = Array(path.utf8)
        while root.count > 1, root.last == 0x2F { root.removeLast() }
        if let status = FileStatus.at(root), !status.isDirectory {
            throw FormatsError(.notAMailStore, "one mbox file can only be read; a folder of them is needed", path: path)
        }
        (tree, self.uidLists, self.now) = (MboxTree(root: root), Array(uidLists.utf8), now)
        for folder in [root, self.uidLists] where FileStatus.at(folder) == nil {
            let slash = folder.lastIndex(of: 0x2F)
            let parent = slash.map { $0 == 0 ? [0x2F] : Array(folder[..<$0]) } ?? [0x2E]
            try Descriptor.openDirectory(parent).makeDirectory(slash.map { Array(folder[($0 + 1)...]) } ?? folder)
        }
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 1, implementation: "mbox") }
    }

    public var abilities: StoreAbilities {
        get async throws(StoreError) { StoreAbilities() }
    }

    public func hierarchy() async throws(StoreError) -> StoreHierarchy { StoreHierarchy(delimiter: 0x2F) }

    // MARK: Looking

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = tree.files()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        try look(mailbox).observation
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let content = try look(mailbox)
        return MailboxCensus(
            status: content.observation.status, uids: UIDSet(content.messages.lazy.map(\.uid)), isComplete: true)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let content = try look(mailbox, uidValidity)
        return content.messages.filter { uids.contains($0.uid) }.map(content.summary).sorted { $0.uid < $1.uid }
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try look(mailbox, uidValidity)
        let places = Dictionary(content.messages.map { ($0.uid, $0) }) { first, _ in first }
        var report = FetchReport()
        for message in messages {
            if Task.isCancelled { throw StoreError(.cancelled, "the fetch was cancelled", retry: .later) }
            guard let place = places[message.uid] else {
                report.refused[message.uid] = Refusal(.expunged)
                continue
            }
            let incoming: MboxIncoming
            do throws(FormatsError) { incoming = try MboxIncoming(place, in: content) } catch {
                throw error.storeError(mailbox)
            }
            do { try await consume(incoming) } catch {
                if let failure = incoming.failure { throw failure }
                throw StoreError(.consumerFailed, "a message could not be taken", mailbox: mailbox, cause: error)
            }
            report.delivered.insert(message.uid)
        }
        return report
    }

    func path(of mailbox: MailboxName) throws(StoreError) -> [UInt8] {
        let path = try known.path(of: mailbox) { tree.files().found }
        if FileStatus.at(path)?.isRegular == true { return path }
        guard let found = tree.files().found.first(where: { $0.name == mailbox }) else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        return found.path
    }

    func makeStage() throws(FormatsError) -> MboxStage { try MboxStage(in: uidLists) }

    func list(of path: [UInt8]) -> MboxUIDList { MboxUIDList(Array(path.dropFirst(tree.root.count)), in: uidLists) }

    /// What is in `mailbox`; every message has its UID for good afterwards.
    func look(_ mailbox: MailboxName) throws(StoreError) -> MboxContent {
        let path = try path(of: mailbox)
        if let content = listed.content(of: mailbox), content.path == path, content.status == FileStatus.at(path) {
            return content
        }
        listed.forget()
        do throws(FormatsError) {
            let lock = try MboxLock.hold(path)
            defer { withExtendedLifetime(lock) {} }
            return listed.note(try content(at: path), of: mailbox)
        } catch { throw error.storeError(mailbox) }
    }

    /// The same, provided UIDs still mean what they meant.
    func look(_ mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) -> MboxContent {
        let content = try look(mailbox)
        guard content.validity == uidValidity else {
            throw StoreError(.uidValidityChanged, "the UIDVALIDITY is now \(content.validity)", mailbox: mailbox)
        }
        return content
    }

    private func content(at path: [UInt8]) throws(FormatsError) -> MboxContent {
        var content = try MboxContent(reading: path)
        try list(of: path).assign(&content)
        return content
    }

    // MARK: Changing

    /// One change: what becomes of each message, and what is added behind.
    enum Edit {
        case keep
        case drop
        case flags(FlagSet)

        func flags(of message: MboxContent.Message) -> FlagSet {
            if case .flags(let flags) = self { flags } else { message.flags }
        }
    }

    /// Writes the mailbox anew, under both locks, from what it holds then.
    ///
    /// `added` is a staged file of whole entries. Returns the mailbox before and after; where nothing changes nothing
    /// is written.
    func change(
        _ mailbox: MailboxName, uidValidity: UIDValidity? = nil, adding added: MboxStage? = nil,
        _ edit: (MboxContent.Message) -> Edit
    ) throws(StoreError) -> (before: MboxContent, after: MboxContent) {
        let path = try path(of: mailbox)
        listed.forget()
        let before: MboxContent
        do throws(FormatsError) {
            let lock = try MboxLock.hold(path)
            defer { withExtendedLifetime(lock) {} }
            var attempt = try content(at: path)
            // The record lock comes last: reading closes a descriptor, and that would let it go.
            var file = try Descriptor.openForWriting(path)
            try file.lockRecords()
            while try file.status() != attempt.status || FileStatus.at(path)?.serial != attempt.status.serial {
                attempt = try content(at: path)
                file = try Descriptor.openForWriting(path)
                try file.lockRecords()
            }
            before = attempt
            if uidValidity == nil || uidValidity == before.validity {
                // ORDER: of equal messages the list tells which one leaves, before it does.
                let leaving = before.leavingTwins(edit)
                if !leaving.isEmpty { try list(of: path).write(before, leaving: leaving) }
                var after = try write(before, file, added, edit)
                try list(of: path).assign(&after)
                return (before, listed.note(after, of: mailbox))
            }
        } catch { throw error.storeError(mailbox) }
        throw StoreError(.uidValidityChanged, "the UIDVALIDITY is now \(before.validity)", mailbox: mailbox)
    }

    private func write(
        _ before: MboxContent, _ file: borrowing Descriptor, _ added: MboxStage?,
        _ edit: (MboxContent.Message) -> Edit
    ) throws(FormatsError) -> MboxContent {
        let path = before.path
        let slash = path.lastIndex(of: 0x2F) ?? 0
        let directory = try Descriptor.openDirectory(Array(path[..<slash]))
        let name = Array(path[(slash + 1)...])
        let temporary = Array(".".utf8) + name + Array(".mailarc".utf8)
        directory.remove(temporary)
        let new = try directory.openFile(temporary, O_RDWR | O_CREAT | O_EXCL)
        var isChanged = false
        var copied = 0
        let edits = before.messages.map(edit)
        let keywords = Self.keywords(before.messages, edits)
        var isFirst = true
        for (message, edit) in zip(before.messages, edits) {
            var base: [UInt8]?
            if case .drop = edit {
            } else if isFirst {
                isFirst = false
                var octets = MboxMessageOctets(message.range)
                _ = try octets.next(file)
                base = octets.head?.base(listing: keywords, validity: before.validity)
            }
            switch base != nil ? .flags(edit.flags(of: message)) : edit {
            case .keep: continue
            case .drop: try new.append(copied..<message.whole.lowerBound, of: file)
            case .flags(let flags):
                var octets = MboxMessageOctets(message.range)
                _ = try octets.next(file)
                try new.append(copied..<message.range.lowerBound, of: file)
                try new.write(octets.head?.octets(flags: flags, base: base) ?? [])
                copied = message.range.lowerBound + octets.headCount
                isChanged = true
                continue
            }
            copied = message.whole.upperBound
            isChanged = true
        }
        try new.append(copied..<before.status.octetCount, of: file)
        if try added?.append(to: new) == true { isChanged = true }
        guard isChanged else {
            directory.remove(temporary)
            return before
        }
        // ORDER: the octets are safe before the name says they are.
        try new.resemble(file)
        try new.sync()
        try directory.move(temporary, to: directory, name, replaces: true)
        try directory.sync()
        return try MboxContent(reading: path)
    }

    /// Those of the messages that stay, each once.
    private static func keywords(_ messages: [MboxContent.Message], _ edits: [Edit]) -> [String] {
        var found: Set<String> = []
        for (message, edit) in zip(messages, edits) {
            if case .drop = edit { continue }
            for flag in edit.flags(of: message).flags where !flag.isSystemFlag { found.insert(flag.name) }
        }
        return found.sorted()
    }

    func forget() { listed.forget() }
}

extension Descriptor {
    /// For the record lock, which asks for a file that may be written.
    static func openForWriting(_ path: [UInt8]) throws(FormatsError) -> Descriptor {
        let slash = path.lastIndex(of: 0x2F) ?? 0
        return try openDirectory(Array(path[..<slash])).openFile(Array(path[(slash + 1)...]), O_RDWR)
    }
}

/// A message of an mbox on its way out of it.
private final class MboxIncoming: IncomingMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private let file: Descriptor
    private let status: FileStatus
    private var octets: MboxMessageOctets
    private(set) var failure: StoreError?

    init(_ message: MboxContent.Message, in content: MboxContent) throws(FormatsError) {
        (uid, announcedOctetCount, status) = (message.uid, message.key.count, content.status)
        file = try Descriptor.openForReading(content.path)
        octets = MboxMessageOctets(message.range)
    }

    func next() async throws(StoreError) -> [UInt8]? {
        do throws(FormatsError) {
            while let piece = try octets.next(file) {
                // Somebody who writes in place would otherwise have us read of two messages.
                guard try file.status() == status else {
                    throw FormatsError(
                        .ioFailed, "another program changed the mailbox",
                        path: String(decoding: file.path, as: UTF8.self))
                }
                if !piece.isEmpty { return piece }
            }
            return nil
        } catch {
            let failure = error.storeError()
            self.failure = failure
            throw failure
        }
    }
}
