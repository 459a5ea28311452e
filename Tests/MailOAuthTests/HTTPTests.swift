import MailOAuth
import Testing

@Suite("requests to an authorization server")
struct HTTPTests {
    @Test(
        "a URL is https, or http to this machine",
        arguments: [
            ("https://login.example.org/token", "login.example.org", 443, "/token"),
            ("https://login.example.org", "login.example.org", 443, "/"),
            ("HTTPS://login.example.org:8443?a=b", "login.example.org", 8443, "/?a=b"),
            ("http://127.0.0.1:1234/x?y=z", "127.0.0.1", 1234, "/x?y=z"),
            ("http://localhost/x", "localhost", 80, "/x"), ("http://[::1]:80/x", "::1", 80, "/x"),
        ])
    func url(text: String, host: String, port: Int, target: String) throws {
        let url = try HTTPURL(text)
        #expect(url.host == host && url.port == port && url.target == target)
    }

    @Test(
        "and nothing else",
        arguments: [
            "http://login.example.org/token", "http://127.0.0.1.example.org/", "http://10.0.0.1/", "ftp://127.0.0.1/",
            "https://", "https://user@example.org/", "https://example.org/#x", "https://example.org/a b",
            "https://example.org:0/", "https://example.org:99999/", "https://example.org/\r\nX: y", "",
        ])
    func noURL(text: String) {
        let error = #expect(throws: OAuthError.self) { try HTTPURL(text) }
        #expect(error?.kind == .badURL)
    }

    @Test("a form comes back as it went", arguments: ["", "plain-text._~", "a b&c=d+e%", "http://h/?q=1#2", "grüße\n"])
    func form(text: String) {
        let encoded = FormText.encode([("name", text), ("other", "x")])
        #expect(!encoded.contains(" ") && encoded.utf8.allSatisfy { $0 < 0x7F })
        let decoded = FormText.decode(encoded)
        #expect(decoded.map(\.name) == ["name", "other"] && decoded.first?.value == text)
    }

    @Test("what is no form is left out")
    func brokenForm() {
        let decoded = FormText.decode("a=%4&b=%zz&c=%FF&d=+&e&=f&g=1")
        #expect(decoded.map(\.name) == ["d", "e", "", "g"] && decoded.first?.value == " ")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var reply: HTTPReply
    }

    static let replies = [
        Case(
            testDescription: "with a length", text: "HTTP/1.1 200 OK\r\nContent-Length:  4 \r\n\r\n{\"a\"",
            reply: HTTPReply(status: 200, body: Array("{\"a\"".utf8))),
        Case(
            testDescription: "in chunks",
            text: "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            reply: HTTPReply(status: 400, body: Array("abcde".utf8))),
        Case(
            testDescription: "behind a 100",
            text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\ncontent-length: 0\r\n\r\n",
            reply: HTTPReply(status: 404, body: [])),
    ]

    @Test("an answer is read, however it is cut", arguments: replies)
    func reply(_ item: Case) throws {
        let octets = Array(item.text.utf8)
        // What follows the last chunk is nobody's business.
        let enough = item.text.hasSuffix("0\r\n\r\n") && item.reply.body.count == 5 ? octets.count - 2 : octets.count
        for count in 0..<enough {
            #expect(try HTTPReply.parse(Array(octets.prefix(count)), isEnd: false) == nil)
        }
        #expect(try HTTPReply.parse(octets, isEnd: false) == item.reply)
    }

    @Test("without a length it ends with the connection")
    func untilEnd() throws {
        let octets = Array("HTTP/1.1 200 OK\r\n\r\nabc".utf8)
        #expect(try HTTPReply.parse(octets, isEnd: false) == nil)
        #expect(try HTTPReply.parse(octets, isEnd: true) == HTTPReply(status: 200, body: Array("abc".utf8)))
    }

    @Test(
        "what is none, or too much, is refused",
        arguments: [
            "", "SSH-2.0-x\r\n\r\n\r\n", "HTTP/1.1 2x OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 65_537),
            "HTTP/1.1 200 " + String(repeating: "x", count: 20_000),
        ])
    func noReply(text: String) {
        let error = #expect(throws: OAuthError.self) { try HTTPReply.parse(Array(text.utf8), isEnd: true) }
        #expect(error?.kind == .malformed)
    }
}
