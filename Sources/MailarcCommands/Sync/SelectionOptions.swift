import ArgumentParser
import MailarcKit

/// What a sync is about, and what its mailboxes are called.
struct SelectionOptions: ParsableArguments {
    @Option(help: "Only this mailbox of the source ('Work*'); may be repeated.") var mailbox: [String] = []
    @Option(help: "Not this mailbox; may be repeated.") var exclude: [String] = []
    @Option(
        name: [.long, .customLong("map")],
        help: ArgumentHelp("A mailbox, and those below it, has another name in the destination.", valueName: "from=to"))
    var rename: [String] = []
    @Option(help: "Put everything below this mailbox of the destination.") var subfolder: String?
    @Flag(help: "Match mailboxes by use (Sent, Drafts, Trash, Junk, Archive).") var specialUse = false
    @Option(help: "Only messages that arrived on this day or later.") var since: String?
    @Option(help: "Only messages that arrived before this day.") var before: String?
    @Option(help: ArgumentHelp("Only messages that arrived within this time (30d, 12h, 4w, 1y).", valueName: "age"))
    var maxAge: String?
    @Option(help: ArgumentHelp("Only messages that arrived longer ago than this.", valueName: "age"))
    var minAge: String?
    @Option(help: ArgumentHelp("Only messages of at least this size (octets, or 10K, 5M).", valueName: "size"))
    var larger: String?
    @Option(help: ArgumentHelp("Only messages of at most this size.", valueName: "size")) var smaller: String?
    @Option(
        help: ArgumentHelp("Only messages this IMAP SEARCH program finds; may be repeated.", valueName: "program"))
    var search: [String] = []

    func validate() throws {
        for rule in rename where Self.rule(rule) == nil { throw ValidationError("--rename takes FROM=TO, not \(rule)") }
        for day in [since, before].compactMap({ $0 }) where Format.seconds(day) == nil {
            throw ValidationError("not a date such as 2024-05-01: \(day)")
        }
        for age in [maxAge, minAge].compactMap({ $0 }) where Quantity.seconds(age) == nil {
            throw ValidationError("not an age such as 30d, 12h, 4w or 1y: \(age)")
        }
        for size in [larger, smaller].compactMap({ $0 }) where Quantity.octets(size) == nil {
            throw ValidationError("not a size such as 500, 10K or 5M: \(size)")
        }
    }

    /// Nothing but ``mailbox`` was given.
    var isMailboxesAlone: Bool {
        exclude.isEmpty && rename.isEmpty && search.isEmpty && subfolder == nil && !specialUse
            && [since, before, maxAge, minAge, larger, smaller].allSatisfy { $0 == nil }
    }

    func apply(to request: inout SyncRequest) throws(KitError) {
        request.map = rename.compactMap(Self.rule)
        (request.subfolder, request.usesSpecialUse) = (subfolder, specialUse)
        request.selection.mailboxes = mailbox.map { .pattern($0) }
        request.selection.excludedMailboxes = exclude.map { .pattern($0) }
        request.selection.since = since.flatMap(Format.seconds)?.lowerBound
        request.selection.before = before.flatMap(Format.seconds)?.lowerBound
        request.selection.maximumAge = maxAge.flatMap(Quantity.seconds)
        request.selection.minimumAge = minAge.flatMap(Quantity.seconds)
        request.selection.minimumOctets = larger.flatMap(Quantity.octets)
        request.selection.maximumOctets = smaller.flatMap(Quantity.octets)
        for program in search { try request.selection.narrow(by: program) }
    }

    /// `FROM=TO`, neither empty.
    static func rule(_ text: String) -> (from: String, to: String)? {
        guard let place = text.firstIndex(of: "="), place != text.startIndex else { return nil }
        let to = text[text.index(after: place)...]
        return to.isEmpty ? nil : (String(text[..<place]), String(to))
    }
}

/// Sizes and ages as people write them.
package enum Quantity {
    /// `500`, `10K`, `5M`, `1G`
    package static func octets(_ text: String) -> Int? {
        number(text.uppercased(), ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30], plain: 1)
    }

    /// `30d`, `90s`, `12h`, `4w`, `1y` (365 days); a number alone is days.
    package static func seconds(_ text: String) -> Int64? {
        let (day, units) = (86_400, ["s": 1, "h": 3_600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400])
        return number(text.lowercased(), units, plain: day).map { Int64($0) }
    }

    private static func number(_ text: String, _ units: [String: Int], plain: Int) -> Int? {
        let unit = text.last.flatMap { units[String($0)] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard let number = Int(digits), number >= 0, digits.first?.isNumber == true else { return nil }
        let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit ?? plain)
        // LIMIT: what can still be taken from any date.
        return isTooLarge || product > 1 << 52 ? nil : product
    }
}
