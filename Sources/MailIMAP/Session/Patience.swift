import MailCore
import MailIMAPCore
import MailTransport

/// How often and how long one call waits for a server that wants to be left alone.
struct Patience {
    /// LIMIT: a server that wants more than this ends the call; the next run goes on.
    static let longest = Duration.seconds(5)
    /// LIMIT: where it does not say how long: doubled each time.
    private static let first = Duration.milliseconds(500)
    private static let count = 3

    private var waits = 0

    /// Waits as `error` wishes; false when it wishes too much, or too often without ``reward()``.
    mutating func wait(_ error: StoreError) async throws(StoreError) -> Bool {
        let wish = (error.cause as? Postponement)?.duration
        let time = wish ?? Self.first * (1 << waits)
        guard waits < Self.count, time <= Self.longest else { return false }
        waits += 1
        // Those who wait do not come back together.
        let spread = Duration.milliseconds(Int64.random(in: 0...50))
        do { try await Task.sleep(for: time + spread) } catch { throw TransportError.store(error) }
        return true
    }

    /// Something came through since.
    mutating func reward() { waits = 0 }
}
