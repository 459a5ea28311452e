/// What a blob holds (ArchiveFormat.md §7.3).
public enum BlobKind: UInt8, Sendable, Hashable, Codable, CaseIterable {
    /// The recipe that rebuilds one message.
    case recipe = 1
    /// Octets a recipe refers to: a decoded body or a run of the message as it stands.
    case part = 2
    /// Events of one commit group.
    case events = 6
}
