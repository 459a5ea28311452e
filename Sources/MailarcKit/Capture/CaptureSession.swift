import ArchiveCatalog
import ArchiveStore
import MailCore
import MailSync

/// Deliveries go into an archive.
struct ArchiveDeliveries: CaptureStore {
    let archive: Archive
    /// What the process is called where somebody asks who writes.
    let command: String
    let compressionLevel: Int?

    var path: String { archive.path }

    func open() async throws(KitError) -> any CaptureHold {
        try await CaptureSession(archive, command: command, compressionLevel: compressionLevel)
    }
}

/// The archive, held for some groups of deliveries: takes them in, places them, makes each group durable.
struct CaptureSession: CaptureHold {
    private let workspace: Workspace
    private let writer: ArchiveWriter
    private let destination: ArchiveDestination
    private var mailboxes: [MailboxKey: OpenMailbox] = [:]
    private var accounts: [String: KitError?] = [:]

    private struct MailboxKey: Hashable {
        var account: String
        var name: MailboxName
    }

    private struct OpenMailbox {
        var uidValidity: UIDValidity
        var uidNext: UID
        /// No event made it yet.
        var isNew: Bool
        /// UIDs were given since the last group.
        var isChanged = false
    }

    /// What of a group is in the lanes, by position.
    private typealias Taken = [Result<MailSync.IngestedMessage, KitError>]

    /// LIMIT: lanes that hash, compress and seal side by side; each has a pack of its own.
    private static let laneCount = 2

    /// Opens `archive` as it is now, and takes the writer's lock.
    ///
    /// - Throws: `.busy` where another process writes.
    init(_ archive: Archive, command: String, compressionLevel: Int?) async throws(KitError) {
        let workspace = try await Workspace.reopen(archive)
        do throws(KitError) {
            writer = try await workspace.openWriter(compressionLevel: compressionLevel, command: command)
        } catch {
            await workspace.close()
            throw error
        }
        self.workspace = workspace
        destination = ArchiveDestination(
            account: "", writer: writer, catalog: workspace.catalog, archive: workspace.archive)
    }

    func close() async throws(KitError) {
        destination.finish()
        var failure: KitError?
        do { try await writer.close() } catch { failure = KitError(error, at: workspace.path) }
        await workspace.close()
        if let failure { throw failure }
    }

    mutating func store(_ group: [CapturedMessage]) async throws(KitError) -> [Result<ArchivedDelivery, KitError>] {
        var taken = try await ingest(group.filter { !$0.targets.isEmpty })[...]
        var skips: [String: UInt64] = [:]
        var events: [OccurrenceEvent] = []
        var results: [Result<ArchivedDelivery, KitError>] = []
        var placed: [RandomID: [DeliveryRow]] = [:]
        for message in group {
            switch message.targets.isEmpty ? nil : taken.popFirst() {
            case nil:
                skips.merge(message.skips, uniquingKeysWith: +)
                results.append(.success(.skipped(message, groupSize: group.count)))
            case .failure(let error): results.append(.failure(error))
            case .success(let ingested):
                do throws(KitError) {
                    let places = try place(message, ingested, &events, &placed)
                    skips.merge(message.skips, uniquingKeysWith: +)
                    results.append(
                        .success(
                            ArchivedDelivery(
                                name: "\(ingested.message)", octetCount: ingested.octetCount, places: places,
                                groupSize: group.count)))
                } catch  where error.kind == .usage {
                    results.append(.failure(error))
                }
            }
        }
        noteUIDs(&events)
        do {
            try await destination.record(events)
            destination.skip(skips)
            _ = try await destination.commit()
        } catch { throw KitError(storing: error, at: workspace.path) }
        return results
    }

    /// Notes that the messages of a segment are durable here, and how many its host skipped.
    func adopted(
        _ header: SegmentHeader, digest: [UInt8], of host: CaptureHost, skips: [String: UInt64]
    ) async throws(KitError) -> CaptureHost {
        do throws(ArchiveError) {
            return try await writer.adopted(header, digest: digest, of: host, skips: skips)
        } catch { throw KitError(error, at: workspace.path) }
    }

    // MARK: Octets

    private func ingest(_ group: [CapturedMessage]) async throws(KitError) -> Taken {
        let (destination, path) = (destination, workspace.path)
        do {
            return try await withThrowingTaskGroup(of: [(Int, Result<MailSync.IngestedMessage, KitError>)].self) {
                tasks in
                for lane in 0..<min(Self.laneCount, group.count) {
                    tasks.addTask {
                        var results: [(Int, Result<MailSync.IngestedMessage, KitError>)] = []
                        for position in stride(from: lane, to: group.count, by: Self.laneCount) {
                            let message = group[position]
                            do {
                                let ingested = try await destination.ingest(
                                    message.spool.open(), channel: message.channel, fidelity: .exact, lane: lane)
                                results.append((position, .success(ingested)))
                            } catch let error as ArchiveError where error.kind != .limitExceeded {
                                throw error
                            } catch {
                                results.append((position, .failure(KitError(storing: error, at: path))))
                            }
                        }
                        return results
                    }
                }
                var all: [(Int, Result<MailSync.IngestedMessage, KitError>)] = []
                for try await results in tasks { all += results }
                return all.sorted { $0.0 < $1.0 }.map(\.1)
            }
        } catch { throw KitError(storing: error, at: path) }
    }

    // MARK: Places

