import MailCore
import Synchronization

/// What all lanes of a writer share: messages waiting for a commit, and the contents the directory does not know yet.
final class PendingContents: Sendable {
    private struct State {
        var contents: [[UInt8]: KnownContent] = [:]
        /// Content ids of the last committed group, forgotten with the next commit.
        var committed: [[UInt8]] = []
        var messages: [NewMessage] = []
        /// Packs that reached their target and take no more.
        var full: [PackFile] = []
        /// Open packs no lane uses.
        var idle: [PackFile] = []
        var failure: ArchiveError?
    }

    private let state = Mutex(State())

    func known(_ contentID: [UInt8]) -> KnownContent? { state.withLock { $0.contents[contentID] } }

    /// Adds `message` unless its content is there already; then gives that one back.
    func publish(_ message: NewMessage) -> KnownContent? {
        state.withLock { state in
            if let recipe = message.blobs.last, let known = state.contents[recipe.contentID] { return known }
            for blob in message.blobs where state.contents[blob.contentID] == nil {
                state.contents[blob.contentID] = KnownContent(keyID: blob.keyID, rawLength: blob.rawLength)
            }
            state.messages.append(message)
            return nil
        }
    }

    /// All messages that wait, and the packs that are full: no message outside the list is in those.
    func takeGroup() -> (messages: [NewMessage], full: [PackFile]) {
        state.withLock { state in
            defer {
                state.messages = []
                state.full = []
            }
            return (state.messages, state.full)
        }
    }

    func forgetCommitted() {
        state.withLock { state in
            for contentID in state.committed { state.contents[contentID] = nil }
            state.committed = []
        }
    }

    func didCommit(_ contentIDs: [[UInt8]]) { state.withLock { $0.committed += contentIDs } }

    func addFull(_ pack: PackFile) { state.withLock { $0.full.append(pack) } }
    func addIdle(_ pack: PackFile) { state.withLock { $0.idle.append(pack) } }
    /// Takes the pack `id` out of the idle ones, so that no lane writes to it again; false if it is not idle.
    func withdraw(_ id: RandomID) -> Bool {
        state.withLock { state in
            guard let index = state.idle.firstIndex(where: { $0.id == id }) else { return false }
            state.idle.remove(at: index)
            return true
        }
    }
    func takeIdle() -> PackFile? { state.withLock { $0.idle.popLast() } }

    var failure: ArchiveError? { state.withLock { $0.failure } }
    /// Stops every lane.
    func fail(_ error: ArchiveError) { state.withLock { if $0.failure == nil { $0.failure = error } } }
}
