import MailIMAPCore
import MailSASL
import MailarcTesting
import Testing

@Suite("Session state machine")
struct SessionStateMachineTests {
    typealias Action = SessionStateMachine.Action

    static func policy(
        startTLS: Bool = false, _ mechanism: SASLMechanism = .automatic, scram: SCRAMPrimitives? = nil
    ) -> SessionStateMachine.Policy {
        SessionStateMachine.Policy(
            startTLS: startTLS, mechanism: mechanism, user: "anna", password: Array("pw".utf8), scram: scram)
    }

    /// The actions a server's lines lead to; `TLS` stands for the handshake.
    static func actions(_ policy: SessionStateMachine.Policy, isSecure: Bool, _ lines: [String]) -> [Action] {
        var machine = SessionStateMachine(policy: policy, isSecure: isSecure)
        return lines.flatMap { line in
            line == "TLS"
                ? [machine.tlsEstablished()]
                : ParsedStream(line + "\r\n").responses.map { machine.receive($0) }
        }.filter { $0 != .wait }
    }

    static let plain = Command.authenticate("PLAIN", initialResponse: Array("\0anna\0pw".utf8))
    static let login = Command.login(user: Array("anna".utf8), password: Array("pw".utf8))

    @Test("capabilities in greeting and login cost no round trip")
    func shortest() {
        let actions = Self.actions(
            Self.policy(), isSecure: true,
            ["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi", "A1 OK [CAPABILITY IMAP4rev1 QRESYNC] in"])
        #expect(actions == [.send(Self.plain), .ready(CapabilitySet(["IMAP4REV1", "QRESYNC"]))])
    }

