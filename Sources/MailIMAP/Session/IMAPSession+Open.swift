import MailCore
import MailIMAPCore
import MailTransport

extension IMAPSession {
    /// Connects and logs in; ID, ENABLE and NAMESPACE are on their way when this returns.
    ///
    /// - Throws: `.connectionFailed`, `.tlsFailed`, `.authenticationFailed`, `.protocolViolation`, `.throttled`.
    static func open(
        _ configuration: IMAPConfiguration, meter: TrafficMeter = TrafficMeter()
    ) async throws(StoreError) -> IMAPSession {
        try await LoginSecret.use(configuration.password, or: configuration.renewal) {
            (secret) async throws(StoreError) in try await open(configuration, meter, secret)
        }
    }

    private static func open(
        _ configuration: IMAPConfiguration, _ meter: TrafficMeter, _ password: [UInt8]
    ) async throws(StoreError) -> IMAPSession {
        let transport = try await Transport.connect(configuration.server)
        let session = IMAPSession(transport, configuration, meter)
        do {
            var policy = SessionStateMachine.Policy(
                startTLS: configuration.server.security == .startTLS, mechanism: configuration.mechanism,
                user: configuration.user, password: password, scram: configuration.scram)
            (policy.host, policy.port) = (configuration.server.host, configuration.server.port)
            try await session.authenticate(policy)
            transport.allowReadAhead()
            try await session.introduce()
            return session
        } catch {
            session.close()
            throw error
        }
    }

    /// Drives the state machine to its end.
    private func authenticate(_ policy: SessionStateMachine.Policy) async throws(StoreError) {
        var machine = SessionStateMachine(policy: policy, isSecure: configuration.server.security == .implicitTLS)
        var tag: String?
        while true {
            let response = try await nextResponse()
            if tag == nil, case .status(let status) = response { greeting = status.text }
            if case .tagged(let answered, _) = response, answered != tag {
                throw StoreError(.protocolViolation, "The server answered a command that was never sent")
            }
            var action = machine.receive(response)
            if action == .beginTLS {
                action = hasBufferedOctets ? machine.octetsBeforeTLS() : try await upgrade(&machine)
            }
            switch action {
            case .wait, .beginTLS: continue
            case .send(let command): tag = try await send(command)
            case .answer(let line): transport.write(line + [13, 10])
            case .ready(let capabilities):
                learn(capabilities)
                login = IMAPLogin(method: machine.method, mechanisms: machine.mechanisms)
                return
            case .fail(let failure): throw Self.storeError(failure)
            }
        }
    }

    private func upgrade(_ machine: inout SessionStateMachine) async throws(StoreError) -> SessionStateMachine.Action {
        try await transport.startTLS(configuration.server)
        return machine.tlsEstablished()
    }

    /// The first flight: nobody waits for its answers, but for those that change how names are spelt.
    private func introduce() async throws(StoreError) {
        if capabilities.contains("ID") { try await begin(.id(configuration.clientID)) }
        if capabilities.hasNamespace { try await begin(.namespace) }
        guard capabilities.hasEnable else { return }
        var wanted: [String] = []
        if capabilities.hasConditionalStore { wanted.append("CONDSTORE") }
        if capabilities.hasQuickResync { wanted.append("QRESYNC") }
        let isUTF8Only = capabilities.contains("UTF8=ONLY")
        let wantsUTF8 = isUTF8Only || (configuration.enablesUTF8 && capabilities.contains("UTF8=ACCEPT"))
        if wantsUTF8 { wanted.append("UTF8=ACCEPT") }
        guard !wanted.isEmpty else { return }
        if wantsUTF8 {
            let status = try await run(.enable(wanted))
            isUTF8 = isUTF8 || (isUTF8Only && status.condition == .ok)
        } else {
            try await begin(.enable(wanted))
        }
    }

    /// Sends what nobody waits for, but where nothing may come before its answer.
    private func begin(_ command: Command) async throws(StoreError) {
        if pipelining == .refused { _ = try await run(command) } else { unattended.insert(try await send(command)) }
    }

    private static func storeError(_ failure: SessionStateMachine.Failure) -> StoreError {
        let (kind, retry): (StoreError.Kind, StoreError.Retry) =
            switch failure.kind {
            case .refusedAtGreeting, .unavailable: (.throttled, .later)
            case .tlsUnavailable, .injectedBeforeTLS: (.tlsFailed, .no)
            case .authenticationFailed: (.authenticationFailed, .no)
            case .noMechanism: (.capabilityMissing, .no)
            case .protocolViolation: (.protocolViolation, .no)
            }
        return StoreError(kind, failure.message, retry: retry, cause: failure)
    }
}
