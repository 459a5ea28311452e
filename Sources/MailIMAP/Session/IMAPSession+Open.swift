import MailCore
import MailIMAPCore

extension IMAPSession {
    /// Connects and logs in; ID, ENABLE and NAMESPACE are on their way when this returns.
    ///
    /// - Throws: `.connectionFailed`, `.tlsFailed`, `.authenticationFailed`, `.protocolViolation`, `.throttled`.
    static func open(_ configuration: IMAPConfiguration) async throws(StoreError) -> IMAPSession {
        let password: [UInt8]
        do {
            password = try await configuration.password()
        } catch {
            throw StoreError(.authenticationFailed, "The password could not be had", cause: error)
        }
        let transport = try await Transport.connect(configuration)
        let session = IMAPSession(transport, configuration)
        do {
            try await session.authenticate(
                SessionStateMachine.Policy(
                    startTLS: configuration.security == .startTLS, mechanism: configuration.mechanism,
                    user: configuration.user, password: password, scram: configuration.scram))
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
        var machine = SessionStateMachine(policy: policy, isSecure: configuration.security == .implicitTLS)
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
                return
            case .fail(let failure): throw Self.storeError(failure)
            }
        }
    }

    private func upgrade(_ machine: inout SessionStateMachine) async throws(StoreError) -> SessionStateMachine.Action {
        try await transport.startTLS(configuration)
        return machine.tlsEstablished()
    }

    /// The first flight: nobody waits for its answers, but for those that change how names are spelt.
    private func introduce() async throws(StoreError) {
        if capabilities.contains("ID") { unattended.insert(try await send(.id(configuration.clientID))) }
        if capabilities.hasNamespace { unattended.insert(try await send(.namespace)) }
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
            unattended.insert(try await send(.enable(wanted)))
        }
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
