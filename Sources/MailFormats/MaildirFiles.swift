import MailCore

/// The messages' files in a Maildir mailbox, by base name: their names and 24 octets each.
struct MaildirFiles: RandomAccessCollection, Sendable {
    fileprivate struct Entry {
        var start: Int
        var uid: UInt32
        /// LIMIT: a file's name has at most 255 octets.
        var length: UInt8
        var baseLength: UInt8
        var isNew: Bool
    }
    private let directory: [UInt8]
    private var octets: [UInt8] = []
    private var entries: [Entry] = []
    /// Of the UIDs in `entries`; empty until they are assigned.
    private var places = UIDPlaces([])

    /// Lists `new` and `cur` of `directory`; the files have no UIDs yet.
    init(in directory: [UInt8]) throws(FormatsError) {
        self.directory = directory
        for folder in ["new", "cur"] {
            let path = directory + [0x2F] + Array(folder.utf8)
            guard FileStatus.at(path) != nil else { continue }
            try Directory.forEachName(path) { name in
                if name.first != 0x2E { add(name, isNew: folder == "new") }
            }
        }
        let octets = octets
        entries.sort { octets[$0.base].lexicographicallyPrecedes(octets[$1.base]) }
    }

    private mutating func add(_ name: ArraySlice<UInt8>, isNew: Bool) {
        let base = MaildirFileName.base(of: name)
        guard let length = UInt8(exactly: name.count) else { return }
        entries.append(
            Entry(start: octets.count, uid: 0, length: length, baseLength: UInt8(base.count), isNew: isNew))
        octets += name
    }

    var startIndex: Int { entries.startIndex }
    var endIndex: Int { entries.endIndex }

    subscript(position: Int) -> MaildirStore.File {
        let entry = entries[position]
        let name = Array(octets[entry.start..<entry.start + Int(entry.length)])
        let folder = entry.isNew ? "/new/" : "/cur/"
        return MaildirStore.File(
            uid: UID(entry.uid) ?? .max, name: MaildirFileName(parsing: name),
            path: directory + Array(folder.utf8) + name)
    }

    func base(at position: Int) -> ArraySlice<UInt8> { octets[entries[position].base] }

    /// The base name without the `,U=n` that mbsync adds to a file it has seen: what a message is known by.
    func key(at position: Int) -> ArraySlice<UInt8> {
        let base = base(at: position)
        var end = base.endIndex
        while end > base.startIndex, (0x30...0x39).contains(base[end - 1]) { end -= 1 }
        let mark = Self.mark
        guard end < base.endIndex, base[..<end].suffix(mark.count).elementsEqual(mark) else { return base }
        return base[..<(end - mark.count)]
    }

    private static let mark = Array(",U=".utf8)

    /// Where the file known by `key` is.
    private func positions(ofKey key: [UInt8]) -> Range<Int> {
        let exact = positions(ofBase: key)
        guard exact.isEmpty else { return exact }
        let marked = key + Self.mark
        let first = position { base(at: $0).lexicographicallyPrecedes(marked) }
        return first < count && self.key(at: first).elementsEqual(key) ? first..<(first + 1) : first..<first
    }

    /// Where the files with this base name are (more than one only where a Maildir is broken).
    func positions(ofBase base: some Collection<UInt8>) -> Range<Int> {
        let first = position { self.base(at: $0).lexicographicallyPrecedes(base) }
        var end = first
        while end < count, self.base(at: end).elementsEqual(base) { end += 1 }
        return first..<end
    }

    private func position(where isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: UIDs

    /// Gives each file what `uid` says of its place.
    mutating func assign(_ uid: (Int) -> UID) {
        for index in entries.indices { entries[index].uid = uid(index).value }
        places = UIDPlaces(entries.lazy.map { UID($0.uid) ?? .max })
    }

    /// Gives the file known by `key` a UID; ``finishUIDs(next:)`` follows.
    mutating func assign(_ uid: UID, toKey key: [UInt8]) {
        for position in positions(ofKey: key) { entries[position].uid = uid.value }
    }

    /// Gives every file without a UID one from `next` on, in order; where they are.
    mutating func finishUIDs(next: inout UInt32) -> [Int] {
        var added: [Int] = []
        for index in entries.indices where entries[index].uid == 0 {
            entries[index].uid = next
            next = next == .max ? .max : next + 1
            added.append(index)
        }
        places = UIDPlaces(entries.lazy.map { UID($0.uid) ?? .max })
        return added
    }

    var uids: UIDSet { places.all }

    func contains(_ uid: UID) -> Bool { places[uid] != nil }
    func uid(at position: Int) -> UID { UID(entries[position].uid) ?? .max }

    /// The file with this UID.
    func file(_ uid: UID) -> MaildirStore.File? { places[uid].map { self[$0] } }
}

extension MaildirFiles.Entry {
    fileprivate var base: Range<Int> { start..<start + Int(baseLength) }
}
