public import ArchiveCrypto
public import MailCore

/// A place that keeps the erasure secret of one archive; what it destroys must be gone for good.
///
/// Every call may be repeated: storing what is there and destroying what is not are no errors. Calls block.
public protocol Anchor: Sendable {
    /// Makes the place before it gets its first secret; never at an erasure, where a place that is missing is one that
    /// cannot be reached.
    func prepare() throws(ArchiveError)
    /// The epochs this place has a secret for.
    func epochs() throws(ArchiveError) -> [UInt32]
    /// The secret file of `epoch`, or `nil` if this place has none of that epoch.
    func read(epoch: UInt32) throws(ArchiveError) -> [UInt8]?
    /// Keeps `secret` durably beside those of other epochs.
    func store(_ secret: [UInt8], epoch: UInt32) throws(ArchiveError)
    /// Destroys the secrets of all epochs but `epoch`.
    func destroyAll(but epoch: UInt32) throws(ArchiveError)
}

/// An anchor as an archive names it (ArchiveFormat.md §6.5).
public struct AnchorEntry: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// `keys/erasure` in the archive's folder.
        case inside
        /// A directory elsewhere on this machine.
        case directory
        /// A directory on another host, through `ssh`.
        case ssh
        /// A program `mailarc-anchor-…`.
        case exec
    }

    /// A word of at most 64 of a–z, 0–9, `.`, `_`, `-`.
    public var name: String
    public var kind: Kind
    /// A path, `host` or `host:path`, a program's name without its prefix; empty for `.inside`.
    public var place: String

    public static let inside = AnchorEntry(unchecked: "inside", .inside, "")

    /// `nil` for a name that is no word, or a place with a control character.
    public init?(name: String, kind: Kind, place: String) {
        let isWord = name.utf8.allSatisfy { octet in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) || "._-".utf8.contains(octet)
        }
        guard isWord, (1...64).contains(name.utf8.count), place.utf8.count <= 4_096,
            place.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), (kind == .inside) == place.isEmpty
        else { return nil }
        self.init(unchecked: name, kind, place)
    }

    private init(unchecked name: String, _ kind: Kind, _ place: String) {
        (self.name, self.kind, self.place) = (name, kind, place)
    }

    var text: String { place.isEmpty ? "\(name) \(kind.rawValue)" : "\(name) \(kind.rawValue) \(place)" }

    init?(text: some StringProtocol) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, let kind = Kind(rawValue: String(words[1])) else { return nil }
        self.init(name: String(words[0]), kind: kind, place: words.count == 3 ? String(words[2]) : "")
    }
}

/// How an archive's outside anchors are reached; who composes the program gives it.
public struct AnchorAccess: Sendable {
    /// Makes the anchor of `entry` for one archive; `.inside` never comes here.
    public var connect: @Sendable (_ entry: AnchorEntry, _ archive: RandomID) throws(ArchiveError) -> any Anchor
    /// The secret of a recovery kit, where one was given.
    public var kit: ErasureSecret?

    public init(
        kit: ErasureSecret? = nil,
        connect: @escaping @Sendable (AnchorEntry, RandomID) throws(ArchiveError) -> any Anchor
    ) { (self.kit, self.connect) = (kit, connect) }

    /// Directories on this machine, nothing else.
    public static let local = AnchorAccess { entry, archive throws(ArchiveError) in
        guard entry.kind == .directory else {
            throw ArchiveError(.anchorUnavailable, "the anchor \(entry.name) cannot be reached from here")
        }
        return DirectoryAnchor(path: entry.place, archive: archive)
    }
}
