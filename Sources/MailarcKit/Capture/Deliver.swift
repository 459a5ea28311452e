import ArchiveStore
import MailCore

/// One delivery from standard input.
public struct DeliverRequest: Sendable {
    /// Empty for the null reverse-path.
    public var sender = ""
    /// Envelope recipients; each is routed.
    public var recipients: [String] = []
    public var routes: [CaptureRoute] = []
    public var rules: [CaptureRule] = []
    /// As of ``ReceiveRequest``.
    public var scanner: String?
    public var allowedRecipients: [String] = []
    /// `uid 1000`.
    public var client = ""
    public var maximumMessageSize = 500 << 20
    /// Seconds to wait for other processes that write.
    public var lockSeconds = 120
    public var compressionLevel: Int?

    public init() {}
}

/// A message that is read and kept, before any archive is open.
public struct DeliveredMessage: Sendable {
    let spool: CaptureSpool

    /// Reads all of `next`; what is larger than a little goes to a sealed file in `spoolFolder`.
    ///
    /// - Throws: `.unacceptable` beyond `limit` octets; `.diskFull`, `.ioFailed`.
    public init(
        spoolFolder: String, limit: Int, next: () throws(KitError) -> [UInt8]?
    ) throws(KitError) {
        spool = CaptureSpool(SpoolBudget(8 << 20), SealedSpool(folder: spoolFolder))
        do {
            while let octets = try next() {
                guard spool.octetCount + octets.count <= limit else {
                    throw KitError(.unacceptable, "the message has more than \(limit) octets")
                }
                try spool.append(octets)
            }
            try spool.finish()
        } catch { throw KitError(storing: error, at: spoolFolder) }
    }
}

extension Workspace {
    /// Makes one message durable in the archive; returns when it is.
    ///
    /// Waits for its turn where others write. This workspace is closed.
    /// - Throws: `.notFound` for a recipient no route takes, `.notPermitted` for one that is not on the list; `.busy`, `.diskFull`, `.ioFailed` where it may be tried again.
    public func deliver(_ message: DeliveredMessage, _ request: DeliverRequest) async throws(KitError) -> DeliverReport
    {
        await close()
        let archive = ArchiveDeliveries(
            archive: archive, command: "mailarc deliver", compressionLevel: request.compressionLevel)
        return try await message.deliver(to: archive, request)
    }

    /// Tries until nobody else writes, or `seconds` are over.
    public static func waiting<Value>(
        for seconds: Int, _ body: () async throws(KitError) -> Value
    ) async throws(KitError) -> Value {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            do throws(KitError) { return try await body() } catch {
                guard error.kind == .busy, ContinuousClock.now < end, !Task.isCancelled else { throw error }
                // Out of step with the others that wait.
                try? await Task.sleep(for: .milliseconds(Int64.random(in: 15...60)))
            }
        }
    }
}

extension DeliveredMessage {
    /// Where the message would go and which rule says so; nothing is archived.
    ///
    /// - Throws: as ``Workspace/deliver(_:_:)`` for recipients and rules.
    public func explain(_ request: DeliverRequest) async throws(KitError) -> DeliverExplanation {
        let bundle = try await bundle(request)
        return DeliverExplanation(
            octets: spool.octetCount, decisions: bundle.decisions.map(CaptureDecision.init), note: bundle.note,
            scan: bundle.scan)
    }

    /// Makes the message durable in `store`.
    func deliver(to store: any CaptureStore, _ request: DeliverRequest) async throws(KitError) -> DeliverReport {
        let bundle = try await bundle(request)
        var session = try await Workspace.waiting(for: request.lockSeconds) { () throws(KitError) in
            try await store.open()
        }
        let results: [Result<ArchivedDelivery, KitError>]
        do throws(KitError) { results = try await session.store(bundle.messages) } catch {
            try? await session.close()
            throw error
        }
        // What was stored is durable, whatever the closing says.
        try? await session.close()
        let deliveries = try ArchivedDelivery.together(results).get()
        guard let first = deliveries.first else { throw KitError(.internalError, "nothing came of the delivery") }
        let kept = zip(deliveries, bundle.messages).filter { !$1.targets.isEmpty }.map(\.0)
        let places = kept.flatMap(\.places).compactMap { $0 }.map(CapturedPlaceRow.init)
        let skipped = bundle.skips.map(CaptureDecision.init)
        return DeliverReport(
            id: first.isSealed ? first.name : kept.first?.name, octets: spool.octetCount, places: places,
            isRepeated: places.isEmpty && !first.isSealed && !kept.isEmpty, isSealed: first.isSealed,
            original: kept.dropFirst().first?.name, note: bundle.note, skipped: skipped.isEmpty ? nil : skipped,
            scan: bundle.scan)
    }

    fileprivate func bundle(_ request: DeliverRequest) async throws(KitError) -> CapturedBundle {
        let message = CapturedMessage(
            spool: spool, channel: .pipe, targets: try Self.targets(request), sender: request.sender,
            client: request.client, time: Clock.now())
        let rules = try CaptureRules(request.rules)
        let scanner = try request.scanner.map { text throws(KitError) in try SpamScanner(text) { _ in } }
        do throws(StoreError) { return try await message.bundle(rules, scanner) } catch {
            throw KitError(storing: error, at: "/")
        }
    }

    private static func targets(_ request: DeliverRequest) throws(KitError) -> [CapturedMessage.Target] {
        let routing = try CaptureRouting(request.routes, allowed: request.allowedRecipients)
        var targets: [CapturedMessage.Target] = []
        for recipient in request.recipients {
            let place: CapturePlace
            do throws(CaptureRouting.Refusal) { place = try routing.place(of: recipient) } catch {
                throw switch error {
                case .notAllowed: KitError(.notPermitted, "\(recipient) is not on the list of recipients")
                case .noRoute: KitError(.notFound, "no route takes \(recipient)")
                }
            }
            targets.add([recipient], at: place)
        }
        return targets
    }
}
