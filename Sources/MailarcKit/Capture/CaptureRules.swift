import MailCore
package import MailMIME

/// What rules look at of a message, whoever gets it.
package struct CaptureSubject: Sendable {
    private let header: HeaderFields
    private let octetCount: Int
    private let listID: String?
    private let addresses: [String]
    private let verdict: SpamVerdict

    /// - Parameter sender: of the envelope.
    package init(_ header: HeaderFields, octetCount: Int, sender: String) {
        (self.header, self.octetCount, verdict) = (header, octetCount, SpamVerdict(header))
        let fields = Envelope(header)
        let mailboxes = [fields.from, fields.sender, fields.replyTo, fields.to, fields.cc, fields.bcc].joined()
        addresses = [sender.lowercased()] + mailboxes.map { $0.mailbox.lowercased() }
        listID = header.first("list-id").flatMap { MessageID.list($0).first }?.lowercased()
    }

    /// `nil` where the recipient tells.
    fileprivate func satisfies(_ condition: CaptureRule.Condition) -> Bool? {
        switch condition {
        case .field(let name, let pattern):
            header.all(name).contains { pattern.takes(EncodedWord.decode($0).trimmingSpace) }
        case .address(let pattern): addresses.contains(where: pattern.takes) ? true : nil
        case .listID(let pattern): listID.map(pattern.takes) ?? false
        case .larger(let count): octetCount > count
        case .smaller(let count): octetCount < count
        case .isSpam(let isSpam): verdict.isSpam == isSpam
        case .score(let least): verdict.score.map { $0 >= least } ?? false
        case .role: nil
        }
    }
}

/// Finds the rule that decides.
package struct CaptureRules: Sendable {
    /// LIMIT: each is held against each message; more are no rules but a list.
    private static let ruleLimit = 1_000

    private let rules: [CaptureRule]

    /// - Throws: `.usage` for a rule that can never be what was meant.
    package init(_ rules: [CaptureRule]) throws(KitError) {
        guard rules.count <= Self.ruleLimit else {
            throw KitError(.usage, "there are more than \(Self.ruleLimit) capture rules")
        }
        for rule in rules {
            for pattern in rule.conditions.compactMap(\.pattern) {
                guard !pattern.isEmpty, pattern.count(where: { $0 == "*" }) <= CaptureRouting.starLimit else {
                    throw KitError(
                        .usage, "\(rule.name): a pattern has 0 to \(CaptureRouting.starLimit) '*': \(pattern)")
                }
            }
        }
        self.rules = rules
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// The rules that may decide about `subject`, with what only the recipients tell.
    ///
    /// So that many recipients cost no more than one.
    package func about(_ subject: CaptureSubject) -> [CaptureRule] {
        rules.compactMap { rule in
            var rest = rule
            rest.conditions = []
            for condition in rule.conditions {
                guard let holds = subject.satisfies(condition) else {
                    rest.conditions.append(condition)
                    continue
                }
                guard holds else { return nil }
            }
            return rest
        }
    }
}

extension [CaptureRule] {
    /// The first whose conditions all hold; `nil`: none, and the message is archived where its route says.
    package func deciding(_ place: CapturePlace, _ recipients: [String]) -> CaptureRule? {
        first { rule in
            rule.conditions.allSatisfy { condition in
                switch condition {
                case .address(let pattern): recipients.contains(where: pattern.takes)
                case .role(.inbox): place.mailbox == MailboxName("INBOX")
                case .role(.sent): place.direction == .sent
                default: false
                }
            }
        }
    }
}

extension CaptureRule.Condition {
    fileprivate var pattern: String? {
        switch self {
        case .field(_, let pattern), .address(let pattern), .listID(let pattern): pattern
        default: nil
        }
    }
}

extension String {
    /// As a pattern; case is none.
    fileprivate func takes(_ text: String) -> Bool {
        CaptureRouting.match(text.lowercased(), lowercased()) != nil
    }

    fileprivate var trimmingSpace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
