import ArchiveStore
import Glibc
import MailCore

/// What `writer adopt` is asked to do.
public struct AdoptionRequest: Sendable {
    /// The host's name.
    public var host = ""
    /// Its outbox, or a copy of it.
    public var outbox = ""
    /// Segments stay where they are.
    public var keeps = false
    /// Goes on behind a segment that is missing or cannot be opened: what it held is lost.
    public var acceptsGaps = false
    /// For large messages on their way; `nil`: the archive's folder.
    public var spoolFolder: String?
    public var compressionLevel: Int?

    public init() {}
}

/// What came of an adoption.
public struct AdoptionReport: Codable, Sendable {
    public var host: String
    /// Segments that were adopted now.
    public var segments = 0
    public var messages = 0
    /// Of them, deliveries that were there already.
    public var repeated = 0
    /// Messages that rules of the host skipped; the ledger has them by the rule's name.
    public var skipped = 0
    public var octets = 0
    /// Segments that had been adopted before.
    public var known = 0
    /// Segments that cannot be opened and were passed over, each with the reason; they stay in the outbox.
    public var unreadable: [String] = []
    /// Places in the row of segments where some are missing.
    public var gaps = 0
    /// Segments in the outbox that were not adopted.
    public var waiting = 0
    /// Why it ended before the last one.
    public var problem: String?

    public var isWhole: Bool { unreadable.isEmpty && gaps == 0 && problem == nil }
}

extension Workspace {
    /// Takes what a write-only host sealed into the archive, segment by segment, and takes each out of the outbox once its
    /// messages are durable. This workspace is closed.
    ///
    /// - Throws: `.notFound` where there is no such host or folder; `.busy`, `.diskFull`, `.ioFailed` where nothing more
    ///   can be done now: what was adopted is.
    public func adopt(_ request: AdoptionRequest) async throws(KitError) -> AdoptionReport {
        let (host, names): (CaptureHost?, [String])
        do throws(ArchiveError) {
            host = try archive.captureHosts().first { $0.name == request.host }
            names = try Outbox.segments(in: request.outbox)
        } catch {
            guard error.kind == .missing else { throw KitError(error, at: path) }
            throw KitError(.notFound, "\(request.outbox): \(error.message)", hint: "name the host's outbox")
        }
        guard let host else {
            throw KitError(.notFound, "there is no write-only host \(request.host)", hint: "mailarc writer list")
        }
        await close()
        guard !names.isEmpty else { return AdoptionReport(host: host.name) }
        let session = try await Self.waiting(for: 30) { () throws(KitError) in
            try await CaptureSession(
                archive, command: "mailarc writer adopt", compressionLevel: request.compressionLevel)
        }
        var adoption = Adoption(archive: archive, request: request, session: session, host: host)
        do throws(KitError) { try await adoption.run(names) } catch {
            try? await session.close()
            throw error
        }
        try await adoption.close()
        return adoption.report
    }
}

/// One run of `writer adopt`.
private struct Adoption {
    private let archive: Archive
    private let request: AdoptionRequest
    private var session: CaptureSession
    private var host: CaptureHost
    private let budget = SpoolBudget(24 << 20)
    private let spooling: SealedSpool
    /// What the ledger says, once it was asked.
    private var adopted: [UInt64: [UInt8]]?
    private(set) var report: AdoptionReport

    init(archive: Archive, request: AdoptionRequest, session: CaptureSession, host: CaptureHost) {
        (self.archive, self.request, self.session, self.host) = (archive, request, session, host)
        spooling = SealedSpool(folder: request.spoolFolder ?? archive.path)
        report = AdoptionReport(host: host.name)
    }

    func close() async throws(KitError) { try await session.close() }

    mutating func run(_ names: [String]) async throws(KitError) {
        for (index, name) in names.enumerated() {
            report.waiting = names.count - index
            let path = "\(request.outbox)/\(name)"
            guard let defect = try await take(path) else { continue }
            guard request.acceptsGaps else {
                report.problem = "\(path): \(defect)"
                return
            }
            report.unreadable.append("\(name): \(defect)")
        }
        report.waiting = 0
    }

    /// Takes one segment in; what is wrong with it, where it cannot be.
    ///
    /// - Throws: for a reason of the archive's, or of the disk's: nothing is wrong with the segment.
    private mutating func take(_ path: String) async throws(KitError) -> String? {
        let reader: SegmentReader
        do throws(ArchiveError) {
            let header = try SegmentReader.header(path, of: host)
            guard header.sequence > host.sequence else {
                try passOver(header, path)
                return nil
            }
            try checkChain(header)
            reader = try archive.openSegment(path, header, of: host)
        } catch  where [.damaged, .erased, .unsupported].contains(error.kind) {
            return error.message
        } catch { throw KitError(storing: error, at: path) }
        var group: [CapturedMessage] = []
        let skips: [String: UInt64]
        do throws(KitError) {
            for _ in 0..<reader.header.messageCount {
                group.append(try SealedDelivery.next(reader, into: CaptureSpool(budget, spooling)))
            }
            skips = try SealedSkips.next(reader)
        } catch  where error.kind == .damaged { return error.message }
        try await store(group, skips, of: reader)
        // ORDER: the messages are durable, and so is the note that they are, before the segment goes.
        do throws(ArchiveError) { try remove(path) } catch { throw KitError(storing: error, at: path) }
        return nil
    }

    /// It was adopted before: whoever did that kept it, died before it was taken away, or this is a copy.
    private mutating func passOver(_ header: SegmentHeader, _ path: String) throws(ArchiveError) {
        let digest = try SegmentReader.digest(path)
        if header.sequence < host.sequence, adopted == nil { adopted = try archive.adoptedSegments(of: host) }
        guard digest == host.digest || adopted?[header.sequence] == digest else {
            report.unreadable.append("\(path): it is not the segment that was adopted under its number")
            return
        }
        report.known += 1
        try remove(path)
    }

    /// Nothing was left out, and nothing was put in another order.
    private mutating func checkChain(_ header: SegmentHeader) throws(ArchiveError) {
        let isFirst = host.sequence == 0 && header.previous.allSatisfy { $0 == 0 }
        let isNext = header.sequence == host.sequence + 1 && header.previous == host.digest
        guard !isFirst, !isNext else { return }
        guard !request.acceptsGaps else {
            report.gaps += 1
            return
        }
        throw ArchiveError(
            .damaged, "segments before it are missing: copy them here, or give them up with --accept-gaps")
    }

    private mutating func store(
        _ group: [CapturedMessage], _ skips: [String: UInt64], of reader: SegmentReader
    ) async throws(KitError) {
        let deliveries =
            group.isEmpty ? [] : try ArchivedDelivery.together(try await session.store(group)).get()
        host = try await session.adopted(reader.header, digest: reader.digest, of: host, skips: skips)
        report.segments += 1
        report.messages += deliveries.count
        report.repeated += deliveries.count { !$0.places.contains { $0 != nil } }
        report.skipped += skips.values.reduce(0) { $0 + Int($1) }
        report.octets += deliveries.reduce(0) { $0 + $1.octetCount }
    }

    private func remove(_ path: String) throws(ArchiveError) {
        guard !request.keeps else { return }
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw ArchiveError(
                .ioFailed, "it cannot be removed: \(unsafe String(cString: strerror(errno)))", path: path)
        }
    }
}
