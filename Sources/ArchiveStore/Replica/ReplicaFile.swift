import ArchiveLedger
import Glibc
import MailCore

/// A file of an archive, as far as a copy must know it.
struct ReplicaFile: Sendable, Hashable {
    /// Relative to the archive.
    var path: String
    var size: UInt64
    /// When its octets last changed, nanoseconds since 1970.
    var modified: Int64

    /// How a copy of the file is known to be the same without reading both.
    enum Nature: Hashable {
        /// The name is the SHA-256 of the octets, in hex.
        case named(String)
        /// The place says what it holds, for ever: full tiles and bundles, kept checkpoints, records of replaced packs.
        case positional
        case changing
    }

    var nature: Nature {
        let parts = path.split(separator: "/")
        guard let folder = parts.first, let name = parts.last, parts.count > 1 else { return .changing }
        let stem = name.prefix { $0 != "." }
        let isDigest = stem.utf8.count == 64 && [UInt8](hex: String(stem)) != nil
        switch folder {
        case "packs", "dict", "index", "parity":
            if isDigest, stem == name { return .named(String(stem)) }
            return name.hasSuffix(".gone") ? .positional : .changing
        case "keys": return isDigest && name == "\(stem).slot" ? .named(String(stem)) : .changing
        case "log":
            let place = TilePath(parsing: parts.dropFirst().joined(separator: "/"))
            return parts.count == 3 && parts[1] == "checkpoints" || place?.width == Tile.width ? .positional : .changing
        default: return .changing
        }
    }

    /// LIMIT: files up to this size are read to compare them; of larger ones size and time decide.
    static let comparedOctetCount: UInt64 = 64 << 10
}

extension ReplicaFile {
    /// Folders a copy takes; other names in an archive's folder are not the archive's and are left alone.
    private static let folders = [
        "keys", "writers", "packs", "open", "dict", "vault", "log", "catalog", "state", "index", "parity", "keybag",
    ]

    /// Every file of the archive at `root`, by path, temporary ones too.
    static func all(in root: String) throws(ArchiveError) -> [String: ReplicaFile] {
        var files: [String: ReplicaFile] = [:]
        if let file = facts("MAILARC", in: root)?.file { files[file.path] = file }
        var folders = Self.folders
        while let folder = folders.popLast() {
            for name in try FileTree.names(in: "\(root)/\(folder)") {
                // A writer may take the name away meanwhile.
                guard let (file, isFolder) = facts("\(folder)/\(name)", in: root) else { continue }
                if isFolder { folders.append(file.path) } else { files[file.path] = file }
            }
        }
        return files
    }

    /// What of them belongs to a copy: not what is half-written, SQLite's own index, or a catalog with a log.
    /// - Parameter isQuiet: the logs were emptied, as far as they could be.
    static func copied(of files: [String: ReplicaFile], isQuiet: Bool) -> [String: ReplicaFile] {
        files.filter { path, file in
            if path.hasSuffix(".tmp") || path.hasSuffix("-shm") { return false }
            guard path.hasPrefix("catalog/") else { return !path.hasSuffix("-wal") || file.size > 0 }
            // A reader kept the log from being emptied: the copy makes its catalog anew rather than take half of one.
            return !path.hasSuffix("-wal") && (!isQuiet || files["\(path)-wal"]?.size ?? 0 == 0)
        }
    }

    private static func facts(_ path: String, in root: String) -> (file: ReplicaFile, isFolder: Bool)? {
        var status = stat()
        guard unsafe stat("\(root)/\(path)", &status) == 0 else { return nil }
        let modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        let file = ReplicaFile(path: path, size: UInt64(status.st_size), modified: modified)
        return (file, status.st_mode & S_IFMT == S_IFDIR)
    }
}
