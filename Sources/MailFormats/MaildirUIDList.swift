import Glibc
import MailCore

/// The UIDs that syncs give the messages of one Maildir mailbox; a file of the sync's own, outside of the Maildir.
///
/// What names the messages of a Maildir is the base name, and other programs keep UIDs of their own there, which they
/// may assign anew; so a UID a sync relies on is written down before anything relies on it.
///
///     mailarc-uidlist/1 <uidvalidity>\n
///     <uid> <base name>\n ...
///
/// Lines are appended; one without its end is not there. Octets below `!`, `%` and DEL of a name are written `%XX`.
struct MaildirUIDList {
    private static let type = "mailarc-uidlist/1"
    /// LIMIT: some ten million messages of a mailbox.
    private static let lengthLimit = 1 << 30

    private(set) var validity: UIDValidity
    private(set) var next: UInt32 = 1
    private let folder: [UInt8]
    private let name: [UInt8]
    private var uids: [[UInt8]: UID] = [:]
    /// Octets of the file that are whole lines.
    private var length = 0
    private var lineCount = 0

    /// The list in the file `name` of `folder`; a new one, not yet written, where there is none or it is damaged.
    init(_ name: [UInt8], in folder: [UInt8]) {
        (self.name, self.folder) = (name, folder)
        // Never 0, and another one each time a list is begun anew.
        validity = UIDValidity(UInt32(truncatingIfNeeded: time(nil)) | 1)
        if let octets = smallFile(folder + [0x2F] + name, limit: Self.lengthLimit) { parse(octets) }
    }

    private mutating func parse(_ octets: [UInt8]) {
        let whole = octets.lastIndex(of: 0x0A).map { octets[...$0] } ?? []
        var lines = whole.split(separator: 0x0A)[...]
        guard let header = lines.popFirst().map({ $0.split(separator: 0x20) }), header.count == 2,
            header[0].elementsEqual(Self.type.utf8),
            let value = UInt32(String(decoding: header[1], as: UTF8.self)), value != 0
        else { return }
        validity = UIDValidity(value)
        length = whole.count
        lineCount = lines.count
        for line in lines {
            let fields = line.split(separator: 0x20, maxSplits: 1)
            guard fields.count == 2, let uid = UInt32(String(decoding: fields[0], as: UTF8.self)).flatMap({ UID($0) })
            else { continue }
            uids[MaildirFolderName.decode(Array(fields[1]))] = uid
            next = max(next, uid.value == .max ? .max : uid.value + 1)
        }
    }

    /// The UIDs of `names`; those that have none get the next ones, in order, and are in ``added``.
    mutating func assign(_ names: [[UInt8]]) -> (uids: [UID], added: [(UID, [UInt8])]) {
        var added: [(UID, [UInt8])] = []
        let result = names.map { base in
            let key = Self.key(base)
            if let uid = uids[key] { return uid }
            let uid = UID(next) ?? .max
            next = next == .max ? .max : next + 1
            uids[key] = uid
            added.append((uid, key))
            return uid
        }
        return (result, added)
    }

    /// The base name without `,U=n`, which mbsync adds to a file it has seen.
    private static func key(_ base: [UInt8]) -> [UInt8] {
        let fields = base.split(separator: 0x2C, omittingEmptySubsequences: false)
        guard fields.count > 1 else { return base }
        return Array(fields.filter { !$0.starts(with: "U=".utf8) }.joined(separator: [0x2C]))
    }

    /// Makes `added` durable; drops lines of messages that left when there are too many.
    mutating func write(_ added: [(UID, [UInt8])], present: [[UInt8]]) throws(FormatsError) {
        // Of an empty mailbox, too, the UIDVALIDITY is one that was written down.
        guard !added.isEmpty || length == 0 else { return }
        let folder = try Descriptor.openDirectory(folder)
        if length == 0 || lineCount > 2 * present.count + 1_000 {
            return try replace(present: present, in: folder)
        }
        let file = try folder.openFile(name, O_WRONLY)
        // A line without its end is what a crash left.
        try file.truncate(to: length)
        let text = Self.lines(added)
        try file.write(text, at: length)
        try file.sync()
        length += text.count
        lineCount += added.count
    }

    private mutating func replace(present: [[UInt8]], in folder: borrowing Descriptor) throws(FormatsError) {
        let kept = Set(present.map(Self.key))
        uids = uids.filter { kept.contains($0.key) }
        let entries = uids.map { ($0.value, $0.key) }.sorted { $0.0 < $1.0 }
        var text = Array("\(Self.type) \(validity)\n".utf8)
        // The largest UID ever given stays, so that none is given twice.
        if let last = UID(next)?.predecessor, uids.isEmpty || entries.last?.0 != last {
            text += Self.lines([(last, Array("-".utf8))])
        }
        text += Self.lines(entries)
        let temporary = name + Array(".new".utf8)
        folder.remove(temporary)
        let file = try folder.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
        try file.write(text)
        try file.sync()
        try folder.move(temporary, to: folder, name, replaces: true)
        try folder.sync()
        (length, lineCount) = (text.count, entries.count)
    }

    private static func lines(_ entries: [(UID, [UInt8])]) -> [UInt8] {
        var text: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for (uid, name) in entries {
            text += Array("\(uid) ".utf8)
            for octet in name {
                if octet <= 0x20 || octet == 0x25 || octet == 0x7F {
                    text += [0x25, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
                } else {
                    text.append(octet)
                }
            }
            text.append(0x0A)
        }
        return text
    }
}
