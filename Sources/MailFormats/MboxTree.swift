import Glibc
import MailCore

/// Which file of a tree each mailbox is.
///
/// `Work` is a file, and mailboxes inside it are in `Work.sbd/` (Thunderbird's way) or, where `Work` holds no messages
/// itself, in `Work/` (Dovecot's). INBOX is `INBOX` in the tree, in any case. Names that begin with a dot, and what
/// ends with `.lock` or `.msf`, are other programs'.
struct MboxTree: Sendable {
    let root: [UInt8]
    private static let sbd = Array(".sbd".utf8)

    /// Every mailbox with its file, empty ones too.
    func files() -> (found: [(name: MailboxName, path: [UInt8])], isComplete: Bool) {
        var found: [(name: MailboxName, path: [UInt8])] = []
        var walk = FolderWalk(root)
        while let folder = walk.next() {
            for name in folder.names where name.first != 0x2E {
                let child = folder.path(of: name)
                let full = folder.fullName(of: name)
                guard let status = FileStatus.at(child) else {
                    walk.miss()
                    continue
                }
                if status.isDirectory {
                    let isInside = full.suffix(4).elementsEqual(Self.sbd)
                    walk.descend(into: name, of: folder, as: isInside ? Array(full.dropLast(4)) : full)
                } else if status.isRegular, !Self.isOthers(name) {
                    switch Self.isMbox(child, status) {
                    case true?: found.append((Self.name(full), child))
                    case false?: break
                    case nil: walk.miss()
                    }
                }
            }
        }
        return (found.sorted { $0.name.octets.lexicographicallyPrecedes($1.name.octets) }, walk.isComplete)
    }

    /// A lock or an index: no mailbox.
    static func isOthers(_ name: [UInt8]) -> Bool {
        name.suffix(5).elementsEqual(".lock".utf8) || name.suffix(4).elementsEqual(".msf".utf8)
    }

    static func name(_ octets: [UInt8]) -> MailboxName {
        let isInbox = String(decoding: octets, as: UTF8.self).lowercased() == "inbox"
        return MailboxName(octets: isInbox ? Array("INBOX".utf8) : octets, delimiter: 0x2F)
    }

    private static func isMbox(_ path: [UInt8], _ status: FileStatus) -> Bool? {
        if status.octetCount == 0 { return true }
        guard let file = try? Descriptor.openForReading(path), let start = try? file.read(5, at: 0) else { return nil }
        return start.elementsEqual("From ".utf8)
    }

    /// Where a mailbox called `name` that is not there yet goes; the directories above it are made.
    ///
    /// - Throws: `.invalidName` for a name that is none in a file system.
    func makePlace(for name: MailboxName) throws(FormatsError) -> (directory: [UInt8], name: [UInt8]) {
        let parts = name.octets.split(separator: 0x2F, omittingEmptySubsequences: false).map { Array($0) }
        for part in parts
        where part.isEmpty || part.first == 0x2E || part.contains(0) || part.count > 200 || Self.isOthers(part)
            || part.suffix(4).elementsEqual(Self.sbd)
        {
            throw FormatsError(.invalidName, "not a name for an mbox", path: name.text)
        }
        var directory = root
        for part in parts.dropLast() {
            let plain = directory + [0x2F] + part
            let isPlain = FileStatus.at(plain)?.isDirectory == true
            let isFile = FileStatus.at(plain)?.isRegular == true
            let child = !isPlain && (isFile || FileStatus.at(plain + Self.sbd) != nil) ? part + Self.sbd : part
            let parent = try Descriptor.openDirectory(directory)
            try parent.makeDirectory(child)
            try parent.sync()
            directory += [0x2F] + child
        }
        guard let last = parts.last else {
            throw FormatsError(.invalidName, "not a name for an mbox", path: name.text)
        }
        return (directory, last)
    }

    /// Makes room for a file where a directory has its name: the mailboxes in it keep their names.
    func makeRoom(_ name: [UInt8], in directory: [UInt8]) throws(FormatsError) {
        guard FileStatus.at(directory + [0x2F] + name)?.isDirectory == true else { return }
        let parent = try Descriptor.openDirectory(directory)
        try parent.move(directory: name, to: parent, name + Self.sbd)
        try parent.sync()
    }

    /// The directory of the mailboxes inside the one at `path`.
    func inside(_ path: [UInt8]) -> [UInt8]? {
        [path + Self.sbd, path].first { FileStatus.at($0)?.isDirectory == true }
    }
}

extension Descriptor {
    /// Gives a directory another name; `.alreadyExists` when it is taken by one that is not empty.
    func move(directory old: [UInt8], to target: borrowing Descriptor, _ new: [UInt8]) throws(FormatsError) {
        try move(old, to: target, new, replaces: true)
    }
}
