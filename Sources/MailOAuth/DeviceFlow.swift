/// What the user is to be told, and what the client polls with.
///
/// - SeeAlso: RFC 8628 §3.2
package struct DeviceAuthorization: Sendable, Hashable {
    package var deviceCode: String
    /// To be typed in at ``page``.
    package var userCode: String
    package var page: String
    /// With the code in it.
    package var completePage: String?
    package var lifetime: Duration
    package var interval: Duration

    package init(
        deviceCode: String, userCode: String, page: String, completePage: String?, lifetime: Duration,
        interval: Duration
    ) {
        (self.deviceCode, self.userCode, self.page, self.completePage) = (deviceCode, userCode, page, completePage)
        (self.lifetime, self.interval) = (lifetime, interval)
    }
}

/// When the token endpoint is asked again, as a value: answers in, what to do out.
///
/// - SeeAlso: RFC 8628 §3.5
package struct DevicePolling: Sendable {
    package enum Step: Sendable {
        case wait(Duration)
        case tokens(TokenSet)
        case fail(OAuthError)
    }

    private var interval: Duration
    private var left: Duration

    package init(_ authorization: DeviceAuthorization) {
        (interval, left) = (authorization.interval, authorization.lifetime)
    }

    /// The wait before the first request.
    package mutating func begin() -> Step { wait() }

    /// What follows an answer of the token endpoint.
    package mutating func next(after reply: HTTPReply, now: Int64) -> Step {
        do throws(OAuthError) { return .tokens(try TokenAnswer.tokens(reply, now: now)) } catch {
            switch TokenAnswer.code(reply) {
            case "authorization_pending": return wait()
            case "slow_down":
                interval += .seconds(5)
                return wait()
            case "expired_token": return .fail(Self.expired)
            default: return .fail(error)
            }
        }
    }

    /// What follows a request that came to no answer: half as often from now on.
    package mutating func next(after error: OAuthError) -> Step {
        guard error.kind == .connection else { return .fail(error) }
        interval = max(interval * 2, .seconds(1))
        return wait()
    }

    private mutating func wait() -> Step {
        guard left > .zero else { return .fail(Self.expired) }
        // A server that names no interval is not asked without a pause.
        let pause = min(max(interval, .milliseconds(100)), left)
        left -= pause
        return .wait(pause)
    }

    private static let expired = OAuthError(.expired, "Nobody confirmed the code in time")
}
