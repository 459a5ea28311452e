/// How to log in, whatever protocol carries it.
public enum SASLMechanism: String, Sendable, Hashable {
    /// The strongest both sides have that goes with a password.
    case automatic
    case plain, scramSHA256
    /// User and password one after the other: what the protocol has of its own for that counts, too.
    case login
    /// With an access token: OAUTHBEARER, else XOAUTH2.
    case oauth
    case oauthBearer, xoauth2

    /// What an access token may be shown by, the standard's own first, as commands spell it; none of it takes a password.
    public var bearerNames: [String] {
        switch self {
        case .oauth: ["OAUTHBEARER", "XOAUTH2"]
        case .oauthBearer: ["OAUTHBEARER"]
        case .xoauth2: ["XOAUTH2"]
        case .automatic, .plain, .scramSHA256, .login: []
        }
    }
}
