import ArchiveCrypto
import ArchiveStore
import FoundationEssentials
import MailCore

/// The outbox of a write-only host: where deliveries are sealed for the owner of an archive.
///
/// What is in it, and the credential beside it, open nothing.
public struct CaptureOutbox: CaptureStore {
    /// The folder.
    public let path: String
    private let credential: CaptureCredential
    private let command: String

    /// - Parameters:
    ///   - credential: the octets of the file that `writer add` made.
    ///   - command: what the process is called where somebody asks who writes.
    /// - Throws: `.usage` where it is none.
    public init(path: String, credential: [UInt8], command: String) throws(KitError) {
        (self.path, self.command) = (path, command)
        self.credential = try CaptureCredential(of: credential)
    }

    /// Makes the folder where it is not there yet.
    public static func prepare(_ path: String) throws(KitError) {
        do throws(ArchiveError) { try FileTree.makeDirectory(path) } catch { throw KitError(error, at: path) }
    }

    /// Days until nothing can be sealed any more; 0: it has ended.
    public var daysLeft: Int { Int(max(0, credential.ends - Clock.now()) / 86_400) }

    /// As ``Workspace/receive(_:_:)``, into the outbox.
    public func receive(_ request: ReceiveRequest, _ handler: @escaping CaptureHandler) async throws(KitError) {
        let service = try await CaptureService(request, handler)
        if daysLeft < Self.warningDays {
            handler(
                CaptureEvent(
                    .problem, "the credential ends in \(daysLeft) days: mailarc writer renew \(credential.name)"))
        }
        try await service.run(self)
    }

    /// LIMIT: within this time the owner should know.
    private static let warningDays = 14

    /// As ``Workspace/deliver(_:_:)``, into the outbox.
    public func deliver(_ message: DeliveredMessage, _ request: DeliverRequest) async throws(KitError) -> DeliverReport
    {
        try await message.deliver(to: self, request)
    }

    func open() async throws(KitError) -> any CaptureHold {
        do throws(ArchiveError) {
            let process = WriterEnvironment.process(command)
            let owner = WriterLock.Owner(
                processID: process.processID, started: process.now(), host: process.host, command: command)
            return OutboxSession(outbox: try Outbox(path, credential, owner: owner), path: path)
        } catch { throw KitError(error, at: path) }
    }
}

extension CaptureCredential {
    /// - Throws: `.usage` where the file is none.
    init(of octets: [UInt8]) throws(KitError) {
        do { try self.init(parsing: octets) } catch {
            throw KitError(
                .usage, "the credential is none: \(error.message)",
                hint: "mailarc writer add makes one, on the machine with the archive")
        }
    }
}

/// The outbox, held: each group becomes one segment.
struct OutboxSession: CaptureHold {
    let outbox: Outbox
    let path: String

    mutating func store(_ group: [CapturedMessage]) async throws(KitError) -> [Result<ArchivedDelivery, KitError>] {
        let number: UInt64
        let kept = group.filter { !$0.targets.isEmpty }
        let skips = SealedSkips(group)
        do throws(ArchiveError) {
            number = try outbox.seal(messageCount: kept.count, time: Clock.now()) { sealer throws(ArchiveError) in
                for message in kept { try SealedDelivery(message).append(message.spool, to: sealer) }
                try skips?.append(to: sealer)
            }
        } catch {
            guard error.kind != .limitExceeded else {
                throw KitError(
                    .usage, error.message, hint: "on the machine with the archive: mailarc writer renew NAME")
            }
            throw KitError(storing: error, at: path)
        }
        return group.map {
            .success(
                ArchivedDelivery(
                    name: "segment \(number)", octetCount: $0.spool.octetCount, places: [], isSealed: true,
                    groupSize: group.count))
        }
    }

    func close() async throws(KitError) {}
}

// le32 length ‖ JSON of the value
/// What stands behind the messages of a segment where some were skipped: how many, by the rule's name.
struct SealedSkips: Codable {
    var skipped: [String: UInt64]

    /// `nil`: nothing of `group` was skipped.
    init?(_ group: [CapturedMessage]) {
        skipped = group.reduce(into: [:]) { $0.merge($1.skips, uniquingKeysWith: +) }
        if skipped.isEmpty { return nil }
    }

    func append(to sealer: SegmentSealer) throws(ArchiveError) {
        let octets: Data
        do { octets = try JSONEncoder().encode(self) } catch {
            throw ArchiveError(.internalError, "what was skipped cannot be written down", cause: error)
        }
        var head = ByteWriter(capacity: octets.count + 4)
        head.u32(UInt32(octets.count))
        head.bytes(octets)
        try sealer.append(head.octets)
    }

    /// LIMIT: a thousand names of 64 octets, and their numbers.
    private static let octetLimit = 128 << 10

