import Glibc

/// Takes a folder away with everything in it; links are removed and never followed.
package enum FolderRemoval {
    private static let zeros = [UInt8](repeating: 0, count: 1 << 16)

    /// Removes what can be removed.
    ///
    /// - Parameter wipes: writes zeros over each file first.
    package static func remove(_ path: String, wipes: Bool) {
        var folders = [Array(path.utf8)]
        var index = 0
        while index < folders.count {
            let folder = folders[index]
            index += 1
            guard let open = try? Descriptor.openDirectory(folder, follows: false) else { continue }
            for name in (try? Directory.names(folder)) ?? [] {
                if (try? open.openDirectory(name)) != nil {
                    folders.append(folder + [0x2F] + name)
                } else {
                    if wipes { wipe(name, in: open) }
                    open.remove(name)
                }
            }
        }
        for folder in folders.reversed() {
            let name = Array(folder[((folder.lastIndex(of: 0x2F) ?? -1) + 1)...])
            let parent = folder.dropLast(name.count + 1)
            _ = try? Descriptor.openDirectory(parent.isEmpty ? [0x2F] : Array(parent)).removeDirectory(name)
        }
    }

    private static func wipe(_ name: [UInt8], in folder: borrowing Descriptor) {
        guard let file = try? folder.openFile(name, O_WRONLY | O_NONBLOCK), let status = try? file.status(),
            status.isRegular
        else { return }
        var offset = 0
        while offset < status.octetCount {
            let piece = Array(zeros.prefix(status.octetCount - offset))
            guard (try? file.write(piece, at: offset)) != nil else { return }
            offset += piece.count
        }
        try? file.sync()
    }
}

/// Folders that are memory.
package enum MemoryFolder {
    /// LIMIT: octets of the table of mounts.
    private static let limit = 1 << 20

    /// Whether `path` is where a tmpfs is mounted.
    package static func isMounted(at path: String) -> Bool {
        guard let file = try? Descriptor.openForReading(Array("/proc/self/mounts".utf8)) else { return false }
        var table: [UInt8] = []
        while table.count < limit, let piece = try? file.read(1 << 16, at: table.count), !piece.isEmpty {
            table += piece
        }
        // line = device SP place SP kind SP …   ; fstab(5); of several at one place the last one shows
        let lines = table.split(separator: 0x0A).map { $0.split(separator: 0x20).prefix(3).map { Array($0) } }
        let last = lines.last { $0.count == 3 && $0[1] == Array(path.utf8) }
        return last?[2] == Array("tmpfs".utf8)
    }
}
