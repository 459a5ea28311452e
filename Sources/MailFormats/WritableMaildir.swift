import Glibc
public import MailCore
import Synchronization

/// A Maildir++ tree as an end of a sync; other programs may read and write it at the same time.
///
/// Nothing but mail is put into it: UIDs are kept in `uidLists` (``MaildirUIDList``), whatever `dovecot-uidlist` says.
/// A name is changed by rename only, a message removed by its own name; a message is in `cur` when it is durable.
// SAFETY: `writer` is used inside ``withWriter(_:)`` only, by one task at a time.
public final class WritableMaildir: SyncStore, PartwiseStore, StagingStore, @unchecked Sendable {
    let reader: MaildirStore
    private let writer: MaildirWriter
    private let lock = Mutex<Void>(())
    private let uidLists: [UInt8]
    /// As they were when they were read or written last.
    private let lists = Mutex<[MailboxName: MaildirUIDList]>([:])
    private let listed = LastListing<MaildirStore.Content>()
    /// Seen before it was asked for.
    private let ahead = Mutex<[MailboxName: MaildirStore.Content]>([:])
    let now: @Sendable () -> Int64

    /// Opens the tree at `path`, or makes it with an INBOX; its parent must exist. `uidLists` is made, too.
    ///
    /// - Parameters:
    ///   - host, processID: part of each new file's name.
    ///   - now: seconds since 1970.
    /// - Throws: `.notAMailStore` for a folder that is no Maildir and not empty.
    public init(
        path: String, uidLists: String, host: String, processID: Int32, now: @escaping @Sendable () -> Int64
    ) throws(FormatsError) {
        let octets = Array(path.utf8)
        if FileStatus.at(octets) != nil, !MaildirStore.isMaildir(octets),
            try Directory.names(octets).contains(where: { $0.first != 0x2E })
        {
            throw FormatsError(.notAMailStore, "neither a Maildir nor an empty folder", path: path)
        }
        writer = try MaildirWriter(path: path, host: host, processID: processID, durability: .atFinish)
        reader = try MaildirStore(path: path)
        self.uidLists = Array(uidLists.utf8)
        self.now = now
        let parent = self.uidLists.lastIndex(of: 0x2F).map { Array(self.uidLists[..<$0]) } ?? [0x2E]
        let name = self.uidLists.lastIndex(of: 0x2F).map { Array(self.uidLists[($0 + 1)...]) } ?? self.uidLists
        try Descriptor.openDirectory(parent).makeDirectory(name)
    }

    func withWriter<T: Sendable, E: Error>(_ body: (MaildirWriter) throws(E) -> T) throws(E) -> T {
        try lock.withLock { _ throws(E) in try body(writer) }
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { try await reader.traits }
    }

    public var abilities: StoreAbilities {
        get async throws(StoreError) { StoreAbilities() }
    }

    public func hierarchy() async throws(StoreError) -> StoreHierarchy {
        StoreHierarchy(delimiter: UInt8(ascii: "."))
    }

