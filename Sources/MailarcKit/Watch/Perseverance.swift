/// Whether, and when, a watch tries again after an error.
struct Perseverance {
    private var backoff = Backoff()
    /// The ends were right once: what is wrong later may pass.
    private var hasStood = false
    /// Since when the present connection stands.
    private var since: ContinuousClock.Instant?

    /// LIMIT: a connection that stood so long was no attempt.
    private static let steadiness = Duration.seconds(60)

    /// A connection stands.
    mutating func stands() { (hasStood, since) = (true, since ?? .now) }

    /// The time until the next attempt.
    ///
    /// - Throws: `error`, where waiting does not mend it.
    mutating func delay(after error: KitError) throws(KitError) -> Duration {
        guard isTemporary(error) else { throw error }
        if let since, ContinuousClock.now - since > Self.steadiness { backoff.reset() }
        since = nil
        return backoff.next()
    }

    private func isTemporary(_ error: KitError) -> Bool {
        switch error.kind {
        case .connection, .busy, .sourceOutage, .diskFull, .cancelled: true
        case .authentication, .loginNeeded, .tls, .ioFailed, .notFound: hasStood
        default: false
        }
    }
}
