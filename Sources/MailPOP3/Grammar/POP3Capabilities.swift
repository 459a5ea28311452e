/// What a server says it can do: each keyword with its arguments, in upper case.
///
/// - SeeAlso: RFC 2449 §6
package struct POP3Capabilities: Sendable, Hashable {
    /// LIMIT: keywords that are kept; servers have about ten.
    private static let limit = 200

    /// Keywords in the server's order.
    package private(set) var keywords: [String] = []
    private var arguments: [String: [String]] = [:]
    /// The server answered CAPA; without it only what every server has may be tried.
    package var isKnown = false

    package init() {}

    /// The lines of an answer to CAPA.
    package init(parsing lines: [[UInt8]]) {
        isKnown = true
        for line in lines.prefix(Self.limit) {
            let words = line.split(whereSeparator: { $0 <= 0x20 }).map { String(decoding: $0, as: UTF8.self) }
            guard let keyword = words.first?.uppercased() else { continue }
            if arguments[keyword] == nil { keywords.append(keyword) }
            arguments[keyword, default: []] += words.dropFirst()
        }
    }

    package func contains(_ keyword: String) -> Bool { arguments[keyword] != nil }

    /// The lines as they came, for people.
    package var lines: [String] { keywords.map { ([$0] + (arguments[$0] ?? [])).joined(separator: " ") } }

    package func hasMechanism(_ name: String) -> Bool {
        mechanisms.contains(name)
    }

    /// In upper case. RFC 5034 §3
    package var mechanisms: [String] { (arguments["SASL"] ?? []).map { $0.uppercased() } }

    /// A command may be sent before the one before is answered. RFC 2449 §6.6
    package var hasPipelining: Bool { contains("PIPELINING") }
    /// The server deletes what was read as soon as the session ends in order. RFC 2449 §6.7
    package var deletesWhatWasRead: Bool { arguments["EXPIRE"]?.first == "0" }
    /// Name and version, where it says.
    package var implementation: String? {
        arguments["IMPLEMENTATION"].flatMap { $0.isEmpty ? nil : $0.joined(separator: " ") }
    }
}
