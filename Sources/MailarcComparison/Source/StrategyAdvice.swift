public import MailarcKit

/// Which strategy fits an account; computed from a survey, never by hand.
public struct StrategyAdvice: Sendable, Codable {
    public enum Verdict: String, Sendable, Codable {
        case recommended, possible
        case notAdvised = "not advised"
    }

    /// A strategy and why.
    public struct Entry: Sendable, Codable {
        public var strategy: SyncStrategy
        public var verdict: Verdict
        /// One sentence each.
        public var reasons: [String]
    }

    /// The one to take for a mailbox that is to keep what leaves the account.
    public var recommended: SyncStrategy
    public var entries: [Entry]
    /// What is to be known of the account whatever is taken.
    public var remarks: [String]

    init(_ survey: AccountSurvey) {
        let facts = Facts(survey)
        let recommended: SyncStrategy = facts.hasLastingUIDs ? .oneWay : .copy
        entries = SyncStrategy.allCases.map { strategy in
            let (isAdvised, reasons) = facts.judge(strategy)
            let verdict: Verdict = strategy == recommended ? .recommended : isAdvised ? .possible : .notAdvised
            return Entry(strategy: strategy, verdict: verdict, reasons: reasons)
        }
        (self.recommended, remarks) = (recommended, facts.remarks)
    }
}

/// What of a survey speaks for a strategy or against it.
private struct Facts {
    let survey: AccountSurvey

    init(_ survey: AccountSurvey) { self.survey = survey }

    var hasLastingUIDs: Bool { survey.withoutLastingUIDs.isEmpty }

    private static let changing = "UIDs are others in each session: what was deleted or moved cannot be told"

    /// Whether it may be taken, and why or why not.
    func judge(_ strategy: SyncStrategy) -> (isAdvised: Bool, reasons: [String]) {
        switch strategy {
        case .oneWay:
            let reasons = ["keeps what leaves the account, and what is deleted in the archive stays deleted"]
            return (hasLastingUIDs, hasLastingUIDs ? reasons + [following] : [Self.changing])
        case .copy:
            let reasons = ["keeps what leaves the account; what is deleted in the archive comes again"]
            return (
                true, hasLastingUIDs ? reasons : [Self.changing + "; copy knows messages by their octets"] + reasons
            )
        case .backup:
            let reasons = ["a mirror: what is deleted in the account leaves the destination, so it is no archive"]
            return (hasLastingUIDs, hasLastingUIDs ? reasons : [Self.changing] + reasons)
        case .twoWay:
            var reasons = ["writes to the account, too: deletions and flags of either side happen in both"]
            if !survey.hasUIDPlus {
                reasons.append("the server lacks UIDPLUS: it deletes only where nothing else is marked \\Deleted")
            }
            if !hasLastingUIDs { reasons.append(Self.changing) }
            return (hasLastingUIDs && survey.hasUIDPlus && !survey.hasLabels, reasons)
        case .bcc:
            return (
                true, ["only beside a channel that brings the mail already (mailarc receive, Postfix' BCC maps)"]
            )
        }
    }

    /// How a run finds out what changed.
    private var following: String {
        if !survey.withoutModSeq.isEmpty {
            let count = survey.withoutModSeq.count
            return "no MODSEQ in \(count) of \(survey.mailboxes) mailboxes: each run reads all flags there "
                + "(\(survey.step(.again)?.octets ?? 0) octets for all mailboxes)"
        }
        let counters = survey.hasListStatus ? "one LIST" : "a STATUS of each mailbox"
        return survey.offers("QRESYNC")
            ? "QRESYNC: \(counters) tells what changed, and only that is asked for"
            : "CONDSTORE: \(counters) tells where something changed; what left is searched for there"
    }

    var remarks: [String] {
        var remarks: [String] = []
        if survey.hasLabels {
            remarks.append(
                "labels are mailboxes here, and a message is in each of its labels: 'mailarc pull' fetches and keeps it "
                    + "once, a sync into mailboxes once for each")
        }
        if !hasLastingUIDs {
            remarks.append("no lasting UIDs in: " + survey.withoutLastingUIDs.prefix(5).joined(separator: ", "))
        }
        let ids = survey.messageIDs
        if ids.missing > 0 {
            remarks.append(
                "\(ids.missing) of \(ids.looked) messages have no Message-ID: tools that know messages by it leave some "
                    + "out (imapsync without --useuid); mailarc does not")
        }
        if ids.repeated > 0 {
            remarks.append(
                "\(ids.repeated) of \(ids.looked) messages have the Message-ID of another one in the same mailbox: "
                    + "imapsync takes only the first; mailarc compares octets and takes all")
        }
        if !survey.offers("OBJECTID"), !survey.hasLabels {
            remarks.append("no OBJECTID: a message that moved is known by its octets, which are read again for it")
        }
        if survey.markedDeleted > 0 {
            remarks.append("\(survey.markedDeleted) messages are marked \\Deleted and not expunged")
        }
        if survey.offers("QUOTA") || survey.capabilities.contains(where: { $0.hasPrefix("QUOTA=") }) {
            remarks.append("the server has quotas (QUOTA); reading needs none, two-way may meet them")
        }
        remarks += survey.unseen.map { "not looked at: \($0)" }
        remarks.append("whoever must prove what was there takes 'mailarc pull': history, ledger, encryption")
        return remarks
    }
}
