/// What a contender says it does, as a value the judge can hold an account against.
///
/// Where its documentation leaves something open, both outcomes are allowed.
public struct Promise: Sendable, Hashable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The archive becomes what the source is.
        case mirror
        /// Both become what both changed.
        case twoWay = "two-way"
        /// What is new comes; the archive has a life of its own.
        case oneWay = "one-way"
        /// The archive gets what the source has, flags included, and keeps what else it has.
        case copy
        /// What another channel missed comes.
        case fill
        /// What is new comes, all into INBOX; nothing that happens to it afterwards counts.
        case collect
    }

    /// Of ``Kind/collect``: which messages.
    public enum Takes: String, Sendable {
        case all
        /// Those without `\Seen`, which they get by it.
        case unseen
        /// Those that come into the source's INBOX from now on.
        case arriving
    }

    /// What becomes of a message that was deleted in the archive and is still in the source.
    public enum Gone: String, Sendable { case staysGone, comesAgain, either }
    /// Whose flags a message of both shows in the archive.
    public enum Flags: String, Sendable { case source, archive, either }

    public var kind: Kind
    public var gone: Gone
    public var flags: Flags
    public var takes: Takes
    /// The archive has the internal dates of the source.
    public var keepsDates: Bool
    /// The contender's own words, or the rule in one sentence.
    public var text: String
    /// Where it says so.
    public var origin: String

    public init(
        _ kind: Kind, gone: Gone = .either, flags: Flags = .either, takes: Takes = .all,
        keepsDates: Bool = true, text: String, origin: String
    ) {
        (self.kind, self.gone, self.flags) = (kind, gone, flags)
        (self.takes, self.keepsDates) = (takes, keepsDates)
        (self.text, self.origin) = (text, origin)
    }

    /// Whether what is deleted in the source stays in the archive.
    var keepsWhatLeaves: Bool { kind != .mirror && kind != .twoWay }
}
