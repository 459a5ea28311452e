import MailPOP3
import MailSASL
import MailarcTesting
import Testing

@Suite("POP3 login") struct LoginTests {
    static func machine(
        _ mechanism: SASLMechanism = .automatic, startTLS: Bool = false, isSecure: Bool = false,
        password: String = "secret", scram: SCRAMPrimitives? = nil
    ) -> LoginMachine {
        LoginMachine(
            policy: LoginMachine.Policy(
                startTLS: startTLS, mechanism: mechanism, user: "anna", password: Array(password.utf8), scram: scram),
            isSecure: isSecure)
    }

    /// Plays a dialogue: `S:` lines (those behind a status after a slash) and what the client says to each.
    static func play(_ machine: inout LoginMachine, _ server: [String]) -> [String] {
        server.map { text in
            if text == "TLS" { return say(machine.tlsEstablished()) }
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
            guard let reply = POP3Reply(parsing: parts[0]) else { return "not an answer" }
            return say(machine.receive(reply, lines: Array(parts.dropFirst())))
        }
    }

    private static func say(_ action: LoginMachine.Action) -> String {
        switch action {
        case .send(let line), .ask(let line): String(decoding: line, as: UTF8.self)
        case .beginTLS: "TLS"
        case .ready: "ready"
        case .fail(let failure): "\(failure.kind)"
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let machine: LoginMachine
        let server: [String]
        let client: [String]
    }

    static let cases = [
        Case(
            testDescription: "USER and PASS where nothing else is offered", machine: machine(),
            server: ["+OK hi", "-ERR what", "+OK", "+OK", "-ERR what"],
            client: ["CAPA", "USER anna", "PASS secret", "CAPA", "ready"]),
        Case(
            testDescription: "PLAIN, and what is offered afterwards counts", machine: machine(isSecure: true),
            server: ["+OK hi", "+OK/SASL PLAIN LOGIN/USER", "+ ", "+OK", "+OK/UIDL"],
            client: ["CAPA", "AUTH PLAIN", "AGFubmEAc2VjcmV0", "CAPA", "ready"]),
        Case(
            testDescription: "AUTH LOGIN where there is no USER", machine: machine(),
            server: ["+OK", "+OK/SASL LOGIN", "+ VXNlcm5hbWU6", "+ UGFzc3dvcmQ6", "+OK", "+OK"],
            client: ["CAPA", "AUTH LOGIN", "YW5uYQ==", "c2VjcmV0", "CAPA", "ready"]),
        Case(
            testDescription: "STLS, and what was told before counts for nothing", machine: machine(startTLS: true),
            server: ["+OK", "+OK/SASL PLAIN", "+OK go", "TLS", "+OK/USER", "+OK", "-ERR [AUTH] no"],
            client: ["CAPA", "STLS", "TLS", "CAPA", "USER anna", "PASS secret", "authenticationFailed"]),
        Case(
            testDescription: "STLS is asked for where it is not offered, and nothing goes out without it",
            machine: machine(startTLS: true), server: ["+OK", "+OK/USER", "-ERR unknown"],
            client: ["CAPA", "STLS", "tlsUnavailable"]),
        Case(
            testDescription: "a locked maildrop is no wrong password", machine: machine(),
            server: ["+OK", "+OK/USER", "+OK", "-ERR [IN-USE] locked"],
            client: ["CAPA", "USER anna", "PASS secret", "unavailable"]),
        Case(
            testDescription: "the greeting refuses", machine: machine(), server: ["-ERR [SYS/TEMP] later"],
            client: ["unavailable"]),
        Case(
            testDescription: "SCRAM demanded, not offered", machine: machine(.scramSHA256),
            server: ["+OK", "+OK/SASL PLAIN"], client: ["CAPA", "noMechanism"]),
        Case(
            testDescription: "PLAIN demanded, not offered", machine: machine(.plain), server: ["+OK", "+OK/USER"],
            client: ["CAPA", "noMechanism"]),
        Case(
            testDescription: "no line of a password becomes a command", machine: machine(password: "a\r\nDELE 1"),
            server: ["+OK", "+OK/USER"], client: ["CAPA", "noMechanism"]),
        Case(
            testDescription: "a token by XOAUTH2, refused, and the reason answered with nothing",
            machine: machine(.oauth, isSecure: true),
            server: ["+OK", "+OK/SASL PLAIN XOAUTH2", "+ ", "+ eyJzdGF0dXMiOiI0MDEifQ==", "-ERR [AUTH] no"],
            client: [
                "CAPA", "AUTH XOAUTH2", "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHNlY3JldAEB", "", "authenticationFailed",
            ]),
        Case(
            testDescription: "a token by OAUTHBEARER, refused, and the reason answered with ^A",
            machine: machine(.oauth, isSecure: true),
            server: ["+OK", "+OK/SASL XOAUTH2 OAUTHBEARER", "+ ", "+ eyJzdGF0dXMiOiI0MDEifQ==", "-ERR [AUTH] no"],
            client: [
                "CAPA", "AUTH OAUTHBEARER", "bixhPWFubmEsAWhvc3Q9AXBvcnQ9MAFhdXRoPUJlYXJlciBzZWNyZXQBAQ==", "AQ==",
                "authenticationFailed",
            ]),
        Case(
            testDescription: "a token, and no mechanism for it", machine: machine(.oauth),
            server: ["+OK", "+OK/SASL PLAIN/USER"], client: ["CAPA", "noMechanism"]),
        Case(
            testDescription: "data is asked for that nothing announced", machine: machine(), server: ["+OK", "+ "],
            client: ["CAPA", "protocolViolation"]),
        Case(
            testDescription: "an error as challenge behind all that was to be said", machine: machine(isSecure: true),
            server: ["+OK", "+OK/SASL PLAIN", "+ ", "+ eyJzdGF0dXMi", "-ERR no"],
            client: ["CAPA", "AUTH PLAIN", "AGFubmEAc2VjcmV0", "", "authenticationFailed"]),
    ]

    @Test("the dialogue", arguments: cases)
    func dialogue(_ item: Case) {
        var machine = item.machine
        #expect(Self.play(&machine, item.server) == item.client)
    }

    @Test("SCRAM-SHA-256 follows RFC 7677, and an unproven server is not believed")
    func scram() {
        let primitives = SCRAMPrimitives(
            sha256: { TestSHA256.hash($0) }, hmacSHA256: { TestSHA256.hmac($0, $1) },
            pbkdf2SHA256: { TestSHA256.pbkdf2($0, $1, $2) }, nonce: { "rOprNGfwEbeRWgbNEkqO" })
        func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }
        let policy = LoginMachine.Policy(
            startTLS: false, user: "user", password: Array("pencil".utf8), scram: primitives)
        let first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        let final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        let opening = ["+OK", "+OK/SASL SCRAM-SHA-256", "+ "]
        var honest = LoginMachine(policy: policy, isSecure: true)
        var said = Self.play(&honest, opening)
        #expect(said == ["CAPA", "AUTH SCRAM-SHA-256", base64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")])
        func answer(_ machine: inout LoginMachine, _ line: String) -> String {
            guard let reply = POP3Reply(parsing: Array(line.utf8)) else { return "" }
            return Self.say(machine.receive(reply))
        }
        said = [answer(&honest, "+ " + base64(first)), answer(&honest, "+ " + base64(final)), answer(&honest, "+OK")]
        let proof =
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        #expect(said == [base64(proof), "", "CAPA"])
        var liar = LoginMachine(policy: policy, isSecure: true)
        _ = Self.play(&liar, opening)
        #expect(answer(&liar, "+ " + base64(first)) == base64(proof))
        #expect(answer(&liar, "+OK") == "authenticationFailed")
    }
}