    @Test("capabilities are asked for when nobody tells, and asked again after login")
    func asking() {
        let actions = Self.actions(
            Self.policy(), isSecure: true,
            ["* OK hi", "* CAPABILITY IMAP4rev1", "A1 OK x", "A2 OK in", "* CAPABILITY IMAP4rev1 IDLE", "A3 OK x"])
        #expect(
            actions == [
                .send(.capability), .send(Self.login), .send(.capability),
                .ready(CapabilitySet(["IMAP4REV1", "IDLE"])),
            ])
    }

    @Test("STARTTLS comes first, and what was said before it is void")
    func startTLS() {
        let actions = Self.actions(
            Self.policy(startTLS: true), isSecure: false,
            [
                "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi", "A1 OK go", "TLS", "* CAPABILITY IMAP4rev1 AUTH=PLAIN",
                "A2 OK x", "+", "A3 OK [CAPABILITY X] in",
            ])
        #expect(
            actions == [
                .send(.startTLS), .beginTLS, .send(.capability), .send(.authenticate("PLAIN", initialResponse: nil)),
                .answer(Array("AGFubmEAcHc=".utf8)), .ready(CapabilitySet(["X"])),
            ])
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var policy: SessionStateMachine.Policy
        var isSecure = false
        var lines: [String]
        var kind: SessionStateMachine.Failure.Kind
    }

    static let refusals: [Refusal] = [
        Refusal(
            testDescription: "STARTTLS refused", policy: policy(startTLS: true),
            lines: ["* OK hi", "* CAPABILITY X", "A1 OK x", "A2 NO no"],
            kind: .tlsUnavailable),
        Refusal(
            testDescription: "PREAUTH that skips STARTTLS", policy: policy(startTLS: true), lines: ["* PREAUTH hi"],
            kind: .tlsUnavailable),
        Refusal(testDescription: "BYE as greeting", policy: policy(), lines: ["* BYE full"], kind: .unavailable),
        Refusal(testDescription: "not IMAP", policy: policy(), lines: ["HTTP/1.1 400 Bad"], kind: .protocolViolation),
        Refusal(
            testDescription: "LOGINDISABLED", policy: policy(), lines: ["* OK [CAPABILITY LOGINDISABLED] hi"],
            kind: .noMechanism),
        Refusal(
            testDescription: "SCRAM demanded, not offered", policy: policy(.scramSHA256),
            lines: ["* OK [CAPABILITY AUTH=PLAIN] hi"], kind: .noMechanism),
        Refusal(
            testDescription: "a token, and no mechanism for it", policy: policy(.oauth),
            lines: ["* OK [CAPABILITY AUTH=PLAIN SASL-IR] hi"], kind: .noMechanism),
        Refusal(
            testDescription: "XOAUTH2 demanded, not offered", policy: policy(.xoauth2),
            lines: ["* OK [CAPABILITY AUTH=OAUTHBEARER] hi"], kind: .noMechanism),
        Refusal(
            testDescription: "wrong password", policy: policy(), lines: ["* OK [CAPABILITY X] hi", "A1 NO wrong"],
            kind: .authenticationFailed),
        Refusal(
            testDescription: "busy", policy: policy(), lines: ["* OK [CAPABILITY X] hi", "A1 NO [UNAVAILABLE] later"],
            kind: .unavailable),
        Refusal(
            testDescription: "data nobody announced", policy: policy(), lines: ["* OK [CAPABILITY X] hi", "+ give"],
            kind: .protocolViolation),
    ]

    static func policy(_ mechanism: SASLMechanism) -> SessionStateMachine.Policy {
        policy(startTLS: false, mechanism)
    }

    @Test("a session that must not be is refused", arguments: refusals)
    func refused(_ refusal: Refusal) {
        let last = Self.actions(refusal.policy, isSecure: refusal.isSecure, refusal.lines).last
        guard case .fail(let failure)? = last else {
            Issue.record("\(String(describing: last)) is not a refusal")
            return
        }
        #expect(failure.kind == refusal.kind)
    }

    @Test("octets before TLS are an attack")
    func injection() {
        var machine = SessionStateMachine(policy: Self.policy(startTLS: true), isSecure: false)
        guard case .fail(let failure) = machine.octetsBeforeTLS() else {
            Issue.record("not refused")
            return
        }
        #expect(failure.kind == .injectedBeforeTLS)
    }

    @Test("SCRAM-SHA-256 follows RFC 7677, and an unproven server is not believed")
    func scram() {
        var policy = Self.policy(.scramSHA256, nonce: "rOprNGfwEbeRWgbNEkqO")
        policy.user = "user"
        policy.password = Array("pencil".utf8)
        func base64(_ text: String) -> String { TestSHA256.base64(Array(text.utf8)) }
        let serverFirst =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        let clientFinal =
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        let opening = ["* OK [CAPABILITY AUTH=SCRAM-SHA-256 SASL-IR] hi", "+ " + base64(serverFirst)]
        let actions = Self.actions(
            policy, isSecure: true, opening + ["+ " + base64(serverFinal), "A1 OK [CAPABILITY X] in"])
        #expect(
            actions == [
                .send(
                    .authenticate(
                        "SCRAM-SHA-256", initialResponse: Array("n,,n=user,r=rOprNGfwEbeRWgbNEkqO".utf8))),
                .answer(Array(base64(clientFinal).utf8)), .answer([]), .ready(CapabilitySet(["X"])),
            ])
        for end in [["A1 OK [CAPABILITY X] in"], ["+ " + base64("v=" + base64("no")), "A1 OK in"]] {
            guard
                case .fail(let failure)? = Self.actions(policy, isSecure: true, opening + end).first(where: {
                    if case .fail = $0 { true } else { false }
                })
            else {
                Issue.record("the server was believed")
                continue
            }
            #expect(failure.kind == .authenticationFailed)
        }
    }

    static func policy(
        _ mechanism: SASLMechanism, nonce: String
    ) -> SessionStateMachine.Policy {
        policy(startTLS: false, mechanism, scram: Self.primitives(nonce: nonce))
    }

    static func primitives(nonce: String) -> SCRAMPrimitives {
        SCRAMPrimitives(
            sha256: { TestSHA256.hash($0) }, hmacSHA256: { TestSHA256.hmac($0, $1) },
            pbkdf2SHA256: { TestSHA256.pbkdf2($0, $1, $2) }, nonce: { nonce })
    }

    struct Bearer: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var mechanism: SASLMechanism = .oauth
        var capabilities: String
        /// The server's lines behind the greeting.
        var lines: [String]
        var actions: [Action]
        /// What the last action says then, where it is a failure.
        var failure: String?
    }

    static let bearerResponse = "n,a=anna,\u{1}host=imap.example.org\u{1}port=993\u{1}auth=Bearer pw\u{1}\u{1}"
    static let xoauthResponse = "user=anna\u{1}auth=Bearer pw\u{1}\u{1}"
    static let problem = TestSHA256.base64(Array(#"{"status":"invalid_token","scope":"mail"}"#.utf8))

    static let bearers = [
        Bearer(
            testDescription: "OAUTHBEARER before XOAUTH2, with the command",
            capabilities: "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR", lines: ["A1 OK [CAPABILITY X] in"],
            actions: [
                .send(.authenticate("OAUTHBEARER", initialResponse: Array(bearerResponse.utf8))),
                .ready(CapabilitySet(["X"])),
            ]),
        Bearer(
            testDescription: "OAUTHBEARER without SASL-IR, and its refusal answered with ^A",
            capabilities: "AUTH=OAUTHBEARER", lines: ["+ ", "+ " + problem, "A1 NO no"],
            actions: [
                .send(.authenticate("OAUTHBEARER", initialResponse: nil)),
                .answer(Array(TestSHA256.base64(Array(bearerResponse.utf8)).utf8)), .answer(Array("AQ==".utf8)),
            ], failure: "The server refused the login (invalid_token): no"),
        Bearer(
            testDescription: "XOAUTH2, and its refusal answered with nothing", capabilities: "AUTH=XOAUTH2 SASL-IR",
            lines: ["+ " + problem, "A1 NO no"],
            actions: [
                .send(.authenticate("XOAUTH2", initialResponse: Array(xoauthResponse.utf8))), .answer([]),
            ], failure: "The server refused the login (invalid_token): no"),
        Bearer(
            testDescription: "XOAUTH2 because it was named, refused without a reason", mechanism: .xoauth2,
            capabilities: "AUTH=XOAUTH2 AUTH=OAUTHBEARER", lines: ["+", "A1 NO AUTHENTICATE failed."],
            actions: [
                .send(.authenticate("XOAUTH2", initialResponse: nil)),
                .answer(Array(TestSHA256.base64(Array(xoauthResponse.utf8)).utf8)),
            ], failure: "The server refused the login: AUTHENTICATE failed."),
        Bearer(
            testDescription: "a challenge that is not base64", capabilities: "AUTH=XOAUTH2 SASL-IR",
            lines: ["+ {no}"],
            actions: [.send(.authenticate("XOAUTH2", initialResponse: Array(xoauthResponse.utf8)))],
            failure: "The XOAUTH2 challenge is not base64"),
    ]

    @Test("an access token is shown", arguments: bearers)
    func bearer(_ item: Bearer) {
        var policy = Self.policy(item.mechanism)
        (policy.host, policy.port) = ("imap.example.org", 993)
        let greeting = "* OK [CAPABILITY IMAP4rev1 \(item.capabilities)] hi"
        var actions = Self.actions(policy, isSecure: true, [greeting] + item.lines)
        var words: String?
        if case .fail(let failure)? = actions.last {
            words = failure.message
            actions.removeLast()
        }
        #expect(actions == item.actions && words == item.failure)
    }

    @Test("a name's comma and equals sign are escaped in OAUTHBEARER")
    func bearerName() {
        var policy = Self.policy(.oauth)
        policy.user = "a,b=c@example.org"
        let actions = Self.actions(policy, isSecure: true, ["* OK [CAPABILITY AUTH=OAUTHBEARER SASL-IR] hi"])
        let response = "n,a=a=2Cb=3Dc@example.org,\u{1}host=\u{1}port=0\u{1}auth=Bearer pw\u{1}\u{1}"
        #expect(actions == [.send(.authenticate("OAUTHBEARER", initialResponse: Array(response.utf8)))])
    }
}
