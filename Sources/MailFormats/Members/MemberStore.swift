public import MailCore

/// An archive of files, or files that are read like one; nothing of it is ever written to disk.
///
/// Its messages are read in the order in which they lie: UIDs are places, and the UIDVALIDITY stands for all of them. A
/// compressed archive is read from its start once to find the messages, and once more for each mailbox.
public struct MemberStore: ImportStore {
    private let source: any MemberSource
    private let sorting: MemberScan.Sorting
    private let unquotes: Bool
    private let path: String
    private let state = MemberState()
    /// Tells messages of this reading from those of any other; the same number is the same message.
    private let reading = UInt64.random(in: 0...UInt64.max)

    private init(_ source: any MemberSource, _ path: String, _ sorting: MemberScan.Sorting, _ unquotes: Bool) {
        (self.source, self.path, self.sorting, self.unquotes) = (source, path, sorting, unquotes)
    }

    /// A zip archive of `.eml` files, mbox files and Maildirs.
    ///
    /// - Parameter unquotes: whether quoting of From_ lines in an mbox is undone.
    /// - Throws: `.notAMailStore`, `.damaged`.
    public static func zip(_ path: String, unquotes: Bool = false) throws(FormatsError) -> MemberStore {
        MemberStore(try ZipArchive(Array(path.utf8)), path, .folders, unquotes)
    }

    /// A tar archive of the same, plain or compressed with gzip or zstd.
    ///
    /// - Throws: `.notAMailStore`, `.damaged`.
    public static func tar(_ path: String, unquotes: Bool = false) throws(FormatsError) -> MemberStore {
        MemberStore(try TarArchive(Array(path.utf8)), path, .folders, unquotes)
    }

    /// An export of Gmail: its mbox, the folder it is in, or the zip or tar archive it came in.
    ///
    /// - Throws: `.notAMailStore`, `.damaged`.
    public static func takeout(_ path: String, unquotes: Bool = false) throws(FormatsError) -> MemberStore {
        let octets = Array(path.utf8)
        guard let status = FileStatus.at(octets) else { throw FormatsError(.notFound, "no such file", path: path) }
        let source: any MemberSource
        let start = status.isDirectory ? [] : try Descriptor.openForReading(octets).read(5, at: 0)
        if status.isDirectory || start.elementsEqual("From ".utf8) {
            source = MboxFiles(octets, isFolder: status.isDirectory)
        } else if start.starts(with: [0x50, 0x4B]) {
            source = try ZipArchive(octets)
        } else {
            source = try TarArchive(octets)
        }
        return MemberStore(source, path, .labels, unquotes)
    }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 1, implementation: "files") }
    }

    public var findings: ImportFindings { listing.findings }

    public func place(of uid: UID, in mailbox: MailboxName) -> String? {
        let listing = listing
        return listing.item(uid, in: mailbox).map { "\(path): \(listing.place($0))" }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        (listing.mailboxes, listing.isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        let census = try await census(of: mailbox)
        let summaries = try await describe(census.uids, of: mailbox, uidValidity: census.status.uidValidity)
        return MailboxObservation(status: census.status, content: .full(summaries), isComplete: census.isComplete)
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let listing = listing
        guard let places = listing.byMailbox[mailbox] else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        let status = MailboxStatus(
            uidValidity: listing.uidValidity, uidNext: nil, messageCount: places.count, highestModSeq: nil)
        return MailboxCensus(
            status: status, uids: UIDSet(places.lazy.compactMap { UID($0 + 1) }), isComplete: listing.isComplete)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let listing = try listing(uidValidity, of: mailbox)
        return uids.uids.compactMap { uid in listing.item(uid, in: mailbox).map { summary($0, uid) } }
    }

    private func summary(_ item: MemberItem, _ uid: UID) -> MessageSummary {
        // With labels a message is in several mailboxes under one UID: it is read once.
        MessageSummary(
            uid: uid, flags: item.flags, internalDate: item.date.map { InternalDate(secondsSinceEpoch: $0) },
            octetCount: item.octetCount,
            objectID: sorting == .labels && item.problem == nil ? "reading:\(reading)-\(uid)" : nil,
            fidelity: unquotes && item.isQuoted ? .unescaped : .exact)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let listing = try listing(uidValidity, of: mailbox)
        let reader = state.takeReader() ?? MemberReader(source)
        defer { state.putBack(reader) }
        return try await deliver(messages, consume) { uid in
            do throws(FormatsError) {
                guard let item = listing.item(uid, in: mailbox) else {
                    throw FormatsError(.notFound, "the message is gone", path: mailbox.text)
                }
                if let problem = item.problem { throw FormatsError(.damaged, problem, path: path) }
                let member = listing.members[Int(item.member)]
                return .success(try reader.message(uid, item, in: member, unquotes: unquotes && item.isQuoted))
            } catch {
                return .failure(error)
            }
        }
    }

    private func listing(_ uidValidity: UIDValidity, of mailbox: MailboxName) throws(StoreError) -> MemberListing {
        let listing = listing
        guard listing.uidValidity == uidValidity else {
            throw StoreError(.uidValidityChanged, "not a UIDVALIDITY of this store", mailbox: mailbox)
        }
        return listing
    }

    /// Read at the first call.
    private var listing: MemberListing { state.listing { MemberScan.listing(of: source, sorting) } }
}
