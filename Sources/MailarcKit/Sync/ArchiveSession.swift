import ArchiveCatalog
import ArchiveStore
import MailCore
import Synchronization

/// An archive that is open for writing while a sync lasts: what its ends take and record becomes durable in groups, one
/// after the other, and the catalog follows each.
package final class ArchiveSession: Sendable {
    /// An ingest lane, used by one task at a time.
    // SAFETY: a lane is taken out of ``Held/lanes`` by whoever uses it, and put back when it is used no more.
    final class Lane: @unchecked Sendable {
        fileprivate let lane: IngestLane
        fileprivate init(_ lane: sending IngestLane) { self.lane = lane }
    }

    private struct Held {
        var lanes: [Lane] = []
        /// New messages by key id, waiting for their leaf index.
        var entries: [RandomID: CatalogEntry] = [:]
    }

    let workspace: Workspace
    private let writer: ArchiveWriter
    private let turn = Turn()
    private let held = Mutex(Held())

    /// Takes the writer's lock.
    ///
    /// - Throws: `.busy` while somebody else writes.
    package init(_ workspace: Workspace) async throws(KitError) {
        writer = try await workspace.openWriter()
        self.workspace = workspace
    }

    /// Gives the lock back; nothing is taken any more.
    package func close() async throws(KitError) {
        for lane in held.withLock({ $0.lanes }) { lane.lane.finish() }
        do { try await writer.close() } catch { throw workspace.wrapped(error) }
    }

    func takeLane() -> Lane { held.withLock { $0.lanes.popLast() } ?? Lane(writer.makeLane()) }

    func giveBack(_ lane: Lane) { held.withLock { $0.lanes.append(lane) } }

    /// Takes the octets of one message; they count once ``record(_:)`` has returned.
    ///
    /// - Throws: the source's own error; `.limitExceeded` for a message no archive can hold.
    func ingest(_ message: any OutgoingMessage, _ lane: Lane) async throws(StoreError) -> RandomID {
        let source = try message.open()
        do throws(ArchiveError) {
            let ingested = try await lane.lane.ingest { try source.next() }
            if ingested.isNew {
                let entry = MessageFacts(parsed: ingested.parsed, text: ingested.text, parts: ingested.parts)
                    .entry(keyID: ingested.keyID, octetCount: UInt64(ingested.octetCount))
                held.withLock { $0.entries[entry.keyID] = entry }
            }
            return ingested.keyID
        } catch { throw Self.failure(error) }
    }

    /// Lets `plan` look at the catalog and say what happens, and makes it durable with every message taken so far.
    ///
    /// Nobody else records anything between the look and the end.
    func record<Result>(
        _ plan: (inout [OccurrenceEvent]) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        await turn.begin()
        do throws(StoreError) {
            var events: [OccurrenceEvent] = []
            let result = try plan(&events)
            if !events.isEmpty { try await commit(events) }
            await turn.end()
            return result
        } catch {
            await turn.end()
            throw error
        }
    }

    private func commit(_ events: [OccurrenceEvent]) async throws(StoreError) {
        do {
            let group = try await writer.commit(events: events)
            let entries = held.withLock { held in
                group.messages.compactMap { held.entries.removeValue(forKey: $0.keyID) }
            }
            // ORDER: what is durable is in the catalog before the next group looks anything up there.
            try workspace.catalog.apply(CatalogGroup(group, events: events, entries: entries))
        } catch let error as ArchiveError {
            throw Self.failure(error)
        } catch {
            throw StoreError(.ioFailed, "The catalog cannot be written: \(error)", retry: .later, cause: error)
        }
        FaultPoint.fromEnvironment?.pass("catalog")
    }

    private static func failure(_ error: ArchiveError) -> StoreError {
        let message = "The archive: \(error.message)"
        switch error.kind {
        case .sourceFailed:
            return error.cause as? StoreError ?? StoreError(.consumerFailed, message, cause: error.cause)
        case .limitExceeded: return StoreError(.limitExceeded, message, cause: error)
        case .diskFull: return StoreError(.diskFull, message, retry: .later, cause: error)
        case .writerStopped:
            // What stopped it says what to do.
            guard let first = error.cause as? ArchiveError, first.kind != .writerStopped else { break }
            return failure(first)
        default: break
        }
        return StoreError(.ioFailed, message, retry: .later, cause: error)
    }
}
