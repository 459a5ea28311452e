/// In what an account differs from what was promised; all zero: it does not.
public struct Findings: Sendable, Hashable, Codable {
    /// Messages that should be there and are not.
    public var lost = 0
    /// Copies too many of messages that should be there.
    public var duplicated = 0
    /// Messages whose octets are not those that were put there.
    public var altered = 0
    /// Messages that should have left, or came back.
    public var surplus = 0
    /// Messages with other flags than promised.
    public var flags = 0
    /// Messages with another internal date.
    public var dates = 0
    /// Mailboxes that should be there and are not.
    public var mailboxes = 0
    /// One line for each of the above.
    public var details: [String] = []

    public init() {}

    /// Without what a run that was broken off has not come to.
    var ofBrokenRun: Findings {
        var findings = self
        (findings.lost, findings.surplus, findings.flags, findings.mailboxes) = (0, 0, 0, 0)
        findings.details.removeAll { detail in
            ["lost:", "left over:", "flags:", "no mailbox"].contains(where: detail.hasPrefix)
        }
        return findings
    }

    /// With what a run left out and, by its exit code, says it did not.
    package func silent(about places: Set<Expectation.Place>) -> Findings {
        var findings = self
        findings.lost += places.count
        findings.details += places.sorted().map { "lost: \($0.mailbox)/\($0.tag), left out with exit code 0" }
        return findings
    }

    /// Mail is as it should be, whatever became of flags and mailboxes.
    public var keepsMail: Bool { lost == 0 && duplicated == 0 && altered == 0 }
    /// Nothing differs.
    public var isAsPromised: Bool { keepsMail && surplus == 0 && flags == 0 && dates == 0 && mailboxes == 0 }

    /// `2 lost, 1 duplicated`; empty where nothing differs.
    public var summary: String {
        [
            (lost, "lost"), (duplicated, "duplicated"), (altered, "altered"), (surplus, "left over"),
            (flags, "flags"), (dates, "dates"), (mailboxes, "mailboxes missing"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension Expectation {
    /// Holds `account` against this.
    public func judge(_ account: SeenAccount) -> Findings {
        var findings = Findings()
        var seen: [Place: [SeenAccount.Message]] = [:]
        for message in account.messages {
            seen[Place(message.mailbox, message.tag ?? "?" + message.digest), default: []].append(message)
        }
        for place in Set(seen.keys).union(rules.keys).sorted() {
            judge(place, seen[place] ?? [], &findings)
        }
        for (tag, wanted) in totals.sorted(by: { $0.key < $1.key }) {
            let found = account.messages.count { $0.tag == tag }
            // What a place lacks is told already.
            let isTold = rules.contains { $0.key.tag == tag && $0.value.count.lowerBound > 0 }
            guard found < wanted, !isTold else { continue }
            findings.lost += wanted - found
            findings.details.append("lost: \(tag), wherever")
        }
        for mailbox in mailboxes.subtracting(account.mailboxes).sorted() {
            findings.mailboxes += 1
            findings.details.append("no mailbox \(mailbox)")
        }
        return findings
    }

    private func judge(_ place: Place, _ messages: [SeenAccount.Message], _ findings: inout Findings) {
        let label = "\(place.mailbox)/\(place.tag)"
        let rule = rules[place] ?? Rule(0...0, flags: nil)
        let (count, allowed) = (messages.count, rule.count)
        if count < allowed.lowerBound {
            findings.lost += allowed.lowerBound - count
            let told = allowed.lowerBound > 1 ? ", \(count) of \(allowed.lowerBound)" : ""
            findings.details.append("lost: \(label)\(told)")
        }
        if count > allowed.upperBound {
            let excess = count - allowed.upperBound
            if allowed.upperBound > 0 { findings.duplicated += excess } else { findings.surplus += excess }
            let kind = allowed.upperBound > 0 ? "duplicated" : "left over"
            findings.details.append("\(kind): \(label), \(excess) too many")
        }
        for message in messages {
            if !message.isExact {
                findings.altered += 1
                findings.details.append("altered: \(label) UID \(message.uid), SHA-256 \(message.digest.prefix(12))…")
            }
            if let flags = rule.flags, allowed.upperBound > 0, !flags.contains(message.flags) {
                findings.flags += 1
                let wanted = flags.map { "[\($0.joined(separator: " "))]" }.sorted().joined(separator: " or ")
                findings.details.append("flags: \(message.label) instead of \(wanted)")
            }
            if judgesDates, let tag = message.tag, allowed.upperBound > 0,
                message.internalDate != Letter(tag).internalDate
            {
                findings.dates += 1
                findings.details.append("internal date: \(label) UID \(message.uid)")
            }
        }
    }
}
