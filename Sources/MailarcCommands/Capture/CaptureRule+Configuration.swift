import MailarcKit
import TOMLKit

extension CaptureRule {
    private static let keys: Set<String> = [
        "name", "action", "field", "value", "address", "list-id", "larger", "smaller", "spam", "score", "role",
        "keep",
    ]

    /// The `[[capture.rule]]` of a configuration, in order.
    ///
    /// - Throws: `.usage` for a word that is not known: a rule that is misspelt files mail elsewhere.
    static func rules(_ file: ConfigurationFile) throws(KitError) -> [CaptureRule] {
        let table = file.table["capture"]?.table ?? TOMLTable()
        for key in table.keys where key != "rule" && key != "scanner" {
            throw KitError(.usage, "\(file.path): [capture] has no \(key)")
        }
        guard table["rule"] == nil || table["rule"]?.array != nil else {
            throw KitError(.usage, "\(file.path): rules are written [[capture.rule]]")
        }
        var rules: [CaptureRule] = []
        for index in 0..<(table["rule"]?.array?.count ?? 0) {
            guard let entry = table["rule"]?.array?[index].table else { continue }
            rules.append(try CaptureRule(entry, number: index + 1, path: file.path))
        }
        return rules
    }

    /// `[capture] scanner`; `nil`: there is none.
    static func scanner(_ file: ConfigurationFile) throws(KitError) -> String? {
        guard let value = file.table["capture"]?.table?["scanner"] else { return nil }
        guard let text = value.string else {
            throw KitError(.usage, "\(file.path): scanner is a text such as \"rspamd:127.0.0.1:11333\"")
        }
        return text
    }

    private init(_ entry: TOMLTable, number: Int, path: String) throws(KitError) {
        let place = "\(path): rule \(number)"
        for key in entry.keys where !Self.keys.contains(key) { throw KitError(.usage, "\(place) has no \(key)") }
        guard let action: Action = try Self.word(entry, "action", place) else {
            throw KitError(.usage, "\(place) lacks action: archive, spam or skip")
        }
        let name = try Self.text(entry, "name", place)
        self.init(
            name ?? "rule \(number)", try Self.conditions(entry, place), action: action,
            keep: try Self.keep(entry, place))
    }

    private static func conditions(_ entry: TOMLTable, _ place: String) throws(KitError) -> [Condition] {
        var conditions: [Condition] = []
        let value = try text(entry, "value", place)
        if let name = try text(entry, "field", place) {
            conditions.append(.field(name: name.lowercased(), pattern: value ?? "*"))
        } else if value != nil {
            throw KitError(.usage, "\(place): value is the body of a field, and there is no field")
        }
        if let pattern = try text(entry, "address", place) { conditions.append(.address(pattern: pattern)) }
        if let pattern = try text(entry, "list-id", place) { conditions.append(.listID(pattern: pattern)) }
        if let size = try size(entry, "larger", place) { conditions.append(.larger(size)) }
        if let size = try size(entry, "smaller", place) { conditions.append(.smaller(size)) }
        if let value = entry["spam"] {
            guard let isSpam = value.bool else { throw KitError(.usage, "\(place): spam is true or false") }
            conditions.append(.isSpam(isSpam))
        }
        if let value = entry["score"] {
            guard let score = value.double ?? value.int.map(Double.init) else {
                throw KitError(.usage, "\(place): score is a number")
            }
            conditions.append(.score(score))
        }
        if let role: Role = try word(entry, "role", place) { conditions.append(.role(role)) }
        return conditions
    }

    private static func text(_ entry: TOMLTable, _ key: String, _ place: String) throws(KitError) -> String? {
        guard let value = entry[key] else { return nil }
        guard let text = value.string, !text.isEmpty else { throw KitError(.usage, "\(place): \(key) is a text") }
        return text
    }

    private static func size(_ entry: TOMLTable, _ key: String, _ place: String) throws(KitError) -> Int? {
        guard let value = entry[key] else { return nil }
        guard let size = value.int ?? value.string.flatMap(Quantity.octets), size >= 0 else {
            throw KitError(.usage, "\(place): \(key) is a size such as 10M")
        }
        return size
    }

    private static func keep(_ entry: TOMLTable, _ place: String) throws(KitError) -> Int64? {
        guard let value = entry["keep"] else { return nil }
        guard let time = value.string.flatMap(Quantity.seconds), time > 0 else {
            throw KitError(.usage, "\(place): keep is a time such as \"30d\", \"12h\", \"4w\" or \"1y\"")
        }
        return time
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ entry: TOMLTable, _ key: String, _ place: String
    ) throws(KitError) -> Word? {
        guard let value = entry[key] else { return nil }
        guard let word = value.string.flatMap(Word.init(rawValue:)) else {
            throw KitError(.usage, "\(place): \(key) is \(Word.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return word
    }
}
