public import MailCore

/// Which mailboxes of A a run is about.
public enum MailboxPattern: Sendable, Hashable, ExpressibleByStringLiteral {
    /// A name with `/` between components, where `*` stands for anything.
    case glob(String)
    /// One mailbox, by the store's own name or with `/` between components.
    case named(String)
    /// The same, and every mailbox below it.
    case tree(String)
    /// A regular expression found anywhere in the store's own name or the one with `/`.
    case expression(String)

    public init(stringLiteral value: String) { self = .glob(value) }

    /// As it was given.
    public var text: String {
        switch self {
        case .glob(let text), .named(let text), .tree(let text), .expression(let text): text
        }
    }

    /// An expression that cannot be understood.
    public var isFaulty: Bool {
        if case .expression(let text) = self { (try? Regex(text)) == nil } else { false }
    }

    /// - Parameters:
    ///   - name: with `/` between components.
    ///   - own: as the store spells it.
    func matches(_ name: String, own: MailboxName) -> Bool {
        switch self {
        case .glob(let pattern): return Self.matches(name, pattern)
        case .named(let text): return [name, own.text].contains { Self.isSame($0, text) }
        case .tree(let text):
            let delimiter = own.delimiter.map { String(UnicodeScalar($0)) } ?? "/"
            return Self.isSame(name, text) || Self.isSame(own.text, text) || name.hasPrefix(text + "/")
                || own.text.hasPrefix(text + delimiter)
        case .expression(let text):
            guard let regex = try? Regex(text) else { return false }
            return [name, own.text].contains { (try? regex.firstMatch(in: $0)) ?? nil != nil }
        }
    }

    private static func isSame(_ name: String, _ text: String) -> Bool {
        name == text || (name == "INBOX" && text.uppercased() == "INBOX")
    }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return isSame(name, pattern) }
        guard name.hasPrefix(first) else { return false }
        var rest = name.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(last) && rest.count >= last.count
    }
}

/// What a run is about. A message outside of it is neither copied nor changed nor deleted, and never counts as gone.
public struct PairSelection: Sendable, Hashable {
    /// Empty: all.
    public var mailboxes: [MailboxPattern]
    public var excludedMailboxes: [MailboxPattern]
    /// Internal dates, in seconds since 1970: from here on.
    public var since: Int64?
    /// Before this.
    public var before: Int64?
    /// With ``since`` not before ``before``: messages on either side of the gap, not none.
    public var takesEitherAge = false
    public var minimumOctets: Int?
    public var maximumOctets: Int?
    /// Asked of a ``SearchingStore``; any other end answers what needs no octets.
    public var search: SearchProgram?

    public init(
        mailboxes: [MailboxPattern] = [], excludedMailboxes: [MailboxPattern] = [], since: Int64? = nil,
        before: Int64? = nil, minimumOctets: Int? = nil, maximumOctets: Int? = nil, search: SearchProgram? = nil
    ) {
        (self.mailboxes, self.excludedMailboxes) = (mailboxes, excludedMailboxes)
        (self.since, self.before, self.search) = (since, before, search)
        (self.minimumOctets, self.maximumOctets) = (minimumOctets, maximumOctets)
    }

    /// Some messages of a mailbox may be outside.
    var isOfMessages: Bool {
        since != nil || before != nil || minimumOctets != nil || maximumOctets != nil || search != nil
    }

    func contains(_ path: PairNaming.Path, _ own: MailboxName) -> Bool {
        let name = PairNaming.text(path)
        guard !excludedMailboxes.contains(where: { $0.matches(name, own: own) }) else { return false }
        return mailboxes.isEmpty || mailboxes.contains { $0.matches(name, own: own) }
    }

