package import MailSASL

/// From the greeting to the transaction state, as a value: answers in, actions out.
///
/// It never lets a password out before the policy on TLS is met, and trusts no capability from before TLS or
/// authentication.
/// - SeeAlso: RFC 1939 §3-4, RFC 2449, RFC 2595 §4, RFC 5034
package struct LoginMachine: Sendable {
    package struct Policy: Sendable {
        /// STLS is required before anything else.
        package var startTLS: Bool
        package var mechanism: SASLMechanism
        package var user: String
        /// The access token, where `mechanism` takes one.
        package var password: [UInt8]
        package var scram: SCRAMPrimitives?
        /// Where the client connected to.
        package var host = ""
        package var port = 0

        package init(
            startTLS: Bool, mechanism: SASLMechanism = .automatic, user: String, password: [UInt8],
            scram: SCRAMPrimitives? = nil
        ) {
            (self.startTLS, self.mechanism, self.user) = (startTLS, mechanism, user)
            (self.password, self.scram) = (password, scram)
        }
    }

    package enum Action: Sendable, Hashable {
        /// Send this line; a status line answers.
        case send([UInt8])
        /// Send this line; what answers has lines behind a positive status.
        case ask([UInt8])
        /// Begin TLS now; report ``tlsEstablished()``.
        case beginTLS
        case ready
        case fail(Failure)
    }

    package struct Failure: Error, Sendable, Hashable {
        package enum Kind: Sendable, Hashable {
            case unavailable, tlsUnavailable, authenticationFailed, noMechanism, protocolViolation
        }
        package var kind: Kind
        package var message: String
    }

    private enum Phase: Sendable {
        case greeting, capabilities, startTLS, handshake
        case userName, password
        case sasl(SASLExchange)
        case capabilitiesAgain
        case over
    }

    private let policy: Policy
    private var phase = Phase.greeting
    private var isTLSEstablished: Bool
    package private(set) var capabilities = POP3Capabilities()
    /// What was told inside TLS, before the login.
    ///
    /// QUIRK: Dovecot tells mechanisms and its name there alone.
    package private(set) var capabilitiesBefore = POP3Capabilities()
    /// How it logged in, for people: `SCRAM-SHA-256`, `USER`.
    package private(set) var method = ""

    /// - Parameter isSecure: TLS already stands (implicit TLS).
    package init(policy: Policy, isSecure: Bool) { (self.policy, isTLSEstablished) = (policy, isSecure) }

    /// The greeting, or the answer to what was sent last; `lines` behind it, where it was asked for.
    package mutating func receive(_ reply: POP3Reply, lines: [[UInt8]] = []) -> Action {
        if reply.indicator == .continuation {
            guard case .sasl(let exchange) = phase else {
                return fail(.protocolViolation, "The server asked for data that nothing announced")
            }
            return answer(exchange, Array(reply.text.utf8))
        }
        switch phase {
        case .greeting:
            guard reply.isOK else { return fail(.unavailable, "The server refused the session", reply) }
            return askCapabilities(.capabilities)
        case .capabilities:
            capabilities = reply.isOK ? POP3Capabilities(parsing: lines) : POP3Capabilities()
            guard policy.startTLS, !isTLSEstablished else {
                capabilitiesBefore = capabilities
                return authenticate()
            }
            // A stripped STLS in the capabilities must not lead to a session in the clear: just ask for it.
            phase = .startTLS
            return .send(Array("STLS".utf8))
        case .startTLS:
            guard reply.isOK else { return fail(.tlsUnavailable, "The server refused STLS", reply) }
            phase = .handshake
            return .beginTLS
        case .userName:
            guard reply.isOK else { return refused(reply) }
            phase = .password
            return .send(Array("PASS ".utf8) + policy.password)
        case .password: return reply.isOK ? loggedIn() : refused(reply)
        case .sasl(let exchange):
            guard reply.isOK else { return refused(reply, exchange.refusal) }
            guard exchange.isServerVerified else {
                return fail(.authenticationFailed, "The server did not prove that it knows the password")
            }
            return loggedIn()
        case .capabilitiesAgain:
            if reply.isOK { capabilities = POP3Capabilities(parsing: lines) }
            phase = .over
            return .ready
        case .handshake, .over: return fail(.protocolViolation, "The server answered what was not asked")
        }
    }

    /// TLS stands; everything learnt before it is void.
    package mutating func tlsEstablished() -> Action {
        isTLSEstablished = true
        capabilities = POP3Capabilities()
        return askCapabilities(.capabilities)
    }

    /// Octets came behind the answer to STLS, before TLS: someone in between put them there.
    package mutating func octetsBeforeTLS() -> Action {
        fail(.tlsUnavailable, "Octets came in the clear between STLS and TLS; the connection is not safe")
    }

    // MARK: Authentication

    /// Chooses the mechanism: the strongest both sides have, never weaker than the policy names.
    private mutating func authenticate() -> Action {
        let hasSCRAM = capabilities.hasMechanism("SCRAM-SHA-256")
        switch policy.mechanism {
        case .scramSHA256:
            guard hasSCRAM, let scram = policy.scram else {
                return fail(.noMechanism, "SCRAM-SHA-256 is required, but not available")
            }
            return begin(.scramSHA256(user: policy.user, password: policy.password, primitives: scram))
        case .plain:
            guard capabilities.hasMechanism("PLAIN") else {
                return fail(.noMechanism, "The server does not offer SASL PLAIN")
            }
            return begin(.plain(user: policy.user, password: policy.password))
        case .login: return capabilities.hasMechanism("LOGIN") ? begin(login) : beginUser()
        case .oauth, .oauthBearer, .xoauth2: return beginBearer()
        case .automatic:
            if hasSCRAM, let scram = policy.scram {
                return begin(.scramSHA256(user: policy.user, password: policy.password, primitives: scram))
            }
            if capabilities.hasMechanism("PLAIN") {
                return begin(.plain(user: policy.user, password: policy.password))
            }
            // QUIRK: servers that have USER and do not say so outnumber those that have LOGIN alone.
            let isLoginOnly = !capabilities.contains("USER") && capabilities.hasMechanism("LOGIN")
            return isLoginOnly ? begin(login) : beginUser()
        }
    }

    private var login: SASLExchange { .login(user: policy.user, password: policy.password) }

    private mutating func beginBearer() -> Action {
        let exchange = SASLExchange.bearer(
            policy.mechanism, user: policy.user, token: policy.password, host: policy.host, port: policy.port,
            isOffered: capabilities.hasMechanism)
        guard let exchange else {
            let names = policy.mechanism.bearerNames.joined(separator: " nor ")
            return fail(.noMechanism, "The server does not offer SASL \(names)")
        }
        return begin(exchange)
    }

    /// Without an initial response, which old servers do not know.
    private mutating func begin(_ exchange: SASLExchange) -> Action {
        (phase, method) = (.sasl(exchange), exchange.name)
        return .send(Array("AUTH \(exchange.name)".utf8))
    }

    private mutating func beginUser() -> Action {
        let octets = Array(policy.user.utf8) + policy.password
        guard !octets.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else {
            return fail(.noMechanism, "User or password have line ends, and the server offers no mechanism for them")
        }
        (phase, method) = (.userName, "USER")
        return .send(Array("USER \(policy.user)".utf8))
    }

    private mutating func answer(_ exchange: SASLExchange, _ challenge: [UInt8]) -> Action {
        var exchange = exchange
        do throws(SASLExchange.Failure) {
            let line = try exchange.answer(challenge)
            phase = .sasl(exchange)
            return .send(line)
        } catch {
            switch error {
            case .notBase64: return fail(.protocolViolation, "The \(exchange.name) challenge is not base64")
            case .scram(let failure): return fail(.authenticationFailed, "SCRAM-SHA-256 failed: \(failure)")
            }
        }
    }

    private mutating func refused(_ reply: POP3Reply, _ word: String? = nil) -> Action {
        reply.isTemporary
            ? fail(.unavailable, "The server cannot log in now", reply)
            : fail(.authenticationFailed, "The server refused the login" + (word.map { " (\($0))" } ?? ""), reply)
    }

    private mutating func loggedIn() -> Action { askCapabilities(.capabilitiesAgain) }

    // MARK: Steps

    private mutating func askCapabilities(_ phase: Phase) -> Action {
        self.phase = phase
        return .ask(Array("CAPA".utf8))
    }

    private mutating func fail(_ kind: Failure.Kind, _ message: String, _ reply: POP3Reply? = nil) -> Action {
        phase = .over
        let words = [reply?.code.map { "[\($0)]" }, reply?.text].compactMap { $0 }.filter { !$0.isEmpty }
        let said = words.isEmpty ? "" : ": " + words.joined(separator: " ")
        return .fail(Failure(kind: kind, message: message + said))
    }
}
