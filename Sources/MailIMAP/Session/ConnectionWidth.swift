/// How many connections an account is to have: fewer where the server wants fewer, more while more of them pay.
///
/// A value: told what happened and when, it says what is allowed. It begins with ``first``, goes on to one more while
/// somebody waits for a connection and the octets of all of them grow by ``gain``, and back where they do not. Where the
/// server refuses a connection, those that work are enough for ``rest``, longer each time; where it asks for patience,
/// half of them are.
package struct ConnectionWidth: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// LIMIT: two keep a line busy while one of them waits for an answer.
    package static let first = 2
    /// LIMIT: less than this is chance.
    package static let gain = 1.15
    /// LIMIT: how long octets are counted before the number changes.
    package static let measure = Duration.seconds(2)
    /// LIMIT: how long a server that refused a connection is left alone, the first time and at most.
    package static let rest = (first: Duration.seconds(30), longest: Duration.seconds(300))

    /// The account's own limit.
    package let most: Int
    package private(set) var allowed: Int
    private var refusals = 0
    private var closedUntil: Instant?
    private var isClosedForGood = false
    private var start: (time: Instant, octets: Int)?
    /// What fewer connections brought, while one more is tried.
    private var before: (count: Int, rate: Double)?

    package init(most: Int) {
        self.most = max(1, most)
        allowed = min(Self.first, self.most)
    }

    /// A connection beside `open` that work was refused; `isForGood`: and would be again.
    package mutating func refused(beside open: Int, at now: Instant, isForGood: Bool = false) {
        (allowed, isClosedForGood) = (max(1, min(allowed, open)), isClosedForGood || isForGood)
        leaveAlone(now)
    }

    /// The server asked for patience.
    package mutating func strained(at now: Instant) {
        allowed = max(1, allowed / 2)
        leaveAlone(now)
    }

    private mutating func leaveAlone(_ now: Instant) {
        let time = min(Self.rest.first * (1 << min(refusals, 8)), Self.rest.longest)
        (closedUntil, start, before) = (now + time, nil, nil)
        refusals += 1
    }

    /// Somebody waits for a connection, and `octets` have moved so far; true when one more is allowed now.
    package mutating func demand(octets: Int, at now: Instant) -> Bool {
        guard !isClosedForGood, closedUntil.map({ now >= $0 }) ?? true else { return false }
        guard let start else {
            self.start = (now, octets)
            return false
        }
        let elapsed = now - start.time
        guard elapsed >= Self.measure else { return false }
        let rate = Double(octets - start.octets) / (elapsed / .seconds(1))
        self.start = (now, octets)
        if let before, rate < before.rate * Self.gain {
            allowed = before.count
            // What moves until then says nothing about what moves afterwards.
            (self.before, self.start, closedUntil) = (nil, nil, now + Self.rest.longest)
            return false
        }
        before = nil
        guard allowed < most else { return false }
        before = (allowed, rate)
        allowed += 1
        return true
    }
}
