/// One message a file (`.eml`); a directory with messages is a mailbox.
public struct EMLLayout: FileLayout {
    public static let name = "eml"
    /// How a message is known again.
    public enum Identity: Sendable {
        /// By the name of its file.
        case name
        /// By its header, where names and times are given anew each time; flags and date are the header's, too.
        case header
    }
    private let identity: Identity

    /// Files that keep their names, unless told otherwise.
    public init(identity: Identity = .name) { self.identity = identity }

    public func mailbox(ofFolder path: [UInt8], root: [UInt8]) -> [UInt8] { path }

    public func isMessage(_ name: [UInt8]) -> Bool { name.count > 4 && name.hasSuffix(".eml") }

    public func items(in folder: [UInt8], _ names: [[UInt8]]) -> [FileItem] {
        names.compactMap { name in
            let path = folder + [0x2F] + name
            guard let status = FileStatus.at(path), status.isRegular else { return nil }
            var item = FileItem(
                path: path, identity: SyntheticUID.hash(name), date: status.modified, range: 0..<status.octetCount)
            if identity == .header {
                let head = MessageIdentity(path)
                (item.identity, item.flags, item.date) = (head.hash, head.flags, head.date)
            }
            return item
        }
    }
}

/// A directory of `.eml` files.
public typealias EMLStore = FileTreeStore<EMLLayout>

extension FileTreeStore where Layout == EMLLayout {
    /// - Throws: `.notAMailStore` when `path` is no directory.
    public init(path: String) throws(FormatsError) { try self.init(path: path, EMLLayout()) }
}

extension [UInt8] {
    /// Whether the name ends so, in capitals or small letters; `suffix` is given in small ones.
    func hasSuffix(_ suffix: StaticString) -> Bool {
        guard count >= suffix.utf8CodeUnitCount else { return false }
        let tail = self.suffix(suffix.utf8CodeUnitCount).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return tail.elementsEqual("\(suffix)".utf8)
    }
}
