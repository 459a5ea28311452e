import MailOAuth
import MailarcTesting
import Testing

@Suite("OAuth 2 flows as values")
struct FlowTests {
    static func reply(_ status: Int, _ json: String) -> HTTPReply { HTTPReply(status: status, body: Array(json.utf8)) }
    static let pending = reply(400, #"{"error":"authorization_pending"}"#)
    static let slower = reply(400, #"{"error":"slow_down"}"#)

    static func polling(lifetime: Int = 900, interval: Int = 5) -> DevicePolling {
        DevicePolling(
            DeviceAuthorization(
                deviceCode: "d", userCode: "u", page: "p", completePage: nil, lifetime: .seconds(lifetime),
                interval: .seconds(interval)))
    }

    private static func wait(_ step: DevicePolling.Step) -> Duration? {
        if case .wait(let duration) = step { duration } else { nil }
    }

    private static func error(_ step: DevicePolling.Step) -> OAuthError? {
        if case .fail(let error) = step { error } else { nil }
    }

    @Test("it is polled at the server's interval, slower when it says so, and half as often when it is not reached")
    func interval() {
        var polling = Self.polling()
        #expect(Self.wait(polling.begin()) == .seconds(5))
        #expect(Self.wait(polling.next(after: Self.pending, now: 0)) == .seconds(5))
        #expect(Self.wait(polling.next(after: Self.slower, now: 0)) == .seconds(10))
        #expect(Self.wait(polling.next(after: Self.pending, now: 0)) == .seconds(10))
        #expect(Self.wait(polling.next(after: OAuthError(.connection, "gone"))) == .seconds(20))
        #expect(Self.wait(polling.next(after: Self.reply(503, "busy"), now: 0)) == nil)
    }

    @Test("an interval of nothing is one all the same, and the code's time is not outlived")
    func lifetime() {
        var eager = Self.polling(interval: 0)
        #expect(Self.wait(eager.begin()) == .milliseconds(100))
        var brief = Self.polling(lifetime: 8)
        #expect(Self.wait(brief.begin()) == .seconds(5))
        #expect(Self.wait(brief.next(after: Self.pending, now: 0)) == .seconds(3))
        #expect(Self.error(brief.next(after: Self.pending, now: 0))?.kind == .expired)
    }

    @Test(
        "what ends it",
        arguments: [
            (#"{"error":"access_denied"}"#, OAuthError.Kind.denied),
            (#"{"error":"expired_token"}"#, .expired), (#"{"error":"invalid_grant"}"#, .invalidGrant),
            (#"{"error":"invalid_client","error_description":"who?"}"#, .invalidClient),
            (#"{"error":"something_new"}"#, .refused), ("<html>", .refused),
        ])
    func end(json: String, kind: OAuthError.Kind) {
        var polling = Self.polling()
        _ = polling.begin()
        let error = Self.error(polling.next(after: Self.reply(400, json), now: 0))
        #expect(error?.kind == kind)
        #expect(json.contains("who") == (error?.message.contains("who?") == true))
    }

    @Test(
        "tokens are read, however a server writes their time",
        arguments: [
            (#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"s"}"#, 4600),
            (#"{"access_token":"a","token_type":"bearer","expires_in":"3600","refresh_token":"r","scope":"s"}"#, 4600),
            (#"{"access_token":"a","expires_in":-5,"refresh_token":"r","scope":"s"}"#, 1000),
        ] as [(String, Int64)])
    func tokens(json: String, expires: Int64) {
        var polling = Self.polling()
        _ = polling.begin()
        guard case .tokens(let tokens) = polling.next(after: Self.reply(200, json), now: 1000) else {
            Issue.record("no tokens")
            return
        }
        #expect(tokens == TokenSet(accessToken: "a", refreshToken: "r", expires: expires, scope: "s"))
    }

    @Test(
        "what is no token is none",
        arguments: [
            "", "{}", #"{"access_token":""}"#, #"{"access_token":"a\u0001b"}"#, #"{"access_token":"a\r\nb"}"#,
            #"{"access_token":"a","token_type":"mac"}"#, #"{"access_token":7}"#,
        ])
    func noTokens(json: String) {
        var polling = Self.polling()
        _ = polling.begin()
        #expect(Self.error(polling.next(after: Self.reply(200, json), now: 0))?.kind == .malformed)
    }

    @Test("the challenge is that of RFC 7636, appendix B")
    func challenge() {
        let proof = AuthorizationProof(
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", state: "s", sha256: { TestSHA256.hash($0) })
        #expect(proof.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test("the page a browser is sent to has all that is asked for")
    func page() throws {
        var server = OAuthServer(clientID: "me & co", tokenURL: try HTTPURL("https://h/t"), scope: "mail offline")
        server.authorizeURL = try HTTPURL("https://h/a?x=y")
        server.parameters = [("prompt", "consent")]
        let proof = AuthorizationProof(verifier: "v", state: "state", sha256: { TestSHA256.hash($0) })
        let page = try OAuthClient(server, now: { 0 }).authorizationPage(proof, redirect: "http://127.0.0.1:1/")
        #expect(page.hasPrefix("https://h/a?x=y&response_type=code&client_id=me%20%26%20co&"))
        #expect(page.contains("&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&scope=mail%20offline&state=state&"))
        #expect(page.hasSuffix("&code_challenge=\(proof.challenge)&code_challenge_method=S256&prompt=consent"))
        #expect(!page.contains("code_verifier"))
    }

    @Test(
        "what is not the browser's answer changes nothing",
        arguments: [
            ("GET /favicon.ico HTTP/1.1", "404"), ("GET / HTTP/1.1", "404"), ("POST /?code=c&state=s HTTP/1.1", "405"),
            ("GET /?code=c HTTP/1.1", "400"), ("GET /?code=c&state=other HTTP/1.1", "400"),
            ("GET /?error=access_denied&state=other HTTP/1.1", "400"), ("GET /other?code=c&state=s HTTP/1.1", "404"),
            ("", "405"), ("GET http://h/?code=c&state=s HTTP/1.1", "405"),
        ])
    func stranger(line: String, status: String) {
        let request = RedirectRequest(line, state: "s")
        #expect(request.outcome == nil && request.status.hasPrefix(status))
    }

    @Test("the browser's answer is a code, or a refusal")
    func answer() throws {
        let code = RedirectRequest("GET /?state=s&code=4%2F0A&scope=x HTTP/1.1", state: "s")
        #expect(try code.outcome?.get() == "4/0A")
        let refusal = RedirectRequest("GET /?error=access_denied&state=s HTTP/1.1", state: "s")
        let error = #expect(throws: OAuthError.self) { try refusal.outcome?.get() }
        #expect(error?.kind == .denied)
        #expect(String(decoding: code.octets, as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
}
