/// How long to wait before the next attempt: twice as long each time, up to a limit, and never in step with others.
package struct Backoff: Sendable {
    package var first = Duration.seconds(1)
    package var longest = Duration.seconds(300)
    private var attempts = 0

    package init() {}

    /// The time before the next attempt: between half of it and all of it.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        // LIMIT: doublings that fit; the longest wait is reached long before.
        let whole = min(first * (1 << min(attempts, 20)), longest)
        attempts += 1
        let milliseconds = whole.components.seconds * 1_000 + whole.components.attoseconds / 1_000_000_000_000_000
        return .milliseconds(Int64.random(in: max(1, milliseconds / 2)...max(1, milliseconds), using: &generator))
    }

    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// It went well.
    package mutating func reset() { attempts = 0 }
}
