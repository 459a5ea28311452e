import MailCore
import MailMIME

/// What became of one message that came: what is archived of it, together or not at all.
struct CapturedBundle: Sendable {
    /// The first is what came; behind a journal report stands what it enclosed.
    var messages: [CapturedMessage]
    /// What people should know of it.
    var note: String?
    /// Where it goes, and which rule says so.
    var decisions: [Decision] = []
    /// What the spam scanner said, where it was asked.
    var scan: CaptureScan?

    /// One place of one of the messages, and the rule that decided; `nil`: none did.
    struct Decision: Sendable {
        var place: CapturePlace
        var sender: String
        var recipients: [String]
        var rule: CaptureRule?

        var isSkipped: Bool { rule?.action == .skip }
    }

    /// What is told of as skipped; a report that goes with its message is not told of again.
    var skips: [Decision] { decisions.filter { $0.isSkipped && $0.place.purpose != .report } }

    /// Where the message that a report encloses is skipped, so is the report: it holds all of it.
    mutating func skipReports() {
        guard messages.count > 1 else { return }
        let kept = Set(messages[1].targets.map(\.place.account))
        for index in decisions.indices where decisions[index].place.purpose == .report {
            let place = decisions[index].place
            let enclosed = decisions.first { $0.isSkipped && $0.place.account == place.account }
            guard let enclosed, !kept.contains(place.account) else { continue }
            decisions[index].rule = enclosed.rule
            messages[0].targets.removeAll { $0.place == place }
        }
    }

    /// A report is kept for as long as what it encloses: it holds all of it.
    mutating func keepReportsNoLonger() {
        guard messages.count > 1 else { return }
        for index in messages[0].targets.indices where messages[0].targets[index].place.purpose == .report {
            let account = messages[0].targets[index].place.account
            let ends = messages[1].targets.filter { $0.place.account == account }.map(\.keptUntil)
            messages[0].targets[index].keptUntil = ends.contains(nil) ? nil : ends.compactMap { $0 }.max()
        }
    }
}

extension CapturedMessage {
    /// Where reports go, in the account of their route.
    private static let journalMailbox = MailboxName("Journal")

    /// A journal report and the message in it, where a route asks for that; else the message alone.
    func unwrapped() throws(StoreError) -> CapturedBundle {
        guard targets.contains(where: { $0.place.purpose == .journal }) else { return CapturedBundle(messages: [self]) }
        var reader = JournalReader()
        try spool.read { octets throws(StoreError) in
            reader.consume(octets)
            return true
        }
        let reason: String
        switch reader.finish() {
        case .other: return CapturedBundle(messages: [self])
        case .unreadable(let why): reason = why
        case .report(let report):
            if let original = try original(report) { return CapturedBundle(messages: [asReport, original]) }
            reason = "the enclosed message cannot be decoded"
        }
        return CapturedBundle(messages: [asReport], note: "journal report kept as it came: \(reason)")
    }

    private var asReport: CapturedMessage {
        var report = self
        report.targets = []
        for target in targets {
            var place = target.place
            if place.purpose == .journal {
                place = CapturePlace(
                    account: place.account, mailbox: Self.journalMailbox, direction: .unknown, purpose: .report)
            }
            report.targets.add(target.recipients, at: place)
        }
        return report
    }

    /// What the report encloses, for those that it names; `nil` where its encoding is broken.
    private func original(_ report: JournalReport) throws(StoreError) -> CapturedMessage? {
        guard let octets = try spool.part(report.original, report.encoding) else { return nil }
        var original = self
        (original.spool, original.sender) = (octets, report.sender)
        original.targets = targets.filter { $0.place.purpose == .journal }.map {
            Target(place: $0.place, recipients: report.recipients)
        }
        return original
    }
}

extension [CapturedMessage.Target] {
    /// Each place stands once, with all of its recipients, for the longest time that one of them asks for.
    mutating func add(_ recipients: [String], at place: CapturePlace, keptUntil: Int64? = nil) {
        if let index = firstIndex(where: { $0.place == place }) {
            self[index].recipients += recipients
            self[index].keptUntil = self[index].keptUntil.flatMap { former in keptUntil.map { Swift.max(former, $0) } }
        } else {
            append(CapturedMessage.Target(place: place, recipients: recipients, keptUntil: keptUntil))
        }
    }
}

extension CaptureSpool {
    /// The octets of `range` without their transfer encoding; `nil` where they are not in it, or nothing.
    fileprivate func part(_ range: Range<Int>, _ encoding: TransferEncoding) throws(StoreError) -> CaptureSpool? {
        let part = another()
        var decoder = TransferDecoder(encoding)
        var (offset, decoded): (Int, [UInt8]) = (0, [])
        try read { octets throws(StoreError) in
            let wanted = range.clamped(to: offset..<offset + octets.count)
            if !wanted.isEmpty {
                let span = octets.span.extracting(wanted.lowerBound - offset..<wanted.upperBound - offset)
                decoder.consume(span, into: &decoded)
                try part.append(decoded)
                decoded.removeAll(keepingCapacity: true)
            }
            offset += octets.count
            return offset < range.upperBound
        }
        guard decoder.finish(into: &decoded) else { return nil }
        if !decoded.isEmpty { try part.append(decoded) }
        try part.finish()
        return part.octetCount == 0 ? nil : part
    }
}
