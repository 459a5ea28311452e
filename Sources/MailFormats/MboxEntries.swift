import MailCore

/// The messages of an mbox, in the order of the file; 32 octets each, however many.
public struct MboxEntries: RandomAccessCollection, Sendable {
    /// An entry without anything that has an allocation of its own.
    fileprivate struct Packed: Sendable {
        var markerOffset: Int
        /// Of the message.
        var octetCount: Int
        /// `Int64.min`: none.
        var date: Int64
        /// Octets of the From_ line, times four; 1: quoted, 2: Content-Length.
        var head: UInt32
        /// Which of the sets.
        var flags: UInt32
    }

    /// Entries of all blocks but the last: what grows by doubling would hold twice as much for a moment.
    fileprivate static var blockSize: Int { 1 << 14 }
    fileprivate var blocks: [[Packed]] = []
    /// Each that occurs, once.
    fileprivate var flagSets: [FlagSet] = []

    /// The first message of the file.
    public var startIndex: Int { 0 }
    /// Behind the last one.
    public var endIndex: Int { blocks.last.map { (blocks.count - 1) * Self.blockSize + $0.count } ?? 0 }

    /// The message at `index`, unpacked; O(1).
    public subscript(index: Int) -> MboxEntry {
        let entry = blocks[index / Self.blockSize][index % Self.blockSize]
        let start = entry.markerOffset + Int(entry.head >> 2)
        return MboxEntry(
            date: entry.date == .min ? nil : entry.date, markerOffset: entry.markerOffset,
            range: start..<start + entry.octetCount, flags: flagSets[Int(entry.flags)], isQuoted: entry.head & 1 != 0,
            usesContentLength: entry.head & 2 != 0)
    }
}

/// Takes entries one by one.
struct MboxEntriesBuilder {
    private(set) var all = MboxEntries()
    private var known: [FlagSet: UInt32] = [:]

    mutating func append(_ entry: MboxEntry) {
        let flags = known[entry.flags] ?? UInt32(all.flagSets.count)
        if flags == all.flagSets.count {
            all.flagSets.append(entry.flags)
            known[entry.flags] = flags
        }
        // A line is read in pieces of a MiB, so it fits.
        let head = UInt32(entry.range.lowerBound - entry.markerOffset) << 2
        if all.blocks.last?.count ?? MboxEntries.blockSize == MboxEntries.blockSize { all.blocks.append([]) }
        all.blocks[all.blocks.count - 1].append(
            MboxEntries.Packed(
                markerOffset: entry.markerOffset, octetCount: entry.range.count, date: entry.date ?? .min,
                head: head | (entry.isQuoted ? 1 : 0) | (entry.usesContentLength ? 2 : 0), flags: flags))
    }
}
