/// An option of imapsync and what becomes of it in `mailarc copy`.
package struct CopyOption: Sendable {
    package enum Verdict: Sendable, Hashable {
        /// It means here what it means there, or what the text says.
        case taken(String)
        /// It may be given and changes nothing: so it is in any case.
        case needless(String)
        /// Refused: this does it.
        case replaced(String)
        /// Refused: this is why.
        case refused(String)

        package var word: String {
            switch self {
            case .taken: "taken"
            case .needless: "same without it"
            case .replaced: "replaced by"
            case .refused: "refused because"
            }
        }
        package var text: String {
            switch self {
            case .taken(let text), .needless(let text), .replaced(let text), .refused(let text): text
            }
        }
    }

    /// Without dashes; `host#` stands for `host1` and `host2`.
    package let name: String
    package let hasValue: Bool
    package let verdict: Verdict

    /// - Parameter usage: the name, and a second word where it has a value.
    init(_ usage: String, _ verdict: Verdict) {
        let words = usage.split(separator: " ")
        (name, hasValue, self.verdict) = (String(words[0]), words.count > 1, verdict)
    }

    /// The names it goes by, without dashes.
    package var names: [String] {
        guard name.contains("#") else { return [name] }
        return ["1", "2"].map { side in String(name.map { $0 == "#" ? Character(side) : $0 }) }
    }

    /// By name, without dashes.
    static let byName: [String: CopyOption] = Dictionary(
        all.flatMap { option in option.names.map { ($0, option) } }, uniquingKeysWith: { first, _ in first })
}
