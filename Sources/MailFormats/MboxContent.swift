import Glibc
import MailCore

/// What is in one mbox file, with UIDs for good.
struct MboxContent: Sendable {
    struct Message: Sendable {
        var uid: UID
        var key: MboxKey
        /// From_ line to the empty line before the next, in the file.
        var whole: Range<Int>
        /// Without the From_ line.
        var range: Range<Int>
        var flags: FlagSet
        var date: Int64?
    }

    var path: [UInt8]
    /// Of the file when it was read.
    var status: FileStatus
    var messages: [Message] = []
    var validity = UIDValidity(0)
    var next: UInt32 = 1

    /// Reads the file; UIDs are not known yet.
    init(reading path: [UInt8]) throws(FormatsError) {
        self.path = path
        let file = try Descriptor.openForReading(path)
        status = try file.status()
        guard status.octetCount > 0 else { return }
        let entries = try MboxReader(octets: path).entries
        for (index, entry) in entries.enumerated() {
            var octets = MboxMessageOctets(entry.range)
            var key = MboxKey()
            while let piece = try octets.next(file) { key.add(piece) }
            if index == 0, octets.head?.isInternal == true { continue }
            let end = index + 1 < entries.count ? entries[index + 1].markerOffset : status.octetCount
            messages.append(
                Message(
                    uid: .max, key: key, whole: entry.markerOffset..<end, range: entry.range,
                    flags: octets.head?.flags ?? [], date: entry.date))
        }
    }

    func message(_ uid: UID) -> Message? { messages.first { $0.uid == uid } }

    func summary(_ message: Message) -> MessageSummary {
        MessageSummary(
            uid: message.uid, flags: message.flags,
            internalDate: message.date.map { InternalDate(secondsSinceEpoch: $0) }, octetCount: message.key.count)
    }

    /// Those that are dropped while an equal one stays.
    func leavingTwins(_ edit: (Message) -> WritableMbox.Edit) -> Set<UID> {
        var staying: Set<MboxKey> = []
        var dropped: [Message] = []
        for message in messages {
            if case .drop = edit(message) { dropped.append(message) } else { staying.insert(message.key) }
        }
        return Set(dropped.filter { staying.contains($0.key) }.map(\.uid))
    }

    var observation: MailboxObservation {
        let status = MailboxStatus(
            uidValidity: validity, uidNext: UID(next), messageCount: messages.count, highestModSeq: nil)
        return MailboxObservation(
            status: status, content: .full(messages.map(summary).sorted { $0.uid < $1.uid }), isComplete: true)
    }
}

/// The UIDs of the messages of one mbox, in a file of the sync's own.
///
///     mailarc-mbox-uids/1 <uidvalidity> <uidnext>\n
///     <uid> <hash> <hash> <octets>[ -]\n ...
///
/// A message is known by all its octets; of equal ones the first in the file has the smallest UID. Written anew by
/// rename when anything changed; a damaged list is begun anew under another UIDVALIDITY. `-`: it is about to be removed,
/// and of equal messages it is the one that is not there any more.
struct MboxUIDList {
    private static let type = "mailarc-mbox-uids/1"
    /// LIMIT: octets of a list, some ten million messages.
    private static let limit = 1 << 30
    let folder: [UInt8]
    let name: [UInt8]

    /// - Parameter path: of the mailbox inside its tree.
    init(_ path: [UInt8], in folder: [UInt8]) {
        self.folder = folder
        var key = MboxKey()
        key.add(path)
        name = Array("mbox-\(String(key.first, radix: 16))-\(String(key.second, radix: 16))-\(key.count)".utf8)
    }

    /// Gives every message of `content` its UID, for good.
    func assign(_ content: inout MboxContent) throws(FormatsError) {
        var known: [MboxKey: [UInt32]] = [:]
        var leaving: [MboxKey: [UInt32]] = [:]
        var count = 0
        let list = read { uid, key, isLeaving in
            if isLeaving { leaving[key, default: []].append(uid) } else { known[key, default: []].append(uid) }
            count += 1
        }
        (content.validity, content.next) = list ?? (UIDValidity(UInt32(truncatingIfNeeded: time(nil)) | 1), 1)
        if list == nil { (known, leaving) = ([:], [:]) }
        if !leaving.isEmpty {
            // More of them are there than were to stay: the change was not made.
            let counts = Dictionary(content.messages.lazy.map { ($0.key, 1) }, uniquingKeysWith: +)
            for (key, uids) in leaving {
                let surplus = max(counts[key, default: 0] - known[key, default: []].count, 0)
                known[key, default: []] += uids.sorted().prefix(surplus)
            }
        }
        for key in known.keys { known[key]?.sort(by: >) }
        var isNew = list == nil
        for index in content.messages.indices {
            if let value = known[content.messages[index].key]?.popLast(), let uid = UID(value) {
                content.messages[index].uid = uid
            } else {
                content.messages[index].uid = UID(content.next) ?? .max
                content.next = content.next == .max ? .max : content.next + 1
                isNew = true
            }
        }
        if isNew || count != content.messages.count { try write(content) }
    }

    private func read(_ each: (UInt32, MboxKey, Bool) -> Void) -> (UIDValidity, UInt32)? {
        guard let text = smallFile(folder + [0x2F] + name, limit: Self.limit), text.last == 0x0A else { return nil }
        var lines = text.split(separator: 0x0A)[...]
        guard let first = lines.popFirst()?.split(separator: 0x20), first.count == 3,
            first[0].elementsEqual(Self.type.utf8), let validity = UInt32(String(decoding: first[1], as: UTF8.self)),
            let next = UInt32(String(decoding: first[2], as: UTF8.self)), validity > 0, next > 0
        else { return nil }
        for line in lines {
            let fields = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count == 4 || fields.dropFirst(4).elementsEqual(["-"]), let uid = UInt32(fields[0]), uid > 0,
                uid < next,
                let one = UInt64(fields[1], radix: 16), let two = UInt64(fields[2], radix: 16),
                let count = Int(fields[3])
            else { return nil }
            each(uid, MboxKey(first: one, second: two, count: count), fields.count > 4)
        }
        return (UIDValidity(validity), next)
    }

    /// - Parameter leaving: those about to be removed.
    func write(_ content: MboxContent, leaving: Set<UID> = []) throws(FormatsError) {
        let folder = try Descriptor.openDirectory(folder)
        let temporary = name + Array(".new".utf8)
        folder.remove(temporary)
        let file = try folder.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
        var text = Array("\(Self.type) \(content.validity) \(content.next)\n".utf8)
        for message in content.messages {
            let key = message.key
            let mark = leaving.contains(message.uid) ? " -" : ""
            text += Array(
                "\(message.uid) \(String(key.first, radix: 16)) \(String(key.second, radix: 16)) \(key.count)\(mark)\n"
                    .utf8)
            guard text.count >= 1 << 16 else { continue }
            try file.write(text)
            text.removeAll(keepingCapacity: true)
        }
        try file.write(text)
        try file.sync()
        try folder.move(temporary, to: folder, name, replaces: true)
        try folder.sync()
    }

    func move(to other: MboxUIDList) throws(FormatsError) {
        guard FileStatus.at(folder + [0x2F] + name) != nil else { return try other.remove() }
        let folder = try Descriptor.openDirectory(folder)
        try folder.move(name, to: folder, other.name, replaces: true)
        try folder.sync()
    }

    func remove() throws(FormatsError) {
        _ = try Descriptor.openDirectory(folder).removeIfThere(name)
    }
}
