internal import MailCore

/// A field of the query language and what its values mean.
enum QueryField: Hashable {
    case any
    case columns([String])
    case mailbox, account, flag, keyword, before, after, on, larger, smaller, has, id, messageID

    /// `nil` for another name.
    init?(_ name: String) {
        switch name {
        case "from": self = .columns(["sender"])
        case "to": self = .columns(["recipients"])
        case "cc": self = .columns(["copies"])
        case "subject": self = .columns(["subject"])
        case "body": self = .columns(["body"])
        case "attachment": self = .columns(["attachment", "filename"])
        case "filename": self = .columns(["filename"])
        case "mailbox": self = .mailbox
        case "account": self = .account
        case "flag": self = .flag
        case "keyword": self = .keyword
        case "before": self = .before
        case "after": self = .after
        case "on": self = .on
        case "larger": self = .larger
        case "smaller": self = .smaller
        case "has": self = .has
        case "id": self = .id
        case "message-id": self = .messageID
        default: return nil
        }
    }

    /// The condition that `value` puts on this field.
    func node(_ value: String, isPrefix: Bool, at position: Int) throws(CatalogError) -> QueryNode {
        func bad(_ message: String) -> CatalogError { CatalogError(.badQuery, message, position: position) }
        guard !value.isEmpty else { throw bad("the value is empty") }
        switch self {
        case .any: return try Self.words(value, nil, isPrefix, position)
        case .columns(let columns): return try Self.words(value, columns, isPrefix, position)
        case .mailbox: return .condition(.mailbox(value.lowercased(), isPrefix: isPrefix))
        case .account: return .condition(.account(value.lowercased()))
        case .flag: return .condition(.flag(Self.flag(value)))
        case .keyword: return .condition(.flag(value.lowercased()))
        case .before, .after, .on:
            guard let days = Self.days(value) else { throw bad("a date is YYYY, YYYY-MM or YYYY-MM-DD, not \(value)") }
            if self == .before { return .condition(.date(from: nil, until: days.lowerBound)) }
            return .condition(.date(from: days.lowerBound, until: self == .on ? days.upperBound : nil))
        case .larger, .smaller:
            guard let size = Self.size(value) else { throw bad("a size is a number, with k, M or G, not \(value)") }
            return .condition(self == .larger ? .largerThan(size) : .smallerThan(size))
        case .has:
            guard ["attachment", "attachments"].contains(value.lowercased()) else {
                throw bad("has: takes attachment, not \(value)")
            }
            return .condition(.hasAttachment)
        case .id:
            guard IDRange(value) != nil else { throw bad("an id is up to 32 hexadecimal digits, not \(value)") }
            return .condition(.id(value.lowercased()))
        case .messageID:
            let bare = value.hasPrefix("<") && value.hasSuffix(">") ? String(value.dropFirst().dropLast()) : value
            return .condition(.messageID(bare))
        }
    }

    private static func words(
        _ value: String, _ columns: [String]?, _ isPrefix: Bool, _ position: Int
    ) throws(CatalogError) -> QueryNode {
        guard value.contains(where: { $0.isLetter || $0.isNumber }) else {
            throw CatalogError(.badQuery, "\(value) has no letter or digit", position: position)
        }
        return .words(value, columns: columns, isPrefix: isPrefix)
    }

    private static func flag(_ value: String) -> String {
        let name = value.lowercased()
        let system = ["seen", "answered", "flagged", "deleted", "draft"]
        return system.contains(name) ? "\\" + name : name
    }

    /// The seconds of a year, month or day (UTC).
    private static func days(_ text: String) -> Range<Int64>? {
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        let widths = [4, 2, 2]
        guard fields.count <= 3,
            zip(fields, widths).allSatisfy({ $0.utf8.count == $1 && $0.utf8.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        let numbers = fields.compactMap { Int($0) }
        guard let year = numbers.first else { return nil }
        let month = numbers.count > 1 ? numbers[1] : 1
        let day = numbers.count > 2 ? numbers[2] : 1
        let start = CivilTime(year: year, month: month, day: day)
        guard (1...12).contains(month), CivilTime(secondsSinceEpoch: start.secondsSinceEpoch) == start else {
            return nil
        }
        let end =
            switch numbers.count {
            case 1: CivilTime(year: year + 1, month: 1, day: 1).secondsSinceEpoch
            case 2:
                CivilTime(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1).secondsSinceEpoch
            default: start.secondsSinceEpoch + 86_400
            }
        return start.secondsSinceEpoch..<end
    }

    /// `10k`, `5M`, `1G`, `300`: multiples of 1024.
    private static func size(_ text: String) -> Int64? {
        var digits = text[...]
        var unit: Int64 = 1
        switch text.last {
        case "k", "K": unit = 1 << 10
        case "m", "M": unit = 1 << 20
        case "g", "G": unit = 1 << 30
        default: break
        }
        if unit > 1 { digits = digits.dropLast() }
        guard let number = Int64(digits), number >= 0 else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows ? nil : product
    }
}