    /// What follows the last message of a segment; empty where nothing does.
    ///
    /// - Throws: `.damaged` for what the ledger cannot say.
    static func next(_ reader: SegmentReader) throws(KitError) -> [String: UInt64] {
        do {
            let first = try reader.read(1)
            guard !first.isEmpty else { return [:] }
            let count = Int(ByteReader.u32(first + (try reader.readAll(3)), at: 0))
            guard count <= octetLimit else { throw ArchiveError(.damaged, "what was skipped is malformed") }
            let skips = try JSONDecoder().decode(SealedSkips.self, from: Data(try reader.readAll(count))).skipped
            guard skips.allSatisfy({ CaptureHost.isName($0.key) && $0.value <= UInt32.max }) else {
                throw ArchiveError(.damaged, "what was skipped is malformed")
            }
            return skips
        } catch let error as DecodingError {
            throw KitError(.damaged, "what was skipped cannot be read", cause: error)
        } catch { throw KitError(storing: error, at: "/") }
    }
}

// le32 length ‖ JSON of the value ‖ le64 octets of the message ‖ the message
/// What stands in front of a message in a segment: everything a delivery has beside its octets.
struct SealedDelivery: Codable {
    struct Target: Codable {
        var account: String
        var mailbox: String
        var direction: DeliveryFacts.Direction
        var purpose: CapturePlace.Purpose
        var recipients: [String]
        var keptUntil: Int64?
    }

    var channel: Channel
    var targets: [Target]
    var sender: String
    var client: String
    var helloName: String
    var transport: String
    var tls: String
    var time: Int64

    init(_ message: CapturedMessage) {
        targets = message.targets.map { target in
            Target(
                account: target.place.account, mailbox: target.place.mailbox.text, direction: target.place.direction,
                purpose: target.place.purpose, recipients: target.recipients, keptUntil: target.keptUntil)
        }
        (channel, sender, client) = (message.channel, message.sender, message.client)
        (helloName, transport, tls, time) = (message.helloName, message.transport, message.tls, message.time)
    }

    /// The delivery of the octets in `spool`.
    func message(_ spool: CaptureSpool) -> CapturedMessage {
        let targets = targets.map { target in
            CapturedMessage.Target(
                place: CapturePlace(
                    account: target.account, mailbox: MailboxName(target.mailbox), direction: target.direction,
                    purpose: target.purpose), recipients: target.recipients, keptUntil: target.keptUntil)
        }
        return CapturedMessage(
            spool: spool, channel: channel, targets: targets, sender: sender, client: client, helloName: helloName,
            transport: transport, tls: tls, time: time)
    }

    func append(_ spool: CaptureSpool, to sealer: SegmentSealer) throws(ArchiveError) {
        let facts: Data
        do { facts = try JSONEncoder().encode(self) } catch {
            throw ArchiveError(.internalError, "a delivery cannot be written down", cause: error)
        }
        var head = ByteWriter(capacity: facts.count + 12)
        head.u32(UInt32(facts.count))
        head.bytes(facts)
        head.u64(UInt64(spool.octetCount))
        try sealer.append(head.octets)
        var failure: ArchiveError?
        do throws(StoreError) {
            try spool.read { octets throws(StoreError) in
                do throws(ArchiveError) { try sealer.append(octets) } catch { failure = error }
                return failure == nil
            }
        } catch { throw ArchiveError(.ioFailed, error.message, cause: error.cause) }
        if let failure { throw failure }
    }

    /// LIMIT: recipients are a thousand at the most, and an address has 320 octets.
    private static let factsLimit = 4 << 20

    /// The next delivery of a segment, its octets in `spool`.
    static func next(_ reader: SegmentReader, into spool: CaptureSpool) throws(KitError) -> CapturedMessage {
        do {
            let count = Int(ByteReader.u32(try reader.readAll(4), at: 0))
            guard count <= factsLimit else { throw ArchiveError(.damaged, "a delivery is malformed") }
            let facts = try JSONDecoder().decode(SealedDelivery.self, from: Data(try reader.readAll(count)))
            let length = try reader.readAll(8)
            var rest = UInt64(ByteReader.u32(length, at: 0)) | UInt64(ByteReader.u32(length, at: 4)) << 32
            while rest > 0 {
                let octets = try reader.read(Int(min(rest, 256 << 10)))
                guard !octets.isEmpty else { throw ArchiveError(.damaged, "the segment ends too early") }
                try spool.append(octets)
                rest -= UInt64(octets.count)
            }
            try spool.finish()
            return facts.message(spool)
        } catch let error as DecodingError {
            throw KitError(.damaged, "a delivery of a segment cannot be read", cause: error)
        } catch { throw KitError(storing: error, at: "/") }
    }
}
