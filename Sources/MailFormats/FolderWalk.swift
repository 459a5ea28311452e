/// The one walk through a tree of folders: what is in each, in no recursion, and no deeper than a limit.
///
/// ```swift
/// var walk = FolderWalk(root)
/// while let folder = walk.next() {
///     for name in folder.names { … walk.descend(into: name, of: folder) }
/// }
/// ```
struct FolderWalk {
    /// A folder that is being looked at.
    struct Folder {
        let path: [UInt8]
        /// Below the root, with `/` between components; empty for the root itself.
        let name: [UInt8]
        /// What is in it, sorted by octets.
        let names: [[UInt8]]
        fileprivate let depth: Int

        /// Where `name`, which is in it, is.
        func path(of name: [UInt8]) -> [UInt8] { path + [0x2F] + name }
        /// What `name`, which is in it, is called below the root.
        func fullName(of name: [UInt8]) -> [UInt8] { self.name.isEmpty ? name : self.name + [0x2F] + name }
    }

    /// False when a folder could not be read or is too deep, or ``miss()`` was called.
    private(set) var isComplete = true
    private var stack: [(path: [UInt8], name: [UInt8], depth: Int)]
    /// LIMIT: folders inside one another; a link that leads back ends here.
    private static let depthLimit = 32

    init(_ root: [UInt8]) { stack = [(root, [], 0)] }

    /// The next folder that can be read.
    mutating func next() -> Folder? {
        while let (path, name, depth) = stack.popLast() {
            if let names = try? Directory.names(path) {
                return Folder(path: path, name: name, names: names, depth: depth)
            }
            isComplete = false
        }
        return nil
    }

    /// Goes into the folder `name` of `folder`, too.
    ///
    /// - Parameter full: what it is called below the root, where not as it is there.
    mutating func descend(into name: [UInt8], of folder: Folder, as full: [UInt8]? = nil) {
        guard folder.depth < Self.depthLimit else {
            isComplete = false
            return
        }
        stack.append((folder.path(of: name), full ?? folder.fullName(of: name), folder.depth + 1))
    }

    /// Something could not be looked at.
    mutating func miss() { isComplete = false }
}
