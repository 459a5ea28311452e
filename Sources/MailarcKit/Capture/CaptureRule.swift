/// Where a captured message is filed: the first rule of which every condition holds decides.
public struct CaptureRule: Sendable, Hashable {
    /// What becomes of the message.
    public enum Action: String, Sendable, CaseIterable, Codable {
        /// Archived where its route says.
        case archive
        /// Archived in the mailbox Junk of the route's account.
        case spam
        /// Not archived; the ledger counts it under the rule's name, and the sender hears of nothing.
        case skip
    }

    /// What a mailbox is for.
    public enum Role: String, Sendable, CaseIterable { case inbox, sent }

    /// In patterns `*` stands for any characters; upper and lower case are one.
    public enum Condition: Sendable, Hashable {
        /// A header field of this name (lower-case) has a body like `pattern`, decoded and unfolded.
        case field(name: String, pattern: String)
        /// Sender or recipient, of the envelope or of From, Sender, Reply-To, To, Cc, Bcc.
        case address(pattern: String)
        /// What stands between the angle brackets of List-Id.
        case listID(pattern: String)
        /// More octets than that.
        case larger(Int)
        /// Fewer octets than that.
        case smaller(Int)
        /// A spam filter said yes (or none did).
        case isSpam(Bool)
        /// A spam filter gave at least that many points.
        case score(Double)
        /// The mailbox of the route is for that.
        case role(Role)
    }

    /// As it is called in explanations.
    public var name: String
    public var conditions: [Condition]
    public var action: Action
    /// For how many seconds what it decides about is kept; `nil`: for good.
    public var keep: Int64?

    /// A rule that decides where all of `conditions` hold, also where there are none.
    public init(_ name: String, _ conditions: [Condition], action: Action, keep: Int64? = nil) {
        (self.name, self.conditions, self.action, self.keep) = (name, conditions, action, keep)
    }
}
