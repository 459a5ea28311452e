import MailSASL

extension SessionStateMachine {
    /// Chooses the mechanism: the strongest both sides have, never weaker than the policy names.
    mutating func authenticate() -> Action {
        mechanisms = capabilities.names.filter { $0.hasPrefix("AUTH=") }.map { String($0.dropFirst(5)) }.sorted()
        let hasSCRAM = capabilities.contains("AUTH=SCRAM-SHA-256")
        switch policy.mechanism {
        case .scramSHA256:
            guard hasSCRAM, let scram = policy.scram else {
                return fail(.noMechanism, "SCRAM-SHA-256 is required, but not available")
            }
            return beginSCRAM(scram)
        case .plain: return beginPlain()
        case .login: return beginLogin()
        case .oauth, .oauthBearer, .xoauth2: return beginBearer()
        case .automatic:
            if hasSCRAM, let scram = policy.scram { return beginSCRAM(scram) }
            if capabilities.contains("AUTH=PLAIN") { return beginPlain() }
            return beginLogin()
        }
    }

    private mutating func beginLogin() -> Action {
        guard !capabilities.contains("LOGINDISABLED") else {
            return fail(.noMechanism, "The server has LOGIN disabled and offers no mechanism that could be used")
        }
        (phase, method) = (.authenticate(.login), "LOGIN")
        return .send(.login(user: Array(policy.user.utf8), password: policy.password))
    }

    private mutating func beginPlain() -> Action {
        guard capabilities.contains("AUTH=PLAIN") else {
            return fail(.noMechanism, "The server does not offer AUTH=PLAIN")
        }
        return begin(.plain(user: policy.user, password: policy.password))
    }

    private mutating func beginSCRAM(_ primitives: SCRAMPrimitives) -> Action {
        begin(.scramSHA256(user: policy.user, password: policy.password, primitives: primitives))
    }

    private mutating func beginBearer() -> Action {
        let exchange = SASLExchange.bearer(
            policy.mechanism, user: policy.user, token: policy.password, host: policy.host, port: policy.port
        ) { capabilities.contains("AUTH=\($0)") }
        guard let exchange else {
            let names = policy.mechanism.bearerNames.joined(separator: " nor AUTH=")
            return fail(.noMechanism, "The server does not offer AUTH=\(names)")
        }
        return begin(exchange)
    }

    private mutating func begin(_ exchange: SASLExchange) -> Action {
        var exchange = exchange
        let response = capabilities.contains("SASL-IR") ? exchange.takeInitialResponse() : nil
        (phase, method) = (.authenticate(.sasl(exchange)), exchange.name)
        return .send(.authenticate(exchange.name, initialResponse: response))
    }

    mutating func answer(_ exchange: Exchange, _ challenge: [UInt8]) -> Action {
        guard case .sasl(var exchange) = exchange else {
            return fail(.protocolViolation, "The server asked for data that LOGIN does not have")
        }
        do throws(SASLExchange.Failure) {
            let line = try exchange.answer(challenge)
            phase = .authenticate(.sasl(exchange))
            return .answer(line)
        } catch {
            switch error {
            case .notBase64: return fail(.protocolViolation, "The \(exchange.name) challenge is not base64")
            case .scram(let failure): return fail(.authenticationFailed, "SCRAM-SHA-256 failed: \(failure)")
            }
        }
    }

    mutating func completed(_ exchange: Exchange, _ status: StatusResponse) -> Action {
        guard status.condition == .ok else {
            if status.refusesConnection {
                return fail(.unavailable, "The server cannot log in now: \(status.text)")
            }
            return fail(.authenticationFailed, "The server refused the login\(exchange.refusal): \(status.text)")
        }
        if case .sasl(let sasl) = exchange, !sasl.isServerVerified {
            return fail(.authenticationFailed, "The server did not prove that it knows the password")
        }
        // RFC 9051 §6.2.2: capabilities may differ now. A code in this very OK counts; anything older does not.
        if case .capability(let set)? = status.code {
            capabilities = set
            return becomeReady()
        }
        return askCapabilities(isAfterAuthentication: true)
    }
}

extension SessionStateMachine.Exchange {
    /// The server's own word for why, in brackets; empty: it said none.
    fileprivate var refusal: String {
        if case .sasl(let exchange) = self, let word = exchange.refusal { " (\(word))" } else { "" }
    }
}
