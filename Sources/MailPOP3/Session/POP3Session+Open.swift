import MailCore
import MailTransport

extension POP3Session {
    /// Connects and logs in.
    ///
    /// - Throws: `.connectionFailed`, `.tlsFailed`, `.authenticationFailed`, `.capabilityMissing`, `.protocolViolation`;
    ///   `.throttled` where the server asks to come later (`[IN-USE]`, `[LOGIN-DELAY]`, `[SYS/TEMP]`).
    static func open(_ configuration: POP3Configuration) async throws(StoreError) -> POP3Session {
        try await LoginSecret.use(configuration.password, or: configuration.renewal) {
            (secret) async throws(StoreError) in try await open(configuration, secret)
        }
    }

    private static func open(
        _ configuration: POP3Configuration, _ password: [UInt8]
    ) async throws(StoreError) -> POP3Session {
        let session = POP3Session(try await Transport.connect(configuration.server), configuration)
        do {
            try await session.logIn(password)
            session.transport.allowReadAhead()
            return session
        } catch {
            session.close()
            throw error
        }
    }

    /// Drives the state machine to its end.
    private func logIn(_ password: [UInt8]) async throws(StoreError) {
        let security = configuration.server.security
        var policy = LoginMachine.Policy(
            startTLS: security == .startTLS, mechanism: configuration.mechanism, user: configuration.user,
            password: password, scram: configuration.scram)
        (policy.host, policy.port) = (configuration.server.host, configuration.server.port)
        var machine = LoginMachine(policy: policy, isSecure: security == .implicitTLS)
        var action = machine.receive(try await reply())
        while true {
            switch action {
            case .send(let line):
                send(line)
                action = machine.receive(try await reply())
            case .ask(let line):
                send(line)
                let status = try await reply()
                let lines = status.isOK ? try await list(limit: Self.capabilityLimit) : []
                action = machine.receive(status, lines: lines)
            case .beginTLS:
                if hasBufferedOctets {
                    action = machine.octetsBeforeTLS()
                } else {
                    try await transport.startTLS(configuration.server)
                    action = machine.tlsEstablished()
                }
            case .ready:
                (capabilities, method) = (machine.capabilities, machine.method)
                capabilitiesBefore = machine.capabilitiesBefore
                return
            case .fail(let failure): throw Self.storeError(failure)
            }
        }
    }

    /// LIMIT: lines of an answer to CAPA; servers have about twenty.
    private static let capabilityLimit = 1_000

    private static func storeError(_ failure: LoginMachine.Failure) -> StoreError {
        let (kind, retry): (StoreError.Kind, StoreError.Retry) =
            switch failure.kind {
            case .unavailable: (.throttled, .later)
            case .tlsUnavailable: (.tlsFailed, .no)
            case .authenticationFailed: (.authenticationFailed, .no)
            case .noMechanism: (.capabilityMissing, .no)
            case .protocolViolation: (.protocolViolation, .no)
            }
        return StoreError(kind, failure.message, retry: retry, cause: failure)
    }

    /// Name and version, where the server says.
    var implementation: String? { capabilities.implementation ?? capabilitiesBefore.implementation }

    /// Those of SASL that were offered for the login.
    var mechanisms: [String] { capabilitiesBefore.mechanisms }

    /// Lines of CAPA, before the login and after it, each once.
    var offers: [String] {
        let before = capabilitiesBefore.lines
        return before + capabilities.lines.filter { !before.contains($0) }
    }

    // MARK: The maildrop

    /// STAT, LIST and UIDL, once; in one flight where the server pipelines.
    func listing() async throws(StoreError) -> MaildropListing {
        if let listed { return listed }
        if pipelines { for command in Self.looks { send(Array(command.utf8)) } }
        var answers: [(status: POP3Reply, lines: [[UInt8]])] = []
        for command in Self.looks {
            if !pipelines { send(Array(command.utf8)) }
            let status = try await reply()
            let hasLines = status.isOK && command != "STAT"
            answers.append((status, hasLines ? try await list(limit: MaildropListing.messageLimit) : []))
        }
        let (stat, list, uidl) = (answers[0], answers[1], answers[2])
        guard list.status.isOK else {
            throw StoreError(
                list.status.isTemporary ? .throttled : .refused,
                "The server does not list the messages: \(list.status.text)", retry: .later)
        }
        let count = stat.status.text.split(separator: " ").first.flatMap { Int($0) }
        do throws(POP3ProtocolError) {
            let listing = try MaildropListing(
                count: stat.status.isOK ? count : nil, sizes: list.lines,
                uniqueIDs: uidl.status.isOK ? uidl.lines : nil)
            listed = listing
            return listing
        } catch { throw Self.storeError(error) }
    }

    private static let looks = ["STAT", "LIST", "UIDL"]

    /// Ends the session in order, which is what deletes; false when the server does not say that all of it was done.
    ///
    /// QUIRK: with `EXPIRE 0` an end in order deletes all that was read; where nothing shall be deleted there is none.
    func quit(deletes: Bool = false) async -> Bool {
        defer { close() }
        let wouldDelete = capabilities.deletesWhatWasRead && !retrieved.isEmpty
        guard deletes || !wouldDelete, inFlight.isEmpty else { return false }
        return (try? await run("QUIT"))?.isOK ?? false
    }
}
