/// The parameters of a Content-Type or Content-Disposition field, decoded.
///
/// - SeeAlso: RFC 2045 §5.1, RFC 2231
public struct Parameters: Sendable, Hashable {
    public struct Parameter: Sendable, Hashable {
        /// Lower-case, without the `*` of RFC 2231.
        public var name: String
        /// Decoded to text.
        public var value: String
        /// The octets before any charset was applied; what a boundary is compared by.
        public var octets: [UInt8]
    }
    /// In order, each name once (the first counts).
    public private(set) var list: [Parameter] = []

    public init() {}
    public init(_ list: [Parameter]) { self.list = list }

    public var isEmpty: Bool { list.isEmpty }
    /// The value of the parameter of this name (lower-case).
    public subscript(_ name: String) -> String? { list.first { $0.name == name }?.value }
    public func octets(_ name: String) -> [UInt8]? { list.first { $0.name == name }?.octets }
}

/// One parameter as it stands, before RFC 2231 is undone.
struct RawParameter {
    var name: String
    var octets: [UInt8]
    /// `nil` for a parameter without `*n`.
    var section: Int?
    var isExtended: Bool
}

extension Parameters {
    /// LIMIT: continuations of one parameter; names of 10,000 octets in pieces of 60 are seen, more is an attack.
    static let sectionLimit = 1_000

    /// Joins continuations and decodes charsets; RFC 2231 beats the plain form of the same name. Linear but for a sort.
    init(joining raw: [RawParameter]) {
        var order: [String] = []
        var groups: [String: [RawParameter]] = [:]
        for parameter in raw {
            if groups[parameter.name] == nil { order.append(parameter.name) }
            groups[parameter.name, default: []].append(parameter)
        }
        for name in order {
            guard let group = groups[name] else { continue }
            list.append(Self.join(name, group))
        }
    }

    private static func join(_ name: String, _ group: [RawParameter]) -> Parameter {
        if let whole = group.first(where: { $0.section == nil && $0.isExtended }) {
            let (charset, octets) = extended(whole.octets)
            return Parameter(name: name, value: Charset.decode(octets, label: charset).text, octets: octets)
        }
        let sections = group.filter { $0.section != nil }
        if !sections.isEmpty {
            let sorted = sections.prefix(sectionLimit).sorted { ($0.section ?? 0) < ($1.section ?? 0) }
            var octets: [UInt8] = []
            var charset: String?
            var isAnyExtended = false
            for (position, section) in sorted.enumerated() {
                guard section.isExtended else {
                    octets += section.octets
                    continue
                }
                isAnyExtended = true
                if position == 0 {
                    let first = extended(section.octets)
                    charset = first.charset
                    octets += first.octets
                } else {
                    octets += percentDecoded(section.octets[...])
                }
            }
            // QUIRK: encoded-words cut into RFC 2231 continuations (deltachat filename matrix).
            let value = isAnyExtended ? Charset.decode(octets, label: charset).text : plain(octets)
            return Parameter(name: name, value: value, octets: octets)
        }
        let octets = group[0].octets
        return Parameter(name: name, value: plain(octets), octets: octets)
    }

    /// QUIRK: RFC 2047 §5 forbids encoded-words in parameters; Outlook and many others write them.
    private static func plain(_ octets: [UInt8]) -> String { EncodedWord.decode(octets[...]) }

    // extended-initial-value := [charset] "'" [language] "'" extended-other-values   ; RFC 2231 §7
    private static func extended(_ octets: [UInt8]) -> (charset: String?, octets: [UInt8]) {
        guard let first = octets.firstIndex(of: 0x27), let second = octets[(first + 1)...].firstIndex(of: 0x27) else {
            return (nil, percentDecoded(octets[...]))
        }
        let charset = String(decoding: octets[..<first], as: UTF8.self)
        return (charset.isEmpty ? nil : charset, percentDecoded(octets[(second + 1)...]))
    }

    static func percentDecoded(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count)
        var index = octets.startIndex
        while index < octets.endIndex {
            if octets[index] == UInt8(ascii: "%"), index + 2 < octets.endIndex,
                let high = ASCII.hexValue(octets[index + 1]), let low = ASCII.hexValue(octets[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(octets[index])
                index += 1
            }
        }
        return result
    }
}
