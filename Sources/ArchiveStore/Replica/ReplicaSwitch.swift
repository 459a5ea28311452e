import Glibc
import MailCore

/// The last step of a backup: everything new is durable below `incoming/`, and the file `switching` says what takes its
/// place and what goes (ArchiveFormat.md §14).
///
/// Each line can be carried out again: whoever finds the file finishes it before anything else.
struct ReplicaSwitch {
    var archive: RandomID
    /// Paths below `incoming/` that go to the same path in the archive.
    var moves: [String]
    /// Paths that are removed.
    var drops: [String]

    private static let type = "mailarc-switching/1"
    /// LIMIT: two million lines of 128 octets.
    private static let maximumLength = 256 << 20

    var octets: [UInt8] {
        var text = "\(Self.type)\narchive \(archive)\n"
        for path in moves { text += "move \(path)\n" }
        for path in drops { text += "drop \(path)\n" }
        return Array((text + "end \(moves.count + drops.count)\n").utf8)
    }

    init(archive: RandomID, moves: [String], drops: [String]) {
        (self.archive, self.moves, self.drops) = (archive, moves, drops)
    }

    /// - Throws: `.damaged` for anything ``octets`` would not write, or a path that leaves the archive.
    init(parsing octets: [UInt8]) throws(ArchiveError) {
        var lines = String(decoding: octets, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)[
            ...]
        guard lines.popFirst() == Self.type[...], let second = lines.popFirst(), second.hasPrefix("archive "),
            let archive = RandomID(hex: String(second.dropFirst(8))), lines.popLast() == "", let end = lines.popLast()
        else { throw ArchiveError(.damaged, "the list of a backup's last step cannot be read") }
        (self.archive, moves, drops) = (archive, [], [])
        for line in lines {
            let path = String(line.dropFirst(5))
            guard Self.isInside(path) else {
                throw ArchiveError(.damaged, "a line of a backup's last step names no file of an archive")
            }
            switch line.prefix(5) {
            case "move ": moves.append(path)
            case "drop ": drops.append(path)
            default: throw ArchiveError(.damaged, "the list of a backup's last step has an unknown line")
            }
        }
        guard end == "end \(moves.count + drops.count)" else {
            throw ArchiveError(.damaged, "the list of a backup's last step is cut off")
        }
    }

    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } && !["lock", "incoming"].contains(parts[0])
    }

    // MARK: doing it

    /// Writes the list: from its rename on the folder holds the newer archive.
    func begin(_ layout: ArchiveLayout) throws(ArchiveError) { try FileTree.replace(layout.switching, with: octets) }

    /// Finishes what the list names, if there is one. Takes the writer's lock; needs no key.
    ///
    /// - Throws: `.locked` while the backup itself is at it; `.ioFailed` where the folder cannot be written.
    static func finishIfAny(_ layout: ArchiveLayout) throws(ArchiveError) {
        guard FileTree.exists(layout.switching) else { return }
        do throws(ArchiveError) {
            let owner = WriterLock.Owner(processID: getpid(), started: Int64(time(nil)), host: "", command: "mailarc")
            let lock = try WriterLock(layout.lock, owner: owner)
            try finish(layout, fault: nil)
            lock.release()
        } catch {
            guard error.kind == .ioFailed else { throw error }
            throw ArchiveError(
                .ioFailed,
                "a backup into this folder was interrupted in its last step; "
                    + "open it once where it can be written (\(error.message))", path: layout.switching)
        }
    }

    /// The same for whoever holds the lock.
    static func finish(_ layout: ArchiveLayout, fault: (@Sendable (FaultStep) -> Void)?) throws(ArchiveError) {
        guard FileTree.exists(layout.switching) else { return }
        let list: ReplicaSwitch
        do throws(ArchiveError) {
            list = try ReplicaSwitch(parsing: FileTree.read(layout.switching, limit: maximumLength))
        } catch { throw ArchiveError(error.kind, error.message, path: layout.switching) }
        var folders: Set<String> = []
        for path in list.moves where FileTree.exists("\(layout.incoming)/\(path)") {
            let target = "\(layout.root)/\(path)"
            try wipe(target, layout)
            guard unsafe Glibc.rename("\(layout.incoming)/\(path)", target) == 0 else {
                throw SystemFile.failure("cannot rename", "\(layout.incoming)/\(path)")
            }
            folders.insert(FileTree.parent(of: target))
            fault?(.backupSwitch)
        }
        for path in list.drops {
            let target = "\(layout.root)/\(path)"
            try wipe(target, layout)
            try FileTree.remove(target)
            let folder = FileTree.parent(of: target)
            // The folder of a partial tile goes with its last file.
            if folder.hasSuffix(".p"), unsafe rmdir(folder) == 0 {
                folders.remove(folder)
            } else {
                folders.insert(folder)
            }
            fault?(.backupSwitch)
        }
        for folder in folders where FileTree.exists(folder) { try FileTree.syncDirectory(folder) }
        // ORDER: every line is durable before the list goes.
        try FileTree.remove(layout.switching)
        try FileTree.syncDirectory(layout.root)
        fault?(.backupEnd)
    }

    /// Overwrites an erasure secret that is replaced: of it no octet may be found again.
    private static func wipe(_ path: String, _ layout: ArchiveLayout) throws(ArchiveError) {
        guard path == layout.erasure, let size = FileTree.size(path) else { return }
        let file = try SystemFile(path, .readWrite)
        try file.write([UInt8](repeating: 0, count: Int(min(size, 65_536))), at: 0)
        try file.sync()
    }
}
