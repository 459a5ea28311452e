public import MailCore

/// What an erasure takes away and what it writes again; made by ``ArchiveReader/planErasure(of:parts:records:)``.
public struct ErasurePlan: Sendable {
    public var messages: [RandomID]
    /// Parts no other living message refers to.
    public var parts: [RandomID]
    /// Event records that speak of the messages.
    public var records: [RecordChange]
    /// Stored octets whose keys go: what compaction will give back.
    public var deadOctetCount: UInt64

    public struct RecordChange: Sendable {
        public var sequence: UInt64
        /// The record that goes.
        public var keyID: RandomID
        public var droppedEventCount: Int
        /// Accounts that what stays speaks of; `nil` if nothing stays.
        public var accounts: Set<String>?
        /// What is written in its place.
        package var replacement: EventRecord?
    }

    /// Key ids of everything that dies.
    public var targets: [RandomID] { messages + parts + records.map(\.keyID) }
}

extension ArchiveReader {
    /// Plans the erasure of `messages`; reads their recipes and the event records concerned, changes nothing.
    ///
    /// - Parameter parts: what a catalog knows: parts of these messages no other one refers to, and those one does. Where
    ///   that contradicts the recipes, every recipe of the archive is read instead.
    /// - Throws: `.missing`, `.erased`, `.damaged`.
    public func planErasure(
        of messages: [RandomID], parts: (dying: [RandomID], shared: [RandomID]), records: [EventScope]
    ) throws(ArchiveError) -> ErasurePlan {
        var referred: Set<RandomID> = []
        for message in messages { referred.formUnion(try self.message(message).parts) }
        var dying = Set(parts.dying)
        if dying.union(parts.shared) != referred {
            dying = referred.subtracting(try livingReferences(to: referred, except: Set(messages)))
        }
        let erased = Set(messages)
        var plan = ErasurePlan(
            messages: messages, parts: dying.sorted { $0.octets.lexicographicallyPrecedes($1.octets) }, records: [],
            deadOctetCount: 0)
        for scope in records {
            if let change = try change(of: scope, erased) { plan.records.append(change) }
        }
        for target in plan.targets { plan.deadOctetCount += try directory.find(target).storedLength }
        return plan
    }

    private func change(
        of scope: EventScope, _ messages: Set<RandomID>
    ) throws(ArchiveError) -> ErasurePlan.RecordChange? {
        let blob = try blob(scope.keyID)
        guard blob.location.kind == .events else {
            throw ArchiveError(.missing, "\(scope.keyID) is not an event record")
        }
        var record = try EventRecord(decoding: blob.all(limit: EventRecord.maximumLength))
        guard record.sequence == scope.sequence else {
            throw ArchiveError(.damaged, "the event record \(scope.keyID) is not that of sequence \(scope.sequence)")
        }
        let before = record.events
        var filter = EventFilter(messages: messages, scope: scope)
        record.events = before.compactMap { filter.keep($0) }
        guard record.events != before else { return nil }
        return ErasurePlan.RecordChange(
            sequence: scope.sequence, keyID: scope.keyID, droppedEventCount: before.count - record.events.count,
            accounts: record.events.isEmpty ? nil : Set(record.events.map(\.account)),
            replacement: record.events.isEmpty ? nil : record)
    }

    /// Those of `parts` that a living message other than `messages` refers to, by the recipes of the whole archive.
    package func livingReferences(
        to parts: Set<RandomID>, except messages: Set<RandomID>
    ) throws(ArchiveError) -> Set<RandomID> {
        var living: Set<RandomID> = []
        do {
            try ArchiveContents(archive).forEachRecord { location in
                guard location.kind == .recipe, !messages.contains(location.keyID) else { return }
                let recipe = try Recipe(decoding: open(location).all(limit: Recipe.maximumLength))
                living.formUnion(parts.intersection(recipe.parts.map(\.keyID)))
            }
        } catch let error as ArchiveError { throw error } catch {
            throw ArchiveError(.internalError, "the recipes cannot be read", cause: error)
        }
        return living
    }
}
