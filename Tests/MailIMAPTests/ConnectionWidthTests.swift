import MailIMAP
import Testing

@Suite("How many connections")
struct ConnectionWidthTests {
    private let start = ContinuousClock.now

    /// Waits for connections through `seconds`, while `rate` octets a second move.
    private func demand(_ width: inout ConnectionWidth, _ clock: inout (seconds: Int, octets: Int), rate: Int) {
        _ = width.demand(octets: clock.octets, at: start + .seconds(clock.seconds))
        clock.seconds += 2
        clock.octets += 2 * rate
        _ = width.demand(octets: clock.octets, at: start + .seconds(clock.seconds))
    }

    @Test("two are begun with, never more than the account has", arguments: [(0, 1), (1, 1), (2, 2), (4, 2), (16, 2)])
    func first(_ most: Int, _ allowed: Int) {
        #expect(ConnectionWidth(most: most).allowed == allowed)
    }

    @Test("one more is tried while somebody waits, and kept as long as it brings more")
    func growth() {
        var width = ConnectionWidth(most: 4)
        var clock = (seconds: 0, octets: 0)
        let early = [width.demand(octets: 0, at: start), width.demand(octets: 1_000_000, at: start + .seconds(1))]
        #expect(early == [false, false], "one second is no measure")
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 3)
        demand(&width, &clock, rate: 1_500_000)
        #expect(width.allowed == 4)
        demand(&width, &clock, rate: 2_000_000)
        #expect(width.allowed == 4, "no more than the account has")
    }

    @Test("one that brings nothing is given up, and not tried again for a while")
    func noGain() {
        var width = ConnectionWidth(most: 8)
        var clock = (seconds: 0, octets: 0)
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 3)
        demand(&width, &clock, rate: 1_050_000)
        #expect(width.allowed == 2)
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 2)
        clock.seconds += 301
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 3)
    }

    @Test("a refusal: what works is enough, for longer each time")
    func refusal() {
        var width = ConnectionWidth(most: 8)
        var clock = (seconds: 0, octets: 0)
        width.refused(beside: 1, at: start)
        #expect(width.allowed == 1)
        for seconds in [0, 10, 20] {
            clock.seconds = seconds
            demand(&width, &clock, rate: 1_000_000)
            #expect(width.allowed == 1)
        }
        clock.seconds = 31
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 2)
        width.refused(beside: 1, at: start + .seconds(40))
        clock.seconds = 75
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 1)
        clock.seconds = 101
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 2)
    }

    @Test("a password that is refused beside connections that work is not tried again")
    func forGood() {
        var width = ConnectionWidth(most: 8)
        width.refused(beside: 2, at: start, isForGood: true)
        var clock = (seconds: 100_000, octets: 0)
        demand(&width, &clock, rate: 1_000_000)
        #expect(width.allowed == 2)
    }

    @Test("a server that asks for patience gets half, and one in the end")
    func strain() {
        var width = ConnectionWidth(most: 8)
        var clock = (seconds: 0, octets: 0)
        for rate in [1, 2, 4] { demand(&width, &clock, rate: rate * 1_000_000) }
        #expect(width.allowed == 5)
        width.strained(at: start)
        #expect(width.allowed == 2)
        for _ in 0..<40 { width.strained(at: start) }
        #expect(width.allowed == 1)
    }
}