    /// Whether the message is selected; what the store does not tell counts as selected.
    ///
    /// - Parameter found: what the store's own search found, where it was asked.
    func contains(_ message: MessageSummary, found: UIDSet?) -> Bool {
        if let date = message.internalDate?.secondsSinceEpoch {
            let isLate = since.map { date >= $0 } ?? true
            let isEarly = before.map { date < $0 } ?? true
            guard takesEitherAge ? isLate || isEarly : isLate && isEarly else { return false }
        }
        if let count = message.octetCount {
            if let minimumOctets, count < minimumOctets { return false }
            if let maximumOctets, count > maximumOctets { return false }
        }
        if let found { return found.contains(message.uid) }
        return search?.matches(message) ?? true
    }
}

extension PairPlanner {
    /// Whether the link's message is selected: by A's where it is there, else by B's.
    func isSelected(_ work: Work) -> Bool {
        guard situation.selection.isOfMessages, !work.wasBegun else { return true }
        for side in PairSide.allCases where work.isPresent(side) {
            guard let end = work.link[side], let uid = end.uid else { continue }
            let summary = MessageSummary(
                uid: uid, flags: work.flags(side), internalDate: end.internalDate, octetCount: end.octetCount)
            return situation.selection.contains(summary, found: half(end, side)?.found)
        }
        return true
    }
}

extension PairRun {
    /// Tells one selection from another in the state, and shows nothing of it; empty where all is selected.
    var selectionMark: String {
        guard options.selection != PairSelection() else { return "" }
        let hash = options.hashing.start()
        hash.update(key[...])
        hash.update(Array("\(options.selection)".utf8)[...])
        return " " + hash.finish().prefix(8).map { String($0, radix: 16) }.joined(separator: ".")
    }

    /// Asks each end for the selected messages of the mailboxes in which there may be something to do.
    ///
    /// A mailbox that cannot be searched counts as one in which nothing is selected.
    mutating func search(_ situation: PairSituation) async throws {
        guard let program = options.selection.search else { return }
        var open = BothSides(Set<Int64>(), Set<Int64>())
        for message in situation.fresh {
            if let row = mailboxes[message.pair].halves[message.side]?.row { open[message.side].insert(row) }
        }
        for touched in situation.links {
            for side in PairSide.allCases {
                if let end = touched.link[side], end.uid != nil { open[side].insert(end.mailbox) }
            }
        }
        if options.sourceDeletionAge != nil { open.a.formUnion(mailboxes.compactMap { $0.halves.a?.row }) }
        for side in PairSide.allCases {
            let store = ends[side].store as? any SearchingStore
            if store == nil, let name = program.firstKeyForServer {
                guard side == .a || policy.asksAboutB else {
                    takeAll(side)
                    continue
                }
                throw SyncError(
                    .requestRefused,
                    "\(ends[side].name) cannot search for \(name): only flags, keywords, arrival dates, sizes and UIDs")
            }
            guard let store else { continue }
            for position in mailboxes.indices {
                guard let half = mailboxes[position].halves[side], open[side].contains(half.row),
                    let validity = half.uidValidity ?? baseRows[side][half.row]?.uidValidity, half.isThere
                else { continue }
                let uids = try await found(program, half.name, validity, store, side)
                mailboxes[position].halves[side]?.found = uids
            }
        }
    }

    private mutating func takeAll(_ side: PairSide) {
        for position in mailboxes.indices {
            mailboxes[position].halves[side]?.found = UIDSet(ranges: [1...UInt32.max])
        }
    }

    private mutating func found(
        _ program: SearchProgram, _ mailbox: MailboxName, _ validity: UIDValidity, _ store: any SearchingStore,
        _ side: PairSide
    ) async throws -> UIDSet {
        do { return try await store.search(program, in: mailbox, uidValidity: validity) } catch {
            if error.kind == .capabilityMissing {
                throw SyncError(.requestRefused, "\(ends[side].name): \(error.message)")
            }
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            report.update(side, mailbox) { $0.failure = error }
            return UIDSet()
        }
    }
}

extension PairPolicy {
    /// Something may be done because of what B alone has.
    fileprivate var asksAboutB: Bool { writesA || newInB != .keep || goneInA == .delete }
}
