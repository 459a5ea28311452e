public import MailCore

/// A file in mbox format, or a tree of them, for reading; nothing in it is ever changed.
///
/// A file that starts with `From ` is a mailbox; UIDs are made from the headers, so they survive others' removal.
public struct MboxStore: MailStore {
    private let root: [UInt8]
    private let isSingle: Bool
    /// True: quoting of From_ lines is undone, and the messages are ``Fidelity/unescaped``.
    public let unquotes: Bool
    private let known = KnownPaths()
    /// LIMIT: directories inside one another.
    private static let depthLimit = 32

    public init(path: String, unquotes: Bool = false) throws(FormatsError) {
        root = Array(path.utf8)
        guard let status = FileStatus.at(root) else { throw FormatsError(.notFound, "no such file", path: path) }
        isSingle = !status.isDirectory
        self.unquotes = unquotes
    }

    /// How true the octets are; of one message it is exact also with `unquotes` when it has no quoted line.
    public var fidelity: Fidelity { unquotes ? .unescaped : .exact }

    public var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 1, implementation: "mbox") }
    }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let (found, isComplete) = files()
        return (found.map { MailboxListing(name: $0.name) }, isComplete)
    }

    public func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError)
        -> MailboxObservation
    {
        let (reader, uids, _) = try read(mailbox)
        let summaries = zip(reader.entries, uids).map { entry, uid in
            MessageSummary(
                uid: uid, flags: entry.flags,
                internalDate: entry.fromLine.secondsSinceEpoch.map { InternalDate(secondsSinceEpoch: $0) },
                octetCount: entry.range.count)
        }
        return SyntheticUID.observation(summaries)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try SyntheticUID.require(uidValidity, of: mailbox)
        let (reader, uids, path) = try read(mailbox)
        let entries = Dictionary(zip(uids, reader.entries)) { first, _ in first }
        return try await deliver(messages, consume) { uid in
            guard let entry = entries[uid] else {
                return .failure(FormatsError(.notFound, "the message is gone", path: mailbox.text))
            }
            do throws(FormatsError) {
                let file = try Descriptor.openForReading(path)
                let isQuoted = unquotes && entry.quotedLineCount > 0
                return .success(FileMessage(uid: uid, file: file, range: entry.range, unquotes: isQuoted))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The dialect of a mailbox's file, as far as it shows.
    public func dialect(of mailbox: MailboxName) throws(StoreError) -> MboxDialect { try read(mailbox).reader.dialect }

    private func read(_ mailbox: MailboxName) throws(StoreError) -> (reader: MboxReader, uids: [UID], path: [UInt8]) {
        let path = try known.path(of: mailbox) { files().found.map { ($0.name, $0.path) } }
        do {
            let reader = try MboxReader(octets: path)
            let hashes = reader.entries.map { SyntheticUID.hash(String($0.headerHash).utf8) }
            return (reader, SyntheticUID.assign(hashes), path)
        } catch {
            throw error.storeError(mailbox)
        }
    }

    /// Every mailbox with its file. Explicit stack.
    private func files() -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        if isSingle {
            let name = root.lastIndex(of: 0x2F).map { Array(root[($0 + 1)...]) } ?? root
            return ([(MailboxName(octets: name, delimiter: 0x2F), root)], true)
        }
        var found: [(name: MailboxName, path: [UInt8])] = []
        var isComplete = true
        var stack: [(path: [UInt8], name: [UInt8], depth: Int)] = [(root, [], 0)]
        while let (path, prefix, depth) = stack.popLast() {
            guard let names = try? Directory.names(path) else {
                isComplete = false
                continue
            }
            for name in names {
                let child = path + [0x2F] + name
                guard let status = FileStatus.at(child) else { continue }
                let full = prefix.isEmpty ? name : prefix + [0x2F] + name
                if status.isDirectory {
                    // QUIRK: Thunderbird keeps the mailboxes below `Inbox` in `Inbox.sbd`.
                    let isThunderbird = full.suffix(4).elementsEqual(".sbd".utf8)
                    let inner = isThunderbird ? Array(full.dropLast(4)) : full
                    if depth < Self.depthLimit { stack.append((child, inner, depth + 1)) } else { isComplete = false }
                } else if status.isRegular, Self.startsAsMbox(child) {
                    found.append((MailboxName(octets: full, delimiter: 0x2F), child))
                }
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, isComplete)
    }

    private static func startsAsMbox(_ path: [UInt8]) -> Bool {
        guard let file = try? Descriptor.openForReading(path), let start = try? file.read(5, at: 0) else {
            return false
        }
        return start.elementsEqual("From ".utf8)
    }
}
