import MailCore

/// A zip archive: each member is a stream of its own.
struct ZipArchive: MemberSource {
    private let path: [UInt8]
    private let entries: [ZipEntry]

    /// - Throws: `.notAMailStore`, `.damaged`: without its directory nothing of a zip archive is read.
    init(_ path: [UInt8]) throws(FormatsError) {
        self.path = path
        entries = try ZipDirectory(path).entries
    }

    func open(_ stream: Int) throws(FormatsError) -> any OctetStream {
        guard entries.indices.contains(stream) else { throw FormatsError(.notFound, "no such member", path: "") }
        let entry = entries[stream]
        if let problem = Self.problem(entry) { throw FormatsError(.damaged, problem, path: "") }
        let file = try Descriptor.openForReading(path)
        var header = ZipFields(try file.read(30, at: entry.offset)[...])
        guard header.u32() == 0x0403_4B50 else {
            throw FormatsError(.damaged, "its header is not where the directory says", path: "")
        }
        header.skip(22)
        let start = entry.offset + 30 + Int(header.u16()) + Int(header.u16())
        let octets = FileOctets(file, start..<(start + entry.packedCount))
        let plain: any OctetStream =
            switch entry.method {
            case 8: try InflateOctets(octets, .raw)
            case 93: try ZstdOctets(octets)
            default: octets
            }
        return CheckedOctets(plain, count: entry.octetCount, checksum: entry.checksum)
    }

    func members(
        _ visit: (Member, _ window: () throws(FormatsError) -> OctetWindow) throws(FormatsError) -> Void
    ) throws(FormatsError) {
        for (index, entry) in entries.enumerated() where entry.name.last != 0x2F && entry.name.last != 0x5C {
            var member = Member(
                name: entry.name, stream: index, offset: 0, octetCount: entry.octetCount, modified: entry.modified)
            member.identity = UInt64(entry.checksum)
            member.problem = Self.problem(entry)
            try visit(member) { () throws(FormatsError) in OctetWindow(try open(index)) }
        }
    }

    private static func problem(_ entry: ZipEntry) -> String? {
        if entry.flags & 1 != 0 { return "encrypted" }
        if entry.isOverlapping { return "it begins inside another member: a bomb, or damage" }
        return [0, 8, 93].contains(entry.method) ? nil : "compression method \(entry.method) is not read here"
    }
}

extension Descriptor {
    /// A file that is read at any place, to be kept in a value.
    final class Reader {
        let octetCount: Int
        private let file: Descriptor

        init(_ path: [UInt8]) throws(FormatsError) {
            file = try Descriptor.openForReading(path)
            octetCount = try file.status().octetCount
        }

        func read(_ count: Int, at offset: Int) throws(FormatsError) -> [UInt8] { try file.read(count, at: offset) }
    }
}
