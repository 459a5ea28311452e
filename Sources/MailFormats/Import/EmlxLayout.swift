package import MailCore

/// Apple Mail: `Work.mbox/…/Messages/5.emlx`, below as many folders as Mail thought good.
///
/// `Work.mbox/Clients.mbox` is the mailbox `Work/Clients`; what lies in a `.mbox` and is none itself (identifiers,
/// `Data`, digits, `Messages`) is not in the name.
public struct EmlxLayout: FileLayout {
    public static let name = "emlx"

    /// There is nothing to choose.
    public init() {}

    public func mailbox(ofFolder path: [UInt8], root: [UInt8]) -> [UInt8] {
        let parts = path.split(separator: 0x2F).map { Array($0) }
        let isBox = { (part: [UInt8]) in part.count > 5 && part.hasSuffix(".mbox") }
        guard let last = parts.lastIndex(where: isBox) else {
            if isBox(root) { return Array(root.dropLast(5)) }
            return Array(parts.filter { $0 != Array("Messages".utf8) }.joined(separator: [0x2F]))
        }
        // Inside a mailbox only mailboxes count; above the first one every folder does.
        let first = parts.firstIndex(where: isBox) ?? last
        let named = parts[...last].enumerated().filter { $0.offset < first || isBox($0.element) }.map(\.element)
        return Array(named.map { isBox($0) ? Array($0.dropLast(5)) : $0 }.joined(separator: [0x2F]))
    }

    public func isMessage(_ name: [UInt8]) -> Bool { name.count > 5 && name.hasSuffix(".emlx") }

    public func items(in folder: [UInt8], _ names: [[UInt8]]) -> [FileItem] {
        names.compactMap { name in
            let path = folder + [0x2F] + name
            guard let status = FileStatus.at(path), status.isRegular else { return nil }
            var item = FileItem(path: path, identity: SyntheticUID.hash(name), date: status.modified, range: 0..<0)
            do throws(FormatsError) {
                let file = try EmlxFile(path, octetCount: status.octetCount)
                (item.range, item.flags, item.date) = (file.range, file.flags, file.received ?? status.modified)
                item.identity = SyntheticUID.hash(String(file.range.count).utf8, seed: item.identity)
                if name.hasSuffix(".partial.emlx") {
                    item.problem = "partial: its attachments are kept in other files or were never downloaded"
                }
            } catch {
                item.problem = error.message
            }
            return item
        }
    }
}

/// One file of Apple Mail: a count, so many octets of the message, and a property list in XML.
struct EmlxFile {
    /// Of the message in the file.
    private(set) var range: Range<Int>
    private(set) var flags: FlagSet = []
    /// Seconds since 1970-01-01T00:00:00Z.
    private(set) var received: Int64?

    /// LIMIT: octets of the first line: ten digits and Mail's padding.
    private static let lineLimit = 64
    /// LIMIT: octets of the property list; Mail writes some hundred.
    private static let listLimit = 1 << 20

    // emlx = 1*DIGIT *SP LF message plist
    /// Reads all but the message.
    ///
    /// - Throws: `.damaged` for a file that is none, or is shorter than its first line says.
    init(_ path: [UInt8], octetCount: Int) throws(FormatsError) {
        let file = try Descriptor.openForReading(path)
        let line = try file.read(Self.lineLimit, at: 0)
        let digits = line.prefix { (0x30...0x39).contains($0) }
        guard let end = line.firstIndex(of: 0x0A), !digits.isEmpty,
            line[digits.count..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }),
            let count = Int(String(decoding: digits, as: UTF8.self))
        else { throw Self.damaged("it does not begin with a count of octets", path) }
        guard count <= octetCount - end - 1 else { throw Self.damaged("it is shorter than its first line says", path) }
        range = (end + 1)..<(end + 1 + count)
        let list = EmlxList(try file.read(min(Self.listLimit, octetCount - range.upperBound), at: range.upperBound))
        (flags, received) = (list.flags, list.received)
    }

    private static func damaged(_ message: String, _ path: [UInt8]) -> FormatsError {
        FormatsError(.damaged, message, path: String(decoding: path, as: UTF8.self))
    }
}

/// The property list at the end of a file of Apple Mail, as far as it says something of the message's state.
package struct EmlxList {
    package private(set) var flags: FlagSet = []
    private(set) var received: Int64?

    /// Bits of `flags`; those between are counts of attachments, priorities and colours.
    ///
    /// - SeeAlso: https://www.jwz.org/blog/2005/07/emlx-flags/
    private static let bits: [(UInt64, Flag)] = [
        (1 << 0, .seen), (1 << 1, .deleted), (1 << 2, .answered), (1 << 4, .flagged), (1 << 6, .draft),
        (1 << 8, Flag("$Forwarded")), (1 << 24, Flag("$Junk")), (1 << 25, Flag("$NotJunk")),
    ]

    /// Total and linear: looks for the two keys in the outermost dictionary, whatever else there is.
    package init(_ octets: [UInt8]) {
        var depth = 0
        var key = ""
        var rest = octets[...]
        while let open = rest.firstIndex(of: 0x3C), let close = rest[open...].firstIndex(of: 0x3E) {
            let tag = rest[(open + 1)..<close]
            let text = rest[(close + 1)...].prefix { $0 != 0x3C }
            rest = rest[(close + 1)...].dropFirst(text.count)
            if tag.elementsEqual("dict".utf8) { depth += 1 }
            if tag.elementsEqual("/dict".utf8) { depth -= 1 }
            guard depth == 1 else { continue }
            if tag.elementsEqual("key".utf8) { key = String(decoding: text.prefix(64), as: UTF8.self) }
            guard tag.elementsEqual("integer".utf8) || tag.elementsEqual("real".utf8) else { continue }
            note(key, String(decoding: text.prefix(32), as: UTF8.self))
        }
    }

    private mutating func note(_ key: String, _ text: String) {
        switch key {
        case "flags":
            guard let value = Int64(text) else { return }
            let word = UInt64(bitPattern: value)
            flags = FlagSet(Self.bits.filter { word & $0.0 != 0 }.map(\.1))
        case "date-received": received = Double(text).flatMap { Int64(exactly: $0.rounded(.down))?.plausibleTime }
        default: break
        }
    }
}
