public import MailCore

/// A tree of directories with one message a file (`.eml`), for reading; a directory with messages is a mailbox.
public struct EMLStore: MailStore {
    private let root: [UInt8]
    private let known = KnownPaths()
    /// LIMIT: directories inside one another.
    private static let depthLimit = 32

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
        var summaries: [MessageSummary] = []
        for (uid, path) in try list(mailbox) {
            guard let status = FileStatus.at(path) else { continue }
            summaries.append(
                MessageSummary(
                    uid: uid, flags: [], internalDate: InternalDate(secondsSinceEpoch: status.modified),
                    octetCount: status.octetCount))
        }
        return SyntheticUID.observation(summaries)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try SyntheticUID.require(uidValidity, of: mailbox)
        let paths = Dictionary(try list(mailbox)) { first, _ in first }
        return try await deliver(messages, consume) { uid in
            guard let path = paths[uid] else {
                return .failure(FormatsError(.notFound, "the file is gone", path: mailbox.text))
            }
            do throws(FormatsError) {
                let file = try Descriptor.openForReading(path)
                let count = try file.status().octetCount
                return .success(FileMessage(uid: uid, file: file, range: 0..<count, unquotes: false))
            } catch {
                return .failure(error)
            }
        }
    }

    private func list(_ mailbox: MailboxName) throws(StoreError) -> [(UID, [UInt8])] {
        let path = try known.path(of: mailbox) { directories().found.map { ($0.name, $0.path) } }
        let files = Self.messages(in: path, (try? Directory.names(path)) ?? [])
        let uids = SyntheticUID.assign(files.map { SyntheticUID.hash($0) })
        return zip(uids, files).map { ($0, path + [0x2F] + $1) }
    }

    private func directories() -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        var found: [(name: MailboxName, path: [UInt8])] = []
        var isComplete = true
        var stack: [(path: [UInt8], name: [UInt8], depth: Int)] = [(root, [], 0)]
        while let (path, prefix, depth) = stack.popLast() {
            guard let names = try? Directory.names(path) else {
                isComplete = false
                continue
            }
            for name in names {
                guard FileStatus.at(path + [0x2F] + name)?.isDirectory == true else { continue }
                let full = prefix.isEmpty ? name : prefix + [0x2F] + name
                if depth < Self.depthLimit {
                    stack.append((path + [0x2F] + name, full, depth + 1))
                } else {
                    isComplete = false
                }
            }
            let name = prefix.isEmpty ? Array("INBOX".utf8) : prefix
            if !Self.messages(in: path, names).isEmpty {
                found.append((MailboxName(octets: name, delimiter: 0x2F), path))
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, isComplete)
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
