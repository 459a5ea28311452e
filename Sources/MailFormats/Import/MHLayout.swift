package import MailCore

/// MH: messages are files with numbers for names; what is unread stands in `.mh_sequences`.
///
/// Numbers are given anew when a folder is packed or sorted, so a message is known by its header and its length.
/// - SeeAlso: https://rand-mh.sourceforge.io/book/mh/ (mh-sequence(5))
public struct MHLayout: FileLayout {
    public static let name = "MH"

    /// There is nothing to choose.
    public init() {}

    public func mailbox(ofFolder path: [UInt8], root: [UInt8]) -> [UInt8] { path }

    /// QUIRK: `,5` and `#5` are messages that were removed; nmh leaves them for a while.
    public func isMessage(_ name: [UInt8]) -> Bool { MHSequences.number(name[...]) != nil }

    public func items(in folder: [UInt8], _ names: [[UInt8]]) -> [FileItem] {
        let octets = smallFile(folder + Array("/.mh_sequences".utf8), limit: MHSequences.limit) ?? []
        let sequences = MHSequences(parsing: octets)
        let numbered = names.compactMap { name in MHSequences.number(name[...]).map { (number: $0, name: name) } }
        return numbered.sorted { $0.number < $1.number }.compactMap { number, name in
            let path = folder + [0x2F] + name
            guard let status = FileStatus.at(path), status.isRegular else { return nil }
            return FileItem(
                path: path, identity: MessageIdentity(path, status.octetCount).hash, flags: sequences.flags(of: number),
                date: status.modified, range: 0..<status.octetCount)
        }
    }
}

/// Which messages of an MH folder are unseen, flagged and replied to.
package struct MHSequences {
    /// LIMIT: octets of the file; a folder of a million messages with every second one unseen has 8 MB.
    static let limit = 16 << 20
    private var unseen = UIDSet()
    private var flagged = UIDSet()
    private var replied = UIDSet()

    // line = name ":" *(SP number ["-" number])   ; mh-sequence(5); a line that starts with a space goes on
    /// Total: what is no number is left out.
    package init(parsing octets: [UInt8]) {
        var ranges: [[UInt8]: [ClosedRange<UInt32>]] = [:]
        var name: [UInt8] = []
        for line in octets.split(separator: 0x0A) {
            var words = line
            if line.first != 0x20, line.first != 0x09 {
                guard let colon = line.firstIndex(of: 0x3A) else {
                    name = []
                    continue
                }
                name = Array(line[..<colon])
                words = line[(colon + 1)...]
            }
            guard !name.isEmpty else { continue }
            for word in words.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                guard let range = Self.range(word) else { continue }
                ranges[name, default: []].append(range)
            }
        }
        func set(_ name: String) -> UIDSet { UIDSet(ranges: ranges[Array(name.utf8)] ?? []) }
        (unseen, flagged, replied) = (set("unseen"), set("flagged"), set("replied"))
    }

    private static func range(_ word: ArraySlice<UInt8>) -> ClosedRange<UInt32>? {
        let ends = word.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = ends.first.flatMap(number), let last = ends.last.flatMap(number),
            first <= last
        else { return nil }
        return first...last
    }

    /// What `digits` spell, without a sign and without zeros in front.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard let first = digits.first, (0x31...0x39).contains(first), digits.count <= 10,
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    package func flags(of number: UInt32) -> FlagSet {
        guard let number = UID(number) else { return [] }
        let sets: [(UIDSet, Flag)] = [(flagged, .flagged), (replied, .answered)]
        let found = sets.filter { $0.0.contains(number) }.map(\.1)
        return FlagSet(found + (unseen.contains(number) ? [] : [.seen]))
    }
}
