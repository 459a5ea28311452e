import ArchiveStore
import MailCore
package import MailMIME

/// What rules look at of a message, whoever gets it.
package struct CaptureSubject: Sendable {
    private let header: HeaderFields
    private let octetCount: Int
    private let listID: String?
    private let addresses: [String]
    /// Of filters that wrote into the header, until a scanner says something.
    package var verdict: SpamVerdict

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
            guard rule.action != .skip || CaptureHost.isName(rule.name) else {
                throw KitError(
                    .usage, "\(rule.name): a rule that skips has a name of a-z, 0-9, '.', '_' and '-', 64 at the most",
                    hint: "the ledger counts what is skipped under that name, for ever: name = \"newsletters\"")
            }
            guard rule.action != .skip || rule.keep == nil else {
                throw KitError(.usage, "\(rule.name): what is skipped is not kept, for no time")
            }
        }
        self.rules = rules
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// The rules that may decide about `subject`, with what only the recipients tell.
    ///
    /// So that many recipients cost no more than one.
    package func about(_ subject: CaptureSubject) -> [CaptureRule] { rules.compactMap { $0.rest(about: subject) } }

    /// Whether a rule may decide about one of `targets` by what a spam filter says: any before it does not, anyhow.
    package func wantVerdict(_ subject: CaptureSubject, _ targets: [(CapturePlace, [String])]) -> Bool {
        let rests = rules.compactMap { rule -> (rule: CaptureRule, isAsking: Bool)? in
            var quiet = rule
            quiet.conditions.removeAll(where: \.isVerdict)
            return quiet.rest(about: subject).map { ($0, quiet.conditions.count < rule.conditions.count) }
        }
        return targets.contains { place, recipients in
            rests.first { [$0.rule].deciding(place, recipients) != nil }?.isAsking ?? false
        }
    }
}

extension CaptureRule {
    /// The rule with what only the recipients tell; `nil` where it does not hold.
    fileprivate func rest(about subject: CaptureSubject) -> CaptureRule? {
        var rest = self
        rest.conditions = []
        for condition in conditions {
            guard let holds = subject.satisfies(condition) else {
                rest.conditions.append(condition)
                continue
            }
            guard holds else { return nil }
        }
        return rest
    }
}

extension [CaptureRule] {
    /// The first whose conditions all hold; `nil`: none, and the message is archived where its route says.
    ///
    /// One copy is for all `recipients`: nothing is skipped for one of them that another is to have.
    package func deciding(_ place: CapturePlace, _ recipients: [String]) -> CaptureRule? {
        first { rule in
            rule.conditions.allSatisfy { condition in
                switch condition {
                case .address(let pattern):
                    rule.action == .skip
                        ? !recipients.isEmpty && recipients.allSatisfy(pattern.takes)
                        : recipients.contains(where: pattern.takes)
                case .role(.inbox): place.mailbox == MailboxName("INBOX")
                case .role(.sent): place.direction == .sent
                default: false
                }
            }
        }
    }
}

extension CaptureRule.Condition {
    /// A spam filter tells.
    fileprivate var isVerdict: Bool {
        switch self {
        case .isSpam, .score: true
        default: false
        }
    }

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
