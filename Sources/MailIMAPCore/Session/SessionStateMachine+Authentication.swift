extension SessionStateMachine {
    /// Chooses the mechanism: the strongest both sides have, never weaker than the policy names.
    mutating func authenticate() -> Action {
        let hasSCRAM = capabilities.contains("AUTH=SCRAM-SHA-256")
        switch policy.mechanism {
        case .scramSHA256:
            guard hasSCRAM, let scram = policy.scram else {
                return fail(.noMechanism, "SCRAM-SHA-256 is required, but not available")
            }
            return beginSCRAM(scram)
        case .plain: return beginPlain()
        case .login: return beginLogin()
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
        phase = .authenticate(.login)
        return .send(.login(user: Array(policy.user.utf8), password: policy.password))
    }

    private mutating func beginPlain() -> Action {
        guard capabilities.contains("AUTH=PLAIN") else {
            return fail(.noMechanism, "The server does not offer AUTH=PLAIN")
        }
        let response = [0] + Array(policy.user.utf8) + [0] + policy.password
        let isInitial = capabilities.contains("SASL-IR")
        phase = .authenticate(.plain(response: isInitial ? nil : response))
        return .send(.authenticate("PLAIN", initialResponse: isInitial ? response : nil))
    }

    private mutating func beginSCRAM(_ primitives: SCRAMPrimitives) -> Action {
        let exchange = SCRAMExchange(user: policy.user, password: policy.password, primitives: primitives)
        let isInitial = capabilities.contains("SASL-IR")
        phase = .authenticate(.scram(exchange, step: isInitial ? 1 : 0))
        return .send(.authenticate("SCRAM-SHA-256", initialResponse: isInitial ? exchange.first : nil))
    }

    mutating func answer(_ exchange: Exchange, _ challenge: [UInt8]) -> Action {
        switch exchange {
        case .login: return fail(.protocolViolation, "The server asked for data that LOGIN does not have")
        case .plain(let response?):
            phase = .authenticate(.plain(response: nil))
            return .answer(Array(Base64.encode(response).utf8))
        case .plain(nil):
            // A JSON error as challenge (some providers): an empty answer lets the tagged NO come.
            return .answer([])
        case .scram(let scram, let step): return answerSCRAM(scram, step: step, challenge)
        }
    }

    private mutating func answerSCRAM(_ exchange: SCRAMExchange, step: Int, _ challenge: [UInt8]) -> Action {
        var scram = exchange
        if step == 0 {
            phase = .authenticate(.scram(scram, step: 1))
            return .answer(Array(Base64.encode(scram.first).utf8))
        }
        guard let decoded = Base64.decode(challenge) else {
            return fail(.protocolViolation, "The SCRAM challenge is not base64")
        }
        do throws(SCRAMExchange.Failure) {
            if step == 1 {
                let final = try scram.answer(decoded)
                phase = .authenticate(.scram(scram, step: 2))
                return .answer(Array(Base64.encode(final).utf8))
            }
            try scram.verify(decoded)
            phase = .authenticate(.scram(scram, step: 3))
            return .answer([])
        } catch {
            return fail(.authenticationFailed, "SCRAM-SHA-256 failed: \(error)")
        }
    }

    mutating func completed(_ exchange: Exchange, _ status: StatusResponse) -> Action {
        guard status.condition == .ok else {
            if status.code == .unavailable || status.code == .inUse || status.code == .limit {
                return fail(.unavailable, "The server cannot log in now: \(status.text)")
            }
            return fail(.authenticationFailed, "The server refused the login: \(status.text)")
        }
        if case .scram(let scram, _) = exchange, !scram.isServerVerified {
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
