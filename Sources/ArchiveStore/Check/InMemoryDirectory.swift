public import MailCore
import Synchronization

/// A blob directory in memory: of a small archive without a catalog, for checks and tests.
public final class InMemoryDirectory: BlobDirectory {
    private struct State {
        var locations: [RandomID: BlobLocation] = [:]
        var contents: [[UInt8]: RandomID] = [:]
        var sealed: [RandomID: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// Holds every blob of `archive`.
    public convenience init(of archive: Archive) throws {
        self.init()
        try ArchiveContents(archive).forEachBlob { add($0) }
    }

    public func add(_ location: BlobLocation) {
        state.withLock { state in
            state.locations[location.keyID] = location
            state.contents[location.contentID] = location.keyID
        }
    }

    /// Follows a commit.
    public func apply(_ group: CommittedGroup) {
        for blob in group.blobs { add(blob) }
        state.withLock { state in for pack in group.sealedPacks { state.sealed[pack.id] = pack.digest } }
    }

    /// Follows a compaction.
    public func apply(_ change: CompactedPacks) {
        guard let successor = change.successor else { return }
        state.withLock { state in
            state.sealed[successor.id] = successor.digest
            for (keyID, offset) in change.moved {
                state.locations[keyID]?.pack = .sealed(successor.id, digest: successor.digest)
                state.locations[keyID]?.offset = offset
            }
        }
    }

    public func blob(contentID: [UInt8]) -> KnownContent? {
        state.withLock { state in
            guard let keyID = state.contents[contentID], let location = state.locations[keyID] else { return nil }
            return KnownContent(keyID: keyID, rawLength: location.rawLength)
        }
    }

    public func location(keyID: RandomID) -> BlobLocation? {
        state.withLock { state in
            guard var location = state.locations[keyID] else { return nil }
            if case .open(let id) = location.pack, let digest = state.sealed[id] {
                location.pack = .sealed(id, digest: digest)
            }
            return location
        }
    }

    public var count: Int { state.withLock { $0.locations.count } }
    /// Every blob, in no order.
    public var locations: [BlobLocation] { state.withLock { Array($0.locations.values) } }
}