    // MARK: Looking

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = try reader.directories()
        let listings = found.map { mailbox in
            MailboxListing(name: mailbox.name, mailboxID: FileStatus.at(mailbox.path).map { "inode:\($0.serial)" })
        }
        return (listings, isComplete)
    }

    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        MaildirStore.observation(of: try seen(mailbox), since: cursor)
    }

    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?, limit: Int
    ) async throws(StoreError) -> MailboxObservation {
        let content = try seen(mailbox)
        guard content.files.count <= limit else { throw .tooMuch(in: mailbox) }
        return MaildirStore.observation(of: content, since: cursor)
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        MaildirStore.census(of: try look(mailbox))
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        MaildirStore.summaries(of: uids, try content(of: mailbox, uidValidity))
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let content = try content(of: mailbox, uidValidity, messages.lazy.map(\.uid))
        return try await reader.fetch(messages, from: mailbox, content, again: look, consume)
    }

    /// LIMIT: messages looked at ahead, and octets of the list of UIDs of a mailbox that is.
    private static let aheadCount = 20_000
    private static let aheadListLimit = 1 << 19

    public func lookAhead(at mailboxes: [MailboxName]) async {
        ahead.withLock { $0 = [:] }
        var count = 0
        for mailbox in mailboxes where count < Self.aheadCount && !Task.isCancelled {
            // A mailbox without a list is new, and nobody knows how large it is.
            guard let directory = try? reader.directory(of: mailbox), let name = try? Self.listName(directory),
                let list = FileStatus.at(uidLists + [0x2F] + name), list.octetCount < Self.aheadListLimit,
                let content = try? look(mailbox)
            else { continue }
            count += content.files.count
            ahead.withLock { $0[mailbox] = content }
        }
    }

    private func seen(_ mailbox: MailboxName) throws(StoreError) -> MaildirStore.Content {
        if let content = ahead.withLock({ $0.removeValue(forKey: mailbox) }) { return content }
        return try look(mailbox)
    }

    /// What is in `mailbox`; every message has its UID for good afterwards.
    func look(_ mailbox: MailboxName) throws(StoreError) -> MaildirStore.Content {
        listed.forget()
        let directory = try reader.directory(of: mailbox)
        do throws(FormatsError) {
            let name = try Self.listName(directory)
            let lock = try Descriptor.openDirectory(uidLists)
            try lock.lock()
            var files = try MaildirFiles(in: directory)
            let list = try MaildirUIDList.assign(&files, name, in: uidLists)
            lists.withLock { $0[mailbox] = list }
            let content = MaildirStore.Content(
                directory: directory, files: files, validity: list.validity, next: UID(list.next),
                keywords: reader.keywords(in: directory))
            return listed.note(content, of: mailbox)
        } catch { throw error.storeError(mailbox) }
    }

    private static func listName(_ directory: [UInt8]) throws(FormatsError) -> [UInt8] {
        guard let serial = FileStatus.at(directory)?.serial else {
            throw FormatsError(.notFound, "it is gone", path: String(decoding: directory, as: UTF8.self))
        }
        return Array("uids-\(serial)".utf8)
    }

    /// What is in `mailbox`, as it was listed last if that has all of `uids`; files may have other names by now.
    ///
    /// - Throws: `.uidValidityChanged`.
    func content(
        of mailbox: MailboxName, _ uidValidity: UIDValidity, _ uids: some Sequence<UID> = []
    ) throws(StoreError) -> MaildirStore.Content {
        if let content = listed.content(of: mailbox), content.validity == uidValidity,
            uids.allSatisfy(content.files.contains)
        {
            return content
        }
        return try look(mailbox, uidValidity)
    }

    /// The same as it is now, provided UIDs still mean what they meant.
    func look(_ mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) -> MaildirStore.Content {
        let content = try look(mailbox)
        guard content.validity == uidValidity else {
            throw StoreError(.uidValidityChanged, "the UIDVALIDITY is now \(content.validity)", mailbox: mailbox)
        }
        return content
    }

    // MARK: Taking messages in

    public func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        do throws(FormatsError) {
            try withWriter { writer throws(FormatsError) in try writer.create(mailbox) }
        } catch { throw error.storeError() }
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        DeliveryTraits(uidValidity: try look(mailbox).validity, keepsUTF8Headers: true, takesNUL: true)
    }

    /// LIMIT: messages and octets made durable together.
    private static let groupCount = 100
    private static let groupOctetCount = 16 << 20

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        _ = try reader.directory(of: mailbox)
        var isAtEnd = false
        while !isAtEnd {
            var group: [(message: any OutgoingMessage, staged: MaildirWriter.Staged)] = []
            var octetCount = 0
            while group.count < Self.groupCount, octetCount < Self.groupOctetCount {
                let message: (any OutgoingMessage)?
                do { message = try await next() } catch { throw Self.failure(error, mailbox) }
                guard let message else {
                    isAtEnd = true
                    break
                }
                let staged = try stage(message, for: mailbox)
                octetCount += staged.file.octetCount
                group.append((message, staged))
            }
            let outcomes = try await publish(group.map(\.staged), in: mailbox)
            for (entry, outcome) in zip(group, outcomes) {
                do { try await each(entry.message, outcome) } catch { throw Self.failure(error, mailbox) }
            }
        }
    }

    public func stage(for mailbox: MailboxName) throws(StoreError) -> any SpoolFile {
        _ = try reader.directory(of: mailbox)
        do throws(FormatsError) {
            return try withWriter { writer throws(FormatsError) in try writer.makeFile(for: mailbox, now: now()) }
        } catch { throw error.storeError(mailbox) }
    }

    private func stage(
        _ message: any OutgoingMessage, for mailbox: MailboxName
    ) throws(StoreError) -> MaildirWriter.Staged {
        do {
            if let file = message.file as? StagedFile, file.mailbox == mailbox, !file.isPublished {
                return try withWriter { writer in
                    try writer.stage(file, flags: message.flags, internalDate: message.internalDate, now: now())
                }
            }
            let source = try message.open()
            return try withWriter { writer in
                try writer.stage(
                    for: mailbox, flags: message.flags, internalDate: message.internalDate, now: now()
                ) { () throws(FormatsError) in
                    do throws(StoreError) { return try source.next() } catch {
                        throw FormatsError(.ioFailed, "the message cannot be read: \(error)", path: mailbox.text)
                    }
                }
            }
        } catch { throw Self.failure(error, mailbox) }
    }

    /// Makes staged messages durable, then messages of the mailbox, then gives them UIDs.
    private func publish(
        _ staged: [MaildirWriter.Staged], in mailbox: MailboxName
    ) async throws(StoreError) -> [DeliveryOutcome] {
        guard !staged.isEmpty else { return [] }
        let directory = try reader.directory(of: mailbox)
        let current = directory + Array("/cur".utf8)
        do {
            // ORDER: the octets are safe before the name says they are.
            try await SyncLanes.sync(staged.map(\.path))
            let bases = try withWriter { writer throws(FormatsError) in
                writer.forgetKeywords()
                var bases: [[UInt8]] = []
                for message in staged { bases.append(try writer.publish(message)) }
                return bases
            }
            // Of the names and the UIDs either may be lost alone: a name without a UID gets one when it is found, and a
            // UID without a name is never given again.
            let (validity, uids, list) = try assign(bases, in: mailbox, directory)
            try await SyncLanes.sync(list.map { [current, $0] } ?? [current])
            return uids.map { .delivered(validity, $0) }
        } catch { throw (error as? FormatsError)?.storeError(mailbox) ?? Self.failure(error, mailbox) }
    }

    /// Gives new files UIDs, without listing the mailbox where nobody else did so meanwhile.
    ///
    /// The UIDs are for good once the file `list` is durable, if there is one.
    func assign(
        _ bases: [[UInt8]], in mailbox: MailboxName, _ directory: [UInt8]
    ) throws(StoreError) -> (validity: UIDValidity, uids: [UID?], list: [UInt8]?) {
        if var list = lists.withLock({ $0[mailbox] }) {
            do throws(FormatsError) {
                let lock = try Descriptor.openDirectory(uidLists)
                try lock.lock()
                if try list.isOf(Self.listName(directory)), list.isCurrent {
                    let uids = try list.assign(bases)
                    lists.withLock { $0[mailbox] = list }
                    return (list.validity, uids, list.path)
                }
            } catch { throw error.storeError(mailbox) }
        }
        let content = try look(mailbox)
        let uids = bases.map { base in
            content.files.positions(ofBase: base).first.map { content.files.uid(at: $0) }
        }
        return (content.validity, uids, nil)
    }

    static func failure(_ error: any Error, _ mailbox: MailboxName) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as FormatsError: error.storeError()
        case is CancellationError: StoreError(.cancelled, "The delivery was cancelled", mailbox: mailbox)
        default: StoreError(.consumerFailed, "A message could not be read", mailbox: mailbox, cause: error)
        }
    }
}
