/// Lets through so much per second on average, and a burst at once. A value; time is handed in.
///
/// What is taken may be more than there is: the debt is waited for before the next.
public struct TokenBucket: Sendable, Hashable {
    /// Per second.
    public let rate: Double
    public let burst: Double
    private var balance: Double
    /// Nanoseconds of any clock that does not go back.
    private var last: Int64

    /// Full at `now`.
    ///
    /// - Precondition: `rate` and `burst` are above 0.
    public init(rate: Double, burst: Double, at now: Int64) {
        precondition(rate > 0 && burst > 0)
        (self.rate, self.burst, balance, last) = (rate, burst, burst, now)
    }

    /// Nanoseconds from `now` on until there is no debt.
    public mutating func wait(at now: Int64) -> Int64 {
        refill(now)
        return balance >= 0 ? 0 : Int64((-balance / rate * 1e9).rounded(.up))
    }

    public mutating func take(_ amount: Double, at now: Int64) {
        refill(now)
        balance -= amount
    }

    private mutating func refill(_ now: Int64) {
        guard now > last else { return }
        balance = min(burst, balance + Double(now - last) / 1e9 * rate)
        last = now
    }
}

/// Octets of one day (UTC), kept from run to run. A value; time is handed in.
public struct DailyBudget: Sendable, Hashable {
    public let limit: Int64
    private var day: Int64
    public private(set) var spent: Int64

    /// - Parameters:
    ///   - saved: ``text`` of the last run; anything else counts as nothing spent.
    ///   - now: seconds since 1970.
    public init(limit: Int64, saved: String?, now: Int64) {
        let numbers = (saved ?? "").split(separator: " ").compactMap { Int64($0) }
        (self.limit, day, spent) = (limit, now / 86_400, 0)
        if numbers.count == 2, numbers[0] == day { spent = max(0, numbers[1]) }
    }

    /// Day and octets, for the next run.
    public var text: String { "\(day) \(spent)" }

    /// Whether `count` more octets fit into today; one message alone always fits into an unused day.
    public mutating func admits(_ count: Int64, now: Int64) -> Bool {
        roll(now)
        return spent == 0 || spent + count <= limit
    }

    public mutating func spend(_ count: Int64, now: Int64) {
        roll(now)
        spent += count
    }

    private mutating func roll(_ now: Int64) {
        // A clock that was put back gives no second budget.
        guard now / 86_400 > day else { return }
        (day, spent) = (now / 86_400, 0)
    }
}

/// How much a run may move.
public struct PairLimits: Sendable, Hashable {
    public var octetsPerSecond: Int?
    public var messagesPerSecond: Double?
    /// Octets fetched from A in one day, over all runs of the pair.
    public var dailyFetchedOctets: Int64?
    /// Octets delivered to B in one day.
    public var dailyDeliveredOctets: Int64?

    public init(
        octetsPerSecond: Int? = nil, messagesPerSecond: Double? = nil, dailyFetchedOctets: Int64? = nil,
        dailyDeliveredOctets: Int64? = nil
    ) {
        (self.octetsPerSecond, self.messagesPerSecond) = (octetsPerSecond, messagesPerSecond)
        (self.dailyFetchedOctets, self.dailyDeliveredOctets) = (dailyFetchedOctets, dailyDeliveredOctets)
    }
}

/// The limits of a run at work.
struct PairThrottle {
    private(set) var octets: TokenBucket?
    private(set) var messages: TokenBucket?
    /// Of A's mail and of B's.
    var fetched: DailyBudget?
    var delivered: DailyBudget?
    /// What the report counts and the budgets have seen.
    var counted: (fetched: Int64, delivered: Int64) = (0, 0)
    /// A batch that does not fit into the day any more.
    var isOverBudget = false

    init() {}

    init(_ limits: PairLimits, saved: (fetched: String?, delivered: String?), now: Int64, clock: Int64) {
        // LIMIT: a burst of one second; a larger one shows as a peak to the server that counts.
        octets = limits.octetsPerSecond.map { TokenBucket(rate: Double($0), burst: Double($0), at: clock) }
        messages = limits.messagesPerSecond.map { TokenBucket(rate: $0, burst: max(1, $0), at: clock) }
        fetched = limits.dailyFetchedOctets.map { DailyBudget(limit: $0, saved: saved.fetched, now: now) }
        delivered = limits.dailyDeliveredOctets.map { DailyBudget(limit: $0, saved: saved.delivered, now: now) }
    }

    /// What a batch may hold, so that the average is kept within seconds.
    func batch(_ octetLimit: Int, _ messageLimit: Int) -> (octets: Int, messages: Int) {
        (
            min(octetLimit, octets.map { Int($0.burst) } ?? octetLimit),
            min(messageLimit, messages.map { max(1, Int($0.burst)) } ?? messageLimit)
        )
    }

    mutating func admits(_ count: Int64, now: Int64) -> Bool {
        let isFetchable = fetched?.admits(count, now: now) ?? true
        let isDeliverable = delivered?.admits(count, now: now) ?? true
        return isFetchable && isDeliverable
    }

    mutating func wait(at clock: Int64) -> Int64 {
        max(octets?.wait(at: clock) ?? 0, messages?.wait(at: clock) ?? 0)
    }

    mutating func take(octets count: Int, messages messageCount: Int, at clock: Int64) {
        octets?.take(Double(count), at: clock)
        messages?.take(Double(messageCount), at: clock)
    }
}

extension PairRun {
    mutating func startThrottle() async throws {
        guard options.limits != PairLimits() else { return }
        let saved = (fetched: try await state.fact("fetched-today"), delivered: try await state.fact("delivered-today"))
        throttle = PairThrottle(options.limits, saved: saved, now: options.now(), clock: options.clock())
    }

    /// Waits until a batch may go; false when it does not fit into the day.
    mutating func admit(octets: Int, messages: Int) async throws -> Bool {
        guard options.limits != PairLimits() else { return true }
        countTraffic()
        guard throttle.admits(Int64(octets), now: options.now()) else {
            throttle.isOverBudget = true
            report.pause = "the octets of this day are used up; the next run after midnight (UTC) goes on"
            return false
        }
        let pause = throttle.wait(at: options.clock())
        if pause > 0 { try await options.pause(pause) }
        throttle.take(octets: octets, messages: messages, at: options.clock())
        // ORDER: written before the octets move, so that a crash counts them twice rather than not at all.
        try await saveTraffic(reserving: Int64(octets))
        return true
    }

    /// Writes what was really moved.
    mutating func finishThrottle() async throws {
        guard options.limits != PairLimits(), !options.isDryRun else { return }
        countTraffic()
        try await saveTraffic(reserving: 0)
    }

    private mutating func countTraffic() {
        let (fetched, delivered) = (report.fetchedOctets, report.deliveredOctets)
        let (counted, now) = (throttle.counted, options.now())
        throttle.fetched?.spend(fetched - counted.fetched, now: now)
        throttle.delivered?.spend(delivered - counted.delivered, now: now)
        throttle.counted = (fetched, delivered)
    }

    private func saveTraffic(reserving octets: Int64) async throws {
        var (fetched, delivered) = (throttle.fetched, throttle.delivered)
        fetched?.spend(octets, now: options.now())
        delivered?.spend(octets, now: options.now())
        var changes: [PairChange] = []
        if let fetched { changes.append(.fact("fetched-today", fetched.text)) }
        if let delivered { changes.append(.fact("delivered-today", delivered.text)) }
        try await state.apply("budget", changes)
    }
}
