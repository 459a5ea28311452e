import MailCore
import MailMIME

extension CapturedMessage {
    /// Where spam goes, in the account of its route.
    private static let junkMailbox = MailboxName("Junk")

    /// What is archived of it and where; what decided that is told in the bundle.
    ///
    /// - Parameter scanner: is asked where a rule wants to know; the journal reports' own text never is.
    func bundle(_ rules: CaptureRules, _ scanner: SpamScanner?) async throws(StoreError) -> CapturedBundle {
        var bundle = try unwrapped()
        for index in bundle.messages.indices {
            let scan = try await bundle.messages[index].file(rules, scanner, &bundle.decisions)
            bundle.scan = scan ?? bundle.scan
        }
        bundle.skipReports()
        bundle.keepReportsNoLonger()
        return bundle
    }

    /// Gives each target the place that the rules say; reports stay with the reports.
    private mutating func file(
        _ rules: CaptureRules, _ scanner: SpamScanner?, _ decisions: inout [CapturedBundle.Decision]
    ) async throws(StoreError) -> CaptureScan? {
        var candidates: [CaptureRule] = []
        var scan: CaptureScan?
        if !rules.isEmpty {
            var subject = CaptureSubject(try spool.header(), octetCount: spool.octetCount, sender: sender)
            let open = targets.filter { $0.place.purpose != .report }.map { ($0.place, $0.recipients) }
            if let scanner, rules.wantVerdict(subject, open) {
                scan = await scanner.ask(about: self)
                if let verdict = scan?.verdict { subject.verdict = verdict }
            }
            candidates = rules.about(subject)
        }
        let before = targets
        targets = []
        for target in before {
            let rule =
                target.place.purpose == .report ? nil : candidates.deciding(target.place, target.recipients)
            var place = target.place
            if rule?.action == .spam { (place.mailbox, place.purpose) = (Self.junkMailbox, .junk) }
            decisions.append(
                CapturedBundle.Decision(place: place, sender: sender, recipients: target.recipients, rule: rule))
            if let rule, rule.action == .skip {
                skips[rule.name, default: 0] += 1
            } else {
                targets.add(target.recipients, at: place, keptUntil: rule?.keep.map { time + $0 })
            }
        }
        return scan
    }
}

extension CaptureSpool {
    /// The header of the message.
    fileprivate func header() throws(StoreError) -> HeaderFields {
        var limits = ParserLimits()
        // LIMIT: the header alone is looked at, of many messages side by side; the fields that count stand early.
        (limits.nestingDepth, limits.headerOctetCount) = (1, 256 << 10)
        var parser = MessageParser(limits: limits)
        var bodies = NoBodies()
        try read { octets throws(StoreError) in
            parser.consume(octets.span, into: &bodies)
            return !parser.isInBody
        }
        return parser.finish(into: &bodies).header
    }
}

private struct NoBodies: MessageEventHandler {
    mutating func structure(_ octets: Span<UInt8>, at offset: Int) {}
    mutating func bodyStart(_ part: BodyPart) {}
    mutating func body(_ octets: Span<UInt8>, at offset: Int) {}
    mutating func bodyEnd(_ part: Int) {}
}
