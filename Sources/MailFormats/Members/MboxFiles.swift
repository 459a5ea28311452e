import MailCore

/// Files that are read whole, one after the other: each a member and a stream of its own.
struct MboxFiles: MemberSource {
    private let files: [(path: [UInt8], name: [UInt8])]
    private let isComplete: Bool

    /// A file, or all files below a folder.
    init(_ root: [UInt8], isFolder: Bool) {
        guard isFolder else {
            files = [(root, root.split(separator: 0x2F).last.map { Array($0) } ?? root)]
            isComplete = true
            return
        }
        var found: [(path: [UInt8], name: [UInt8])] = []
        var walk = FolderWalk(root)
        while let folder = walk.next() {
            for name in folder.names {
                let path = folder.path(of: name)
                let status = FileStatus.at(path)
                if status?.isDirectory == true { walk.descend(into: name, of: folder) }
                if status?.isRegular == true { found.append((path, folder.fullName(of: name))) }
            }
        }
        files = found.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        isComplete = walk.isComplete
    }

    func open(_ stream: Int) throws(FormatsError) -> any OctetStream {
        guard files.indices.contains(stream) else { throw FormatsError(.notFound, "no such file", path: "") }
        let file = try Descriptor.openForReading(files[stream].path)
        let count = try file.status().octetCount
        return FileOctets(file, 0..<count)
    }

    func members(
        _ visit: (Member, _ window: () throws(FormatsError) -> OctetWindow) throws(FormatsError) -> Void
    ) throws(FormatsError) {
        for (index, file) in files.enumerated() {
            let status = FileStatus.at(file.path)
            let member = Member(
                name: file.name, stream: index, offset: 0, octetCount: status?.octetCount ?? 0,
                modified: status?.modified, problem: status == nil ? "it cannot be looked at" : nil)
            try visit(member) { () throws(FormatsError) in OctetWindow(try open(index)) }
        }
        guard isComplete else { throw FormatsError(.ioFailed, "a folder could not be read", path: "") }
    }
}
