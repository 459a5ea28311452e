import MailSync
import MailarcTesting
import Synchronization
import Testing

@Suite("throttles of a run between two stores") struct PairThrottleTests {
    private static let second: Int64 = 1_000_000_000

    /// Takes in order, each after the wait it is told; the instants, in milliseconds, at which they begin.
    private static func begins(_ rate: Double, _ burst: Double, _ amounts: [Double], idle: Int64 = 0) -> [Int64] {
        var bucket = TokenBucket(rate: rate, burst: burst, at: 0)
        var now = idle
        return amounts.map { amount in
            now += bucket.wait(at: now)
            bucket.take(amount, at: now)
            return now / 1_000_000
        }
    }

    @Test(
        "a bucket keeps to its average, whatever is taken",
        arguments: [
            // A burst at once, and then what is owed.
            (100.0, 100.0, [50, 50, 50, 50], Int64(0), [0, 0, 0, 500]),
            (100, 100, [1_000, 1, 1], 0, [0, 9_000, 9_010]),
            // What was not used is kept up to a burst, not longer.
            (100, 100, [100, 100, 100], 60, [60_000, 60_000, 61_000]),
            (0.5, 1, [1, 1, 1], 0, [0, 0, 2_000]),
            (1_000_000, 1, [0, 0, 0], 0, [0, 0, 0]),
        ])
    func bucket(_ rate: Double, _ burst: Double, _ amounts: [Double], _ idle: Int64, _ expected: [Int64]) {
        #expect(Self.begins(rate, burst, amounts, idle: idle * Self.second) == expected)
    }

    @Test("a clock that stands still or goes back gives nothing")
    func clock() {
        var bucket = TokenBucket(rate: 10, burst: 10, at: 5 * Self.second)
        bucket.take(30, at: 5 * Self.second)
        #expect(bucket.wait(at: 5 * Self.second) == 2 * Self.second)
        #expect(bucket.wait(at: 0) == 2 * Self.second)
        #expect(bucket.wait(at: 6 * Self.second) == Self.second)
    }

    private static let dayLength: Int64 = 86_400

    @Test(
        "a budget holds for one day, is kept, and begins anew",
        arguments: [
            // saved, now, asked for, admitted
            (nil, 0, 100, true), (nil, 0, 5_000, true), ("0 0", 0, 5_000, true), ("0 900", 0, 100, true),
            ("0 900", 0, 101, false), ("0 1000", 0, 1, false), ("0 1000", 86_399, 1, false),
            ("0 1000", 86_400, 1, true),
            ("0 1000", 172_800, 5_000, true), ("nonsense", 0, 100, true), ("0 -5", 0, 1_000, true),
            ("0 99999999999999999999", 0, 100, true),
        ] as [(String?, Int64, Int64, Bool)])
    func budget(_ saved: String?, _ now: Int64, _ count: Int64, _ isAdmitted: Bool) {
        var budget = DailyBudget(limit: 1_000, saved: saved, now: now)
        #expect(budget.admits(count, now: now) == isAdmitted)
    }

    @Test("a budget rolls over while a run is at work, and never back")
    func midnight() {
        var budget = DailyBudget(limit: 100, saved: "3 90", now: 3 * Self.dayLength + 5)
        #expect(!budget.admits(20, now: 4 * Self.dayLength - 1) && budget.admits(20, now: 4 * Self.dayLength))
        budget.spend(20, now: 4 * Self.dayLength)
        #expect(budget.text == "4 20" && !budget.admits(90, now: 3 * Self.dayLength))
    }

    @Test("a run that may move little waits in between, and ends the same")
    func rate() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        scenario.limits = PairLimits(octetsPerSecond: 100, messagesPerSecond: 2)
        scenario.perform((0..<9).map { "A+INBOX/m\($0)" }.joined(separator: " "))
        #expect(try await scenario.run().outcome == .done)
        #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"])
        // Nine messages, two of them at once, at two a second.
        #expect(scenario.watch.now.withLock { $0 } >= 3 * Self.second)
    }

    @Test("a run whose day is used up is partial, says so, and goes on the next day")
    func day() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        let size = Int64(PairEvents.message("m0").count)
        scenario.limits = PairLimits(octetsPerSecond: 1, dailyDeliveredOctets: 3 * size + size / 2)
        scenario.perform((0..<7).map { "A+INBOX/m\($0)" }.joined(separator: " "))
        var counts: [Int] = []
        for _ in 0..<3 {
            for _ in 0..<2 {
                let report = try await scenario.run()
                #expect(report.outcome == (scenario.b.contents.count == 7 ? .done : .partial))
                #expect((report.pause != nil) == (report.outcome == .partial))
            }
            counts.append(scenario.b.contents.count)
            scenario.now += Self.dayLength
        }
        #expect(counts == [3, 6, 7], "\(counts)")
        #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"])
    }
}
