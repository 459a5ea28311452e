import MailCore

/// A member as the central directory of a zip archive tells of it.
struct ZipEntry: Sendable {
    var name: [UInt8]
    var method: UInt16
    var flags: UInt16
    var checksum: UInt32
    var packedCount: Int
    var octetCount: Int
    /// Of its local header in the file.
    var offset: Int
    var modified: Int64?
    /// Its octets are another member's, too.
    var isOverlapping = false
}

/// Reads the central directory of a zip archive, zip64 too.
///
/// - SeeAlso: PKWARE APPNOTE 6.3.10 §4.3
struct ZipDirectory {
    private(set) var entries: [ZipEntry] = []
    private let file: Descriptor.Reader
    private let path: String
    /// Octets in front of the archive (a program that unpacks it).
    private var shift = 0

    /// LIMIT: octets of the directory: some ten million members.
    private static let directoryLimit = 1 << 30
    /// LIMIT: the end record and the longest remark behind it.
    private static let tailLimit = 22 + 65_535

    /// - Throws: `.notAMailStore` for what is no zip archive, `.damaged` for a directory that is not whole.
    init(_ path: [UInt8]) throws(FormatsError) {
        self.path = String(decoding: path, as: UTF8.self)
        file = try Descriptor.Reader(path)
        let (start, count, total) = try place()
        let octets = try file.read(count, at: start)
        guard octets.count == count else { throw damaged("its directory ends too early") }
        try parse(octets, total)
        markOverlapping()
    }

    private func damaged(_ message: String) -> FormatsError { FormatsError(.damaged, message, path: path) }

    /// Where the directory is, and how many members it has.
    private mutating func place() throws(FormatsError) -> (start: Int, count: Int, total: UInt64) {
        let size = file.octetCount
        let tailStart = max(0, size - Self.tailLimit)
        let tail = try file.read(size - tailStart, at: tailStart)
        let mark: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
        let found = stride(from: tail.count - 22, through: 0, by: -1).first { tail[$0...].starts(with: mark) }
        guard let found else { throw FormatsError(.notAMailStore, "not a zip archive, or cut off", path: path) }
        var record = ZipFields(tail[found...])
        record.skip(10)
        var total = UInt64(record.u16())
        var count = UInt64(record.u32())
        var start = UInt64(record.u32())
        var end = tailStart + found
        if total == 0xFFFF || count == 0xFFFF_FFFF || start == 0xFFFF_FFFF, end >= 20 {
            var locator = ZipFields(try file.read(20, at: end - 20)[...])
            if locator.u32() == 0x0706_4B50 {
                locator.skip(4)
                let told = locator.u64()
                guard told < UInt64(end) else { throw damaged("its zip64 record is nowhere") }
                end = Int(told)
                var large = ZipFields(try file.read(56, at: end)[...])
                guard large.u32() == 0x0606_4B50 else { throw damaged("its zip64 record is damaged") }
                large.skip(28)
                (total, count, start) = (large.u64(), large.u64(), large.u64())
            }
        }
        guard count <= UInt64(Self.directoryLimit), count <= UInt64(end) else {
            throw damaged("its directory is larger than it can be")
        }
        shift = end - Int(count) - Int(clamping: start)
        guard start <= UInt64(end), shift >= 0 else { throw damaged("its directory is nowhere") }
        return (end - Int(count), Int(count), total)
    }

    private mutating func parse(_ octets: [UInt8], _ total: UInt64) throws(FormatsError) {
        var fields = ZipFields(octets[...])
        while fields.rest.count >= 46, fields.u32() == 0x0201_4B50 {
            fields.skip(4)
            let (flags, method, time, date) = (fields.u16(), fields.u16(), fields.u16(), fields.u16())
            var entry = ZipEntry(
                name: [], method: method, flags: flags, checksum: fields.u32(), packedCount: Int(fields.u32()),
                octetCount: Int(fields.u32()), offset: 0, modified: Self.time(time, date))
            let (nameCount, extraCount, remarkCount) = (Int(fields.u16()), Int(fields.u16()), Int(fields.u16()))
            fields.skip(8)
            entry.offset = Int(fields.u32())
            guard fields.rest.count >= nameCount + extraCount + remarkCount else {
                throw damaged("its directory is not whole")
            }
            entry.name = Array(fields.take(nameCount))
            Self.extend(&entry, ZipFields(fields.take(extraCount)))
            fields.skip(remarkCount)
            entry.offset += shift
            guard entry.offset <= file.octetCount, entry.packedCount <= file.octetCount - entry.offset else {
                throw damaged("its directory names octets that are not there")
            }
            entries.append(entry)
        }
        // QUIRK: some programs write the count modulo 65,536.
        guard UInt64(entries.count) & 0xFFFF == total & 0xFFFF else { throw damaged("its directory is not whole") }
    }

    /// What extra fields say: sizes over 4 GiB, the time in UTC.
    private static func extend(_ entry: inout ZipEntry, _ extra: ZipFields) {
        var extra = extra
        while extra.rest.count >= 4 {
            let kind = extra.u16()
            var field = ZipFields(extra.take(Int(extra.u16())))
            switch kind {
            case 1:
                if entry.octetCount == 0xFFFF_FFFF { entry.octetCount = field.count() }
                if entry.packedCount == 0xFFFF_FFFF { entry.packedCount = field.count() }
                if entry.offset == 0xFFFF_FFFF { entry.offset = field.count() }
            case 0x5455 where field.rest.first.map { $0 & 1 } == 1:
                field.skip(1)
                if field.rest.count >= 4 { entry.modified = Int64(field.u32()) }
            default: break
            }
        }
    }

    /// A date and time of DOS, taken as UTC for want of a zone.
    private static func time(_ time: UInt16, _ date: UInt16) -> Int64? {
        let (day, month) = (Int(date & 31), Int(date >> 5 & 15))
        guard (1...31).contains(day), (1...12).contains(month) else { return nil }
        return CivilTime(
            year: 1980 + Int(date >> 9), month: month, day: day, hour: Int(time >> 11), minute: Int(time >> 5 & 63),
            second: Int(time & 31) * 2
        ).secondsSinceEpoch
    }

    /// A member that begins inside another: a bomb, or not what it says.
    private mutating func markOverlapping() {
        let order = entries.indices.sorted { entries[$0].offset < entries[$1].offset }
        for (index, next) in zip(order, order.dropFirst()) {
            let entry = entries[index]
            if entry.offset + 30 + entry.packedCount > entries[next].offset { entries[next].isOverlapping = true }
        }
    }
}

/// Numbers with the least octet first; zeros where there is nothing any more.
struct ZipFields {
    private(set) var rest: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) { rest = octets }

    mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }
    mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }
    mutating func u16() -> UInt16 { UInt16(truncatingIfNeeded: number(2)) }
    mutating func u32() -> UInt32 { UInt32(truncatingIfNeeded: number(4)) }
    mutating func u64() -> UInt64 { number(8) }
    /// LIMIT: 2⁶² octets; more is as good as none at all.
    mutating func count() -> Int { Int(min(u64(), 1 << 62)) }

    private mutating func number(_ count: Int) -> UInt64 {
        take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
