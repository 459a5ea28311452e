import MailarcKit
import Testing

@Suite("waiting for the next attempt")
struct BackoffTests {
    /// Leads to the smallest, or the largest, of what may be chosen; never the same twice, as some values are refused.
    private struct Edge: RandomNumberGenerator {
        var value: UInt64
        let step: UInt64

        mutating func next() -> UInt64 {
            defer { value &+= step }
            return value
        }
    }

    @Test("each wait may be twice as long, up to the limit, and is at least half of it")
    func doubles() {
        var (low, high) = (Backoff(), Backoff())
        let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        for second in seconds {
            var (least, most) = (Edge(value: 0, step: 1), Edge(value: .max, step: .max))
            #expect(high.next(using: &most) == .seconds(second))
            #expect(low.next(using: &least) == .milliseconds(second * 500))
        }
        var most = Edge(value: .max, step: .max)
        for _ in 0..<1_000 { #expect(high.next(using: &most) <= .seconds(300)) }
        high.reset()
        most = Edge(value: .max, step: .max)
        #expect(high.next(using: &most) == .seconds(1))
    }

    @Test("two that fail together do not come back together")
    func jitter() {
        var backoffs = (0..<64).map { _ in Backoff() }
        let waits = backoffs.indices.map { index in
            _ = backoffs[index].next()
            return backoffs[index].next()
        }
        #expect(Set(waits).count > 16 && waits.allSatisfy { (.seconds(1)...(.seconds(2))).contains($0) })
    }
}
