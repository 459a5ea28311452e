/// The client's side of one authentication: challenges in, answers out, whatever protocol carries them.
///
/// - SeeAlso: RFC 4422 §3, RFC 4616 (PLAIN), RFC 7677 (SCRAM-SHA-256), RFC 7628 (OAUTHBEARER)
public struct SASLExchange: Sendable {
    public enum Failure: Error, Sendable, Hashable {
        case notBase64
        case scram(SCRAMExchange.Failure)
    }

    private enum State: Sendable {
        /// What is still to be said, in order.
        case words([[UInt8]])
        case scram(SCRAMExchange, step: Int)
        case bearer(BearerExchange, isSaid: Bool)
    }

    /// Of the mechanism, as commands spell it.
    public let name: String
    private var state: State

    private init(_ name: String, _ state: State) { (self.name, self.state) = (name, state) }

    public static func plain(user: String, password: [UInt8]) -> SASLExchange {
        SASLExchange("PLAIN", .words([[0] + Array(user.utf8) + [0] + password]))
    }

    /// The mechanism of no RFC that everybody has: user and password, each asked for.
    public static func login(user: String, password: [UInt8]) -> SASLExchange {
        SASLExchange("LOGIN", .words([Array(user.utf8), password]))
    }

    public static func scramSHA256(
        user: String, password: [UInt8], primitives: SCRAMPrimitives
    ) -> SASLExchange {
        SASLExchange(
            "SCRAM-SHA-256", .scram(SCRAMExchange(user: user, password: password, primitives: primitives), step: 0))
    }

    /// The first of what `mechanism` allows that the server offers; `nil`: none.
    ///
    /// - Parameter isOffered: whether the server has the mechanism of that name.
    public static func bearer(
        _ mechanism: SASLMechanism, user: String, token: [UInt8], host: String, port: Int,
        isOffered: (String) -> Bool
    ) -> SASLExchange? {
        guard let name = mechanism.bearerNames.first(where: isOffered) else { return nil }
        let exchange: BearerExchange =
            name == "OAUTHBEARER"
            ? .oauthBearer(user: user, host: host, port: port, token: token) : .xoauth2(user: user, token: token)
        return SASLExchange(name, .bearer(exchange, isSaid: false))
    }

    /// The server's own word for why it refuses, where it said one: `invalid_token`.
    public var refusal: String? { if case .bearer(let exchange, _) = state { exchange.refusal } else { nil } }

    /// What the server must have proved is proved.
    public var isServerVerified: Bool {
        if case .scram(let exchange, _) = state { exchange.isServerVerified } else { true }
    }

    /// What may stand behind the command, not encoded; it is not asked for any more then.
    public mutating func takeInitialResponse() -> [UInt8] {
        switch state {
        case .words(let words):
            state = .words(Array(words.dropFirst()))
            return words.first ?? []
        case .scram(let exchange, _):
            state = .scram(exchange, step: 1)
            return exchange.first
        case .bearer(let exchange, _):
            state = .bearer(exchange, isSaid: true)
            return exchange.first
        }
    }

    /// The answer to `challenge`, both in base64.
    ///
    /// QUIRK: some providers challenge with an error as JSON once all is said: an empty answer lets the refusal come.
    public mutating func answer(_ challenge: [UInt8]) throws(Failure) -> [UInt8] {
        switch state {
        case .words, .scram(_, step: 0), .bearer(_, isSaid: false):
            return Array(Base64.encode(takeInitialResponse()).utf8)
        case .bearer(var exchange, isSaid: true):
            guard let octets = Base64.decode(challenge) else { throw .notBase64 }
            let farewell = exchange.answer(octets)
            state = .bearer(exchange, isSaid: true)
            return Array(Base64.encode(farewell).utf8)
        case .scram(var exchange, let step):
            guard let octets = Base64.decode(challenge) else { throw .notBase64 }
            do throws(SCRAMExchange.Failure) {
                guard step == 1 else {
                    try exchange.verify(octets)
                    state = .scram(exchange, step: step + 1)
                    return []
                }
                let final = try exchange.answer(octets)
                state = .scram(exchange, step: 2)
                return Array(Base64.encode(final).utf8)
            } catch { throw .scram(error) }
        }
    }
}
