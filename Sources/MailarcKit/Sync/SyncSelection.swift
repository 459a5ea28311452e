import MailCore
import MailSync

/// Names one or more mailboxes of the source.
public enum MailboxChoice: Sendable, Hashable {
    /// With `/` between components, `*` for anything.
    case pattern(String)
    /// By the server's own name, or with `/` between components.
    case named(String)
    /// The same, with all below it.
    case tree(String)
    /// A regular expression found anywhere in the name.
    case expression(String)

    var pattern: MailboxPattern {
        switch self {
        case .pattern(let text): .glob(text)
        case .named(let text): .named(text)
        case .tree(let text): .tree(text)
        case .expression(let text): .expression(text)
        }
    }
}

/// What a sync is about. A message outside of it is neither copied nor changed nor deleted.
public struct SyncSelection: Sendable {
    /// Empty: all.
    public var mailboxes: [MailboxChoice] = []
    public var excludedMailboxes: [MailboxChoice] = []
    /// Internal dates, seconds since 1970; ``minimumAge`` and ``maximumAge`` narrow them further.
    public var since: Int64?
    public var before: Int64?
    /// Seconds before the run.
    public var minimumAge: Int64?
    public var maximumAge: Int64?
    /// Where the greatest age is below the least: messages on either side of the gap, not none.
    public var takesEitherAge = false
    public var minimumOctets: Int?
    public var maximumOctets: Int?
    /// IMAP SEARCH programs, all of which must hold.
    /// Ages go by the Date field as a server reads it, in whole days, instead of the day of arrival.
    public var agesBySentDate = false
    public private(set) var searches: [String] = []

    public init() {}

    /// Narrows by an IMAP SEARCH program.
    ///
    /// - Throws: `.usage` where it cannot be read; nothing has been sent then.
    public mutating func narrow(by search: String) throws(KitError) {
        do throws(SearchProgramError) { _ = try SearchProgram(parsing: search) } catch {
            throw KitError(
                .usage, "the SEARCH program cannot be read: \(error)",
                hint: "for example: --search 'FROM \"anna\" NOT DELETED SINCE 1-Feb-2024' (RFC 9051 §6.4.4)")
        }
        searches.append(search)
    }

    /// - Throws: `.usage` for a regular expression that cannot be read, or ages that leave nothing.
    func pair(now: Int64) throws(KitError) -> PairSelection {
        var selection = PairSelection(
            mailboxes: mailboxes.map(\.pattern), excludedMailboxes: excludedMailboxes.map(\.pattern),
            since: [since, agesBySentDate ? nil : maximumAge.map { now - $0 }].compactMap { $0 }.max(),
            before: [before, agesBySentDate ? nil : minimumAge.map { now - $0 }].compactMap { $0 }.min(),
            minimumOctets: minimumOctets,
            maximumOctets: maximumOctets)
        for case .expression(let text) in selection.mailboxes + selection.excludedMailboxes
        where MailboxPattern.expression(text).isFaulty {
            throw KitError(.usage, "not a regular expression: \(text.prefix(80))")
        }
        if let since = selection.since, let before = selection.before, since >= before {
            guard takesEitherAge else {
                throw KitError(
                    .usage, "the dates and ages leave no message",
                    hint: "--since and --max-age name the oldest, --before and --min-age the newest")
            }
            selection.takesEitherAge = true
        }
        for text in searches + sentDates(now) {
            guard let program = try? SearchProgram(parsing: text) else { continue }
            selection.search = selection.search?.and(program) ?? program
        }
        return selection
    }

    /// The ages as a SEARCH program over the Date field.
    private func sentDates(_ now: Int64) -> [String] {
        guard agesBySentDate else { return [] }
        func day(_ age: Int64) -> Substring {
            // ` 7-Feb-2024 14:03:09 +0000`
            "\(InternalDate(secondsSinceEpoch: now - age))".split(separator: " ")[0]
        }
        let since = maximumAge.map { "SENTSINCE \(day($0))" }
        let before = minimumAge.map { "SENTBEFORE \(day($0))" }
        if let maximumAge, let minimumAge, maximumAge < minimumAge, takesEitherAge, let since, let before {
            return ["OR \(since) \(before)"]
        }
        return [since, before].compactMap { $0 }
    }
}
