public import MailSASL

/// From the greeting to the authenticated state, as a value: responses in, actions out.
///
/// It never lets a password out before the policy on TLS is met, trusts no capability from before TLS or
/// authentication, and takes octets that came with the answer to STARTTLS for an attack.
/// - SeeAlso: RFC 9051 §3, §6.2, §11.1
public struct SessionStateMachine: Sendable {
    public struct Policy: Sendable {
        /// STARTTLS is required before anything else.
        public var startTLS: Bool
        public var mechanism: SASLMechanism
        public var user: String
        /// The access token, where `mechanism` takes one.
        public var password: [UInt8]
        public var scram: SCRAMPrimitives?
        /// Where the client connected to.
        public var host = ""
        public var port = 0

        public init(
            startTLS: Bool, mechanism: SASLMechanism = .automatic, user: String, password: [UInt8],
            scram: SCRAMPrimitives? = nil
        ) {
            (self.startTLS, self.mechanism, self.user) = (startTLS, mechanism, user)
            (self.password, self.scram) = (password, scram)
        }
    }

    public enum Action: Sendable, Hashable {
        /// Send with a fresh tag and report its completion.
        case send(Command)
        /// Send this line as answer to a continuation request, already encoded.
        case answer([UInt8])
        /// Begin TLS now; report ``tlsEstablished()``.
        case beginTLS
        case ready(CapabilitySet)
        case fail(Failure)
        case wait
    }

    public struct Failure: Error, Sendable, Hashable {
        public enum Kind: Sendable, Hashable {
            case refusedAtGreeting, tlsUnavailable, injectedBeforeTLS, authenticationFailed, noMechanism
            case protocolViolation, unavailable
        }
        public var kind: Kind
        public var message: String
    }

    enum Phase: Sendable {
        case greeting
        case capability(isAfterAuthentication: Bool)
        case startTLS, handshake
        case authenticate(Exchange)
        case ready, failed
    }

    enum Exchange: Sendable {
        case login
        case sasl(SASLExchange)
    }

    let policy: Policy
    var phase = Phase.greeting
    var isTLSEstablished = false
    public internal(set) var capabilities = CapabilitySet()
    var knowsCapabilities = false
    /// The mechanisms offered for the login, sorted; servers stop telling them when it is done.
    public internal(set) var mechanisms: [String] = []
    /// How it logged in, as commands spell it; empty: not at all.
    public internal(set) var method = ""

    /// `isSecure`: TLS already stands (implicit TLS).
    public init(policy: Policy, isSecure: Bool) {
        self.policy = policy
        isTLSEstablished = isSecure
    }

    /// Untagged responses, continuation requests, and the completion of the last command sent.
    public mutating func receive(_ response: Response) -> Action {
        learn(response)
        switch (phase, response) {
        case (.ready, _), (.failed, _), (.handshake, _): return .wait
        case (_, .status(let status)) where status.condition == .bye:
            return fail(.unavailable, "The server closed the session: \(status.text)")
        case (.greeting, .status(let status)): return greeting(status)
        case (.greeting, _): return fail(.protocolViolation, "The server did not greet as an IMAP server does")
        case (.capability(let isAfter), .tagged(_, let status)):
            guard status.condition == .ok else { return fail(.protocolViolation, "CAPABILITY failed: \(status.text)") }
            return isAfter ? becomeReady() : proceed()
        case (.startTLS, .tagged(_, let status)):
            guard status.condition == .ok else {
                return fail(.tlsUnavailable, "The server refused STARTTLS: \(status.text)")
            }
            phase = .handshake
            return .beginTLS
        case (.authenticate(let exchange), .continuation(let challenge)): return answer(exchange, challenge)
        case (.authenticate(let exchange), .tagged(_, let status)): return completed(exchange, status)
        case (_, .continuation): return fail(.protocolViolation, "The server asked for data that nothing announced")
        default: return .wait
        }
    }

    /// TLS stands; everything learnt before it is void.
    public mutating func tlsEstablished() -> Action {
        isTLSEstablished = true
        capabilities = CapabilitySet()
        knowsCapabilities = false
        return askCapabilities(isAfterAuthentication: false)
    }

    /// Octets came behind the answer to STARTTLS, before TLS: someone in between put them there.
    public mutating func octetsBeforeTLS() -> Action {
        fail(.injectedBeforeTLS, "Octets came in the clear between STARTTLS and TLS; the connection is not safe")
    }

    private mutating func learn(_ response: Response) {
        switch response {
        case .capability(let set): (capabilities, knowsCapabilities) = (set, true)
        case .status(let status), .tagged(_, let status):
            if case .capability(let set)? = status.code { (capabilities, knowsCapabilities) = (set, true) }
        default: break
        }
    }

    private mutating func greeting(_ status: StatusResponse) -> Action {
        switch status.condition {
        case .ok: return knowsCapabilities ? proceed() : askCapabilities(isAfterAuthentication: false)
        case .preauth:
            // RFC 9051 §11.1: a PREAUTH greeting would skip STARTTLS; it is an attack when TLS is required.
            guard isTLSEstablished || !policy.startTLS else {
                return fail(.tlsUnavailable, "The server skipped STARTTLS (PREAUTH), but TLS is required")
            }
            return knowsCapabilities ? becomeReady() : askCapabilities(isAfterAuthentication: true)
        default: return fail(.refusedAtGreeting, "The server refused the session: \(status.text)")
        }
    }

    mutating func proceed() -> Action {
        guard policy.startTLS, !isTLSEstablished else { return authenticate() }
        // A stripped STARTTLS in the capabilities must not lead to a session in the clear: just ask for it.
        phase = .startTLS
        return .send(.startTLS)
    }

    mutating func askCapabilities(isAfterAuthentication: Bool) -> Action {
        phase = .capability(isAfterAuthentication: isAfterAuthentication)
        return .send(.capability)
    }

    mutating func becomeReady() -> Action {
        phase = .ready
        return .ready(capabilities)
    }

    mutating func fail(_ kind: Failure.Kind, _ message: String) -> Action {
        phase = .failed
        return .fail(Failure(kind: kind, message: message))
    }
}
