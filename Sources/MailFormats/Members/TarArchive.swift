import MailCore

/// A tar archive, plain or compressed with gzip or zstd: one stream with all members.
struct TarArchive: MemberSource {
    private let path: [UInt8]
    private let packing: Packing

    /// By what a tar archive is compressed.
    private enum Packing { case none, gzip, zstd }

    /// LIMIT: octets of a long name or a pax header.
    private static let extensionLimit = 1 << 20

    /// - Throws: `.notAMailStore` for what does not begin as a tar archive.
    init(_ path: [UInt8]) throws(FormatsError) {
        self.path = path
        let start = try Descriptor.openForReading(path).read(6, at: 0)
        let text = String(decoding: path, as: UTF8.self)
        packing =
            start.starts(with: [0x1F, 0x8B]) ? .gzip : start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) ? .zstd : .none
        if start.starts(with: "BZh".utf8) || start.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) {
            throw FormatsError(.notAMailStore, "bzip2 and xz are not read here: unpack it first", path: text)
        }
        var block: [UInt8] = []
        do throws(FormatsError) {
            let cursor = OctetCursor(try open(0))
            while block.count < TarHeader.octetCount, let piece = try cursor.take(TarHeader.octetCount - block.count) {
                block += piece
            }
        } catch { throw error.at(text) }
        // An archive without members is two blocks of zeros.
        guard TarHeader(block) != nil || block.count == TarHeader.octetCount && block.allSatisfy({ $0 == 0 }) else {
            throw FormatsError(.notAMailStore, "not a tar archive (plain, .gz or .zst)", path: text)
        }
    }

    func open(_ stream: Int) throws(FormatsError) -> any OctetStream {
        let file = try Descriptor.openForReading(path)
        let octets = FileOctets(file, 0..<(FileStatus.at(path)?.octetCount ?? 0))
        switch packing {
        case .none: return octets
        case .gzip: return try InflateOctets(octets, .gzip)
        case .zstd: return try ZstdOctets(octets)
        }
    }

    func members(
        _ visit: (Member, _ window: () throws(FormatsError) -> OctetWindow) throws(FormatsError) -> Void
    ) throws(FormatsError) {
        let window = OctetWindow(try open(0))
        var offset = 0
        var longName: [UInt8]?
        var pax = TarExtension([])
        while true {
            let block = try window.read(TarHeader.octetCount, at: offset)
            // QUIRK: some programs leave out the two blocks of zeros at the end.
            if block.isEmpty || block.allSatisfy({ $0 == 0 }) { return }
            guard let header = TarHeader(block) else {
                throw FormatsError(.damaged, "no header of a member at octet \(offset) of the archive", path: "")
            }
            let start = offset + TarHeader.octetCount
            // Links and devices have no octets, whatever their size says.
            let size = (0x31...0x36).contains(header.type) ? 0 : pax.size ?? header.size
            guard size <= Int.max - start - TarHeader.octetCount else {
                throw FormatsError(.damaged, "a member without end at octet \(offset) of the archive", path: "")
            }
            let isRemark = [0x4C, 0x4B, 0x78, 0x67].contains(header.type)
            if isRemark, size > Self.extensionLimit {
                throw FormatsError(.damaged, "a name that is too long at octet \(offset) of the archive", path: "")
            }
            switch header.type {
            case 0x4C: longName = Array(try window.read(size, at: start).prefix { $0 != 0 })
            case 0x78: pax = TarExtension(try window.read(size, at: start))
            case 0x4B, 0x67: break
            default:
                var member = Member(
                    name: pax.name ?? longName ?? header.name, stream: 0, offset: start, octetCount: size,
                    modified: pax.modified ?? header.modified)
                member.problem = Self.problem(header.type, pax)
                (longName, pax) = (nil, TarExtension([]))
                let isFile = [0, 0x30, 0x31, 0x37, 0x53].contains(header.type) && member.name.last != 0x2F
                if isFile { try visit(member) { window } }
            }
            offset = start + (size + TarHeader.octetCount - 1) / TarHeader.octetCount * TarHeader.octetCount
            try window.forget(before: offset)
        }
    }

    private static func problem(_ type: UInt8, _ pax: TarExtension) -> String? {
        switch type {
        case 0x31: "a second name of another member, which has the octets"
        case 0x53: "a sparse file"
        default: pax.isSparse ? "a sparse file" : nil
        }
    }
}