    private mutating func place(
        _ message: CapturedMessage, _ ingested: MailSync.IngestedMessage, _ events: inout [OccurrenceEvent],
        _ placed: inout [RandomID: [DeliveryRow]]
    ) throws(KitError) -> [OccurrenceAddress?] {
        for target in message.targets { try admit(target.place.account) }
        var known = placed[ingested.message] ?? []
        if !ingested.isNew, placed[ingested.message] == nil {
            do throws(CatalogError) { known = try workspace.catalog.deliveries(of: ingested.message) } catch {
                throw KitError(error)
            }
        }
        var places: [OccurrenceAddress?] = []
        for target in message.targets {
            let facts = message.facts(target)
            // A client that heard no answer sends it again: the same octets, for the same, are the same delivery.
            guard !known.contains(where: { $0.repeats(target.place, facts) }) else {
                places.append(nil)
                continue
            }
            let address = try nextAddress(target.place, &events)
            let flags: FlagSet = target.place.direction == .sent ? [.seen] : []
            events.append(
                .placed(
                    message: ingested.message, at: address, flags: flags,
                    internalDate: InternalDate(secondsSinceEpoch: message.time), modSeq: nil, channel: message.channel,
                    fidelity: .exact))
            events.append(.delivered(at: address, facts: facts))
            known.append(DeliveryRow(address: address, facts: facts))
            places.append(address)
        }
        placed[ingested.message] = known
        return places
    }

    private mutating func nextAddress(
        _ place: CapturePlace, _ events: inout [OccurrenceEvent]
    ) throws(KitError) -> OccurrenceAddress {
        let key = MailboxKey(account: place.account, name: place.mailbox)
        var mailbox = if let open = mailboxes[key] { open } else { try open(key) }
        if mailbox.isNew {
            events.append(
                .mailboxCreated(
                    account: key.account, mailbox: key.name, role: place.role,
                    uidValidity: mailbox.uidValidity))
        }
        // The largest one is never given: what comes next can always be told.
        let uid = mailbox.uidNext
        guard let following = uid.successor else {
            throw KitError(
                .usage, "\(key.account):\(key.name) has given all its UIDs", hint: "route to another mailbox")
        }
        (mailbox.uidNext, mailbox.isNew, mailbox.isChanged) = (following, false, true)
        mailboxes[key] = mailbox
        return OccurrenceAddress(account: key.account, mailbox: key.name, uidValidity: mailbox.uidValidity, uid: uid)
    }

    /// Says up to where UIDs were given, so that none is given again when what had it is erased.
    private mutating func noteUIDs(_ events: inout [OccurrenceEvent]) {
        for (key, mailbox) in mailboxes where mailbox.isChanged {
            events.append(
                .uidsGiven(
                    account: key.account, mailbox: key.name, uidValidity: mailbox.uidValidity, next: mailbox.uidNext))
            mailboxes[key]?.isChanged = false
        }
    }

    private func open(_ key: MailboxKey) throws(KitError) -> OpenMailbox {
        do throws(CatalogError) {
            let row = try workspace.catalog.mailbox(account: key.account, name: key.name)
            if let uidValidity = row?.uidValidity, let next = row?.uidNext {
                return OpenMailbox(uidValidity: uidValidity, uidNext: next, isNew: false)
            }
            // Higher than any the account had; by the clock, so that one that was erased is not given again either.
            let known = mailboxes.filter { $0.key.account == key.account }.map(\.value.uidValidity.value).max() ?? 0
            let highest = max(known, try workspace.catalog.highestUIDValidity(of: key.account)?.value ?? 0)
            let validity = max(highest + 1, UInt32(clamping: Clock.now()))
            return OpenMailbox(uidValidity: UIDValidity(validity), uidNext: .min, isNew: true)
        } catch { throw KitError(error) }
    }

    /// An account that mirrors a server or a folder has that one's UIDs; none of the archive's own fit in between.
    private mutating func admit(_ account: String) throws(KitError) {
        if let known = accounts[account] {
            if let refusal = known { throw refusal }
            return
        }
        let giver: UIDGiver?
        do throws(CatalogError) { giver = try workspace.catalog.uidGiver(of: account) } catch { throw KitError(error) }
        let refusal =
            giver == .source
            ? KitError(
                .usage, "the account \(account) is what pull or import keeps", hint: "deliver to an account of its own")
            : nil
        accounts[account] = .some(refusal)
        if let refusal { throw refusal }
    }
}

extension DeliveryRow {
    /// The same message for the same people, once more.
    fileprivate func repeats(_ place: CapturePlace, _ other: DeliveryFacts) -> Bool {
        address.account == place.account && address.mailbox == place.mailbox && facts.sender == other.sender
            && Set(other.recipients).isSubset(of: facts.recipients)
    }
}

extension KitError {
    /// What went wrong while deliveries were stored.
    init(storing error: any Error, at path: String) {
        switch error {
        case let error as KitError: self = error
        case let error as ArchiveError: self.init(error, at: path)
        case let error as CatalogError: self.init(error)
        case let error as StoreError:
            self.init(
                error.kind == .diskFull ? .diskFull : .ioFailed, error.message,
                hint: error.kind == .diskFull ? Self.diskFullHint : nil, cause: error.cause)
        default: self.init(.internalError, "a delivery was not stored", cause: error)
        }
        // SQLite and others say of a full disk that a file cannot be opened.
        if [.ioFailed, .damaged].contains(kind), FileFacts.isFull(path) {
            (kind, hint) = (.diskFull, Self.diskFullHint)
        }
    }
}
