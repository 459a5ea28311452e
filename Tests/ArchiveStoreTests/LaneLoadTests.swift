import ArchiveStore
import MailCore
import Synchronization
import Testing

@Suite struct LaneLoadTests {
    /// A clock that a test moves.
    private final class Clock: Sendable {
        private let time = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func advance(_ duration: Duration) { time.withLock { $0 += duration } }
    }

    /// The stored octets of ten messages with a text attachment, the source taking `delay` for each piece.
    private func stored(delay: Duration) async throws -> UInt64 {
        let test = try TestArchive()
        let clock = Clock()
        var options = WriterOptions()
        options.clock = { clock.now }
        let writer = try test.writer(options)
        let lane = writer.makeLane()
        var seeded = Seeded(5)
        var stored: UInt64 = 0
        for number in 0..<10 {
            // Words in random order: level 3 finds more in them than level 1.
            let words = (0..<60_000).map { _ in "word\(seeded.next() % 500) " }.joined()
            let message = Mail.withAttachment(Array(words.utf8), number: number)
            var rest: [UInt8]? = message
            _ = try await lane.ingest {
                clock.advance(delay)
                defer { rest = nil }
                return rest
            }
            clock.advance(.milliseconds(10))
            let group = try await writer.commit()
            stored += group.blobs.reduce(0) { $0 + $1.storedLength }
            test.directory.apply(group)
        }
        lane.finish()
        try await writer.close()
        return stored
    }

    @Test func `a lane that mostly waits compresses large parts better`() async throws {
        let (busy, idle) = try await (stored(delay: .milliseconds(1)), stored(delay: .seconds(1)))
        #expect(idle < busy - busy / 50)
    }
}
