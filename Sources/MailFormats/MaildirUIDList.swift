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
struct MaildirUIDList: Sendable {
    private static let type = "mailarc-uidlist/1"
    /// LIMIT: a longer line is none of ours, and the list is begun anew. A file name has at most 255 octets.
    private static let lineLimit = 4_096
    private static let blockCount = 1 << 16

    private(set) var validity: UIDValidity
    private(set) var next: UInt32 = 1
    private let folder: [UInt8]
    private let name: [UInt8]
    /// Octets of the file that are whole lines.
    private var length = 0
    private var lineCount = 0
    /// Of the file, so that another one under its name is noticed.
    private var serial: UInt64?

    /// The list in the file `name` of `folder`; a new one, not yet written, where there is none or it is damaged.
    ///
    /// Each line is handed to `each` as it is read.
    init(_ name: [UInt8], in folder: [UInt8], each: (UID, [UInt8]) -> Void) throws(FormatsError) {
        (self.name, self.folder) = (name, folder)
        // Never 0, and another one each time a list is begun anew.
        validity = UIDValidity(UInt32(truncatingIfNeeded: time(nil)) | 1)
        let path = folder + [0x2F] + name
        guard FileStatus.at(path) != nil else { return }
        let file = try Descriptor.openForReading(path)
        serial = try file.status().serial
        var line: [UInt8] = []
        var offset = 0
        while case let block = try file.read(Self.blockCount, at: offset), !block.isEmpty {
            var start = block.startIndex
            while let end = block[start...].firstIndex(of: 0x0A) {
                line += block[start..<end]
                start = end + 1
                guard take(line, each) else {
                    length = 0
                    return
                }
                length = offset + start
                line.removeAll(keepingCapacity: true)
            }
            line += block[start...]
            guard line.count <= Self.lineLimit else {
                length = 0
                return
            }
            offset += block.count
        }
    }

    /// False when this is no list of ours.
    private mutating func take(_ line: [UInt8], _ each: (UID, [UInt8]) -> Void) -> Bool {
        guard length > 0 else {
            let fields = line.split(separator: 0x20)
            guard fields.count == 2, fields[0].elementsEqual(Self.type.utf8),
                let value = UInt32(String(decoding: fields[1], as: UTF8.self)), value != 0
            else { return false }
            validity = UIDValidity(value)
            return true
        }
        lineCount += 1
        guard let space = line.firstIndex(of: 0x20), let number = Self.number(line[..<space]), let uid = UID(number)
        else { return true }
        next = max(next, number == .max ? .max : number + 1)
        each(uid, MaildirFolderName.decode(Array(line[(space + 1)...])))
        return true
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.count <= 10 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return UInt32(exactly: value)
    }

    /// The list of `files`, each of which has its UID afterwards, and for good.
    static func assign(_ files: inout MaildirFiles, _ name: [UInt8], in folder: [UInt8]) throws(FormatsError) -> Self {
        var list = try MaildirUIDList(name, in: folder) { files.assign($0, toKey: $1) }
        let added = files.finishUIDs(next: &list.next)
        // Of an empty mailbox, too, the UIDVALIDITY is one that was written down.
        if list.length == 0 || list.lineCount > 2 * files.count + 1_000 {
            try list.replace(files)
        } else {
            let files = files
            try list.append(added.lazy.map { (files.uid(at: $0), files.key(at: $0)) })
        }
        return list
    }

    func isOf(_ name: [UInt8]) -> Bool { self.name == name }

    /// Nobody else has written since this one was read or written.
    var isCurrent: Bool {
        guard let status = FileStatus.at(path) else { return false }
        return status.serial == serial && status.octetCount == length && length > 0
    }

    var path: [UInt8] { folder + [0x2F] + name }

    /// Gives the messages known by `keys` UIDs; the caller makes ``path`` durable before anything relies on them.
    mutating func assign(_ keys: [[UInt8]]) throws(FormatsError) -> [UID] {
        let uids = keys.map { _ in
            defer { next = next == .max ? .max : next + 1 }
            return UID(next) ?? .max
        }
        try append(zip(uids, keys).map { ($0, $1[...]) }, syncs: false)
        return uids
    }

    // MARK: Writing

    private mutating func append(
        _ entries: some Collection<(UID, ArraySlice<UInt8>)>, syncs: Bool = true
    ) throws(FormatsError) {
        guard !entries.isEmpty else { return }
        let file = try Descriptor.openDirectory(folder).openFile(name, O_WRONLY)
        // A line without its end is what a crash left.
        try file.truncate(to: length)
        var text: [UInt8] = []
        var end = length
        for (uid, key) in entries {
            Self.add(uid, key, to: &text)
            guard text.count >= Self.blockCount else { continue }
            try file.write(text, at: end)
            end += text.count
            text.removeAll(keepingCapacity: true)
        }
        try file.write(text, at: end)
        if syncs { try file.sync() }
        (length, lineCount) = (end + text.count, lineCount + entries.count)
    }

    /// Writes the list anew, with what is there alone.
    private mutating func replace(_ files: MaildirFiles) throws(FormatsError) {
        let folder = try Descriptor.openDirectory(folder)
        let temporary = name + Array(".new".utf8)
        folder.remove(temporary)
        let file = try folder.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
        var text = Array("\(Self.type) \(validity)\n".utf8)
        (length, lineCount) = (0, 0)
        var last: UID?
        for position in files.indices {
            Self.add(files.uid(at: position), files.key(at: position), to: &text)
            last = max(last ?? .min, files.uid(at: position))
            lineCount += 1
            guard text.count >= Self.blockCount else { continue }
            try file.write(text)
            length += text.count
            text.removeAll(keepingCapacity: true)
        }
        // The largest UID ever given stays, so that none is given twice.
        if let largest = UID(next)?.predecessor, last != largest {
            Self.add(largest, Array("-".utf8)[...], to: &text)
            lineCount += 1
        }
        try file.write(text)
        length += text.count
        try file.sync()
        serial = try file.status().serial
        try folder.move(temporary, to: folder, name, replaces: true)
        try folder.sync()
    }

    private static func add(_ uid: UID, _ key: ArraySlice<UInt8>, to text: inout [UInt8]) {
        text += Array("\(uid) ".utf8)
        for octet in key {
            if octet <= 0x20 || octet == 0x25 || octet == 0x7F {
                text += [0x25, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            } else {
                text.append(octet)
            }
        }
        text.append(0x0A)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
