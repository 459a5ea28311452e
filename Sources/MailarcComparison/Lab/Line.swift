import Dispatch
import Glibc
import Synchronization

/// How long and how wide a line is.
public struct LineMeasure: Sendable, Codable, Hashable {
    /// There and back, in seconds.
    public var roundTrip: Double
    /// Octets in a second, each way; `nil`: as many as go.
    public var rate: Double?

    /// Of loopback itself, unless told otherwise.
    public init(roundTrip: Double = 0, rate: Double? = nil) { (self.roundTrip, self.rate) = (roundTrip, rate) }

    var isLoopback: Bool { roundTrip == 0 && rate == nil }
}

/// One direction of a long or narrow line: what is put in comes out later, whole and in order.
package final class Line: Sendable {
    private struct State {
        var waiting: [(octets: [UInt8], due: ContinuousClock.Instant)] = []
        /// When the narrow place is free again.
        var free = ContinuousClock.now
        var isBroken = false
    }

    private let measure: LineMeasure
    private let state = Mutex(State())
    private let filled = DispatchSemaphore(value: 0)
    private let room = DispatchSemaphore(value: 0)

    /// LIMIT: pieces on their way, each 64 KiB at most: 4 MiB fill 100 ms at 300 Mbit/s.
    private static let pieceCount = 64

    package init(_ measure: LineMeasure) {
        self.measure = measure
        // SAFETY: a semaphore may not end below the value it began with, so it begins with none.
        for _ in 0..<Self.pieceCount { room.signal() }
    }

    /// Puts octets in, none for the end; waits while the line is full. False: nobody takes them at the other end.
    package func put(_ octets: [UInt8]) -> Bool {
        room.wait()
        return state.withLock { state in
            guard !state.isBroken else { return false }
            let began = max(state.free, .now)
            state.free = began + .seconds(measure.rate.map { Double(octets.count) / $0 } ?? 0)
            state.waiting.append((octets, state.free + .seconds(measure.roundTrip / 2)))
            filled.signal()
            return true
        }
    }

    /// What has come through; empty at the end.
    package func take() -> [UInt8] {
        filled.wait()
        let piece = state.withLock { $0.waiting.removeFirst() }
        Self.wait(until: piece.due)
        room.signal()
        return piece.octets
    }

    /// Nobody takes any more; whoever puts something in learns it.
    package func breakOff() {
        state.withLock { $0.isBroken = true }
        room.signal()
    }

    private static func wait(until due: ContinuousClock.Instant) {
        while true {
            let left = ContinuousClock.now.duration(to: due).components
            guard left.seconds > 0 || left.attoseconds > 0 else { return }
            var time = timespec(tv_sec: Int(left.seconds), tv_nsec: Int(left.attoseconds / 1_000_000_000))
            _ = unsafe nanosleep(&time, nil)
        }
    }
}
