import MailScan
import MailarcTesting
import Testing

@Suite("what scanners say", .timeLimit(.minutes(3)))
struct ScanDialogueTests {
    /// A program, its answer, and the verdict; `nil`: it is none.
    static let answers: [(ScannerAddress.Program, String, ScanVerdict?)] = [
        (.spamd, "SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1000.0 / 5.0\r\n\r\n", ScanVerdict(isSpam: true, score: 1_000)),
        (
            .spamd, "SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; -0.5 / 5.0\r\n\r\n",
            ScanVerdict(isSpam: false, score: -0.5)
        ),
        (.spamd, "SPAMD/1.5 0 EX_OK\r\nspam:Yes;7\r\n\r\nrest", ScanVerdict(isSpam: true, score: 7)),
        (.spamd, "SPAMD/1.1 0 EX_OK\r\nSpam: True ; nan / 5.0\r\n\r\n", ScanVerdict(isSpam: true, score: nil)),
        (.spamd, "SPAMD/1.1 0 EX_OK\r\nSpam: \r\n\r\n", ScanVerdict(isSpam: false, score: nil)),
        (.spamd, "SPAMD/1.1 0 EX_OK\r\n\r\n", nil), (.spamd, "SPAMD/1.0 76 EX_PROTOCOL\r\n\r\n", nil),
        (.spamd, "HTTP/1.1 200 OK\r\n\r\n", nil), (.spamd, "\r\n\r\n", nil),
        (
            .rspamd,
            "HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n"
                + #"{"is_skipped":false,"score":9.5,"action":"add header","x":{}}"#,
            ScanVerdict(isSpam: true, score: 9.5)
        ),
        (
            .rspamd, "HTTP/1.1 200 OK\r\n\r\n" + #"{"score":-1,"action":"no action"}"#,
            ScanVerdict(isSpam: false, score: -1)
        ),
        (.rspamd, "HTTP/1.1 200 OK\r\n\r\n" + #"{"action":"greylist"}"#, ScanVerdict(isSpam: false, score: nil)),
        (
            .rspamd, "HTTP/1.1 200 OK\r\n\r\n" + #"{"is_skipped":true,"score":15,"action":"reject"}"#,
            ScanVerdict(isSpam: true, score: 15)
        ),
        (.rspamd, "HTTP/1.1 200 OK\r\n\r\n" + #"{"is_skipped":true,"action":"no action"}"#, nil),
        (.rspamd, "HTTP/1.1 200 OK\r\n\r\n" + #"{"score":1}"#, nil), (.rspamd, "HTTP/1.1 200 OK\r\n\r\n{", nil),
        (.rspamd, "HTTP/1.1 400 Bad\r\n\r\n{}", nil), (.rspamd, "SPAMD/1.1 0 EX_OK\r\n\r\n", nil),
        (.rspamd, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", nil),
    ]

    @Test("an answer, whole and in pieces", arguments: answers.indices)
    func reads(_ index: Int) throws {
        let (program, text, verdict) = Self.answers[index]
        let octets = Array(text.utf8)
        let whole = try? program.dialogue.verdict(octets, isEnd: true)
        #expect(whole == verdict, "\(text)")
        for count in octets.indices {
            // Half an answer is none, or says what the whole one does.
            if let early = try? program.dialogue.verdict(Array(octets[..<count]), isEnd: false) {
                #expect(early == verdict, "\(text) at \(count)")
            }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var damaged = octets
            damaged[Int.random(in: octets.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            _ = try? program.dialogue.verdict(damaged, isEnd: true)
        }
    }

    @Test("nobody outside writes lines of a request, and the message goes as it is")
    func requests() {
        let request = ScanRequest(
            message: Array("Subject: x\r\n\r\n\0".utf8), sender: "a@b\r\nIP: 1.2.3.4",
            recipients: ["c@d", "", "e f@g"] + Array(repeating: "h@i", count: 100))
        let text = String(decoding: RspamdDialogue().request(request), as: UTF8.self)
        #expect(text.hasPrefix("POST /checkv2 HTTP/1.1\r\nHost: ") && text.hasSuffix("\r\n\r\nSubject: x\r\n\r\n\0"))
        #expect(text.contains("\r\nRcpt: <c@d>\r\n") && !text.contains("IP: 1") && !text.contains("e f"))
        #expect(text.split(separator: "\r\n").count { $0.hasPrefix("Rcpt") } == 50)
        #expect(
            String(decoding: SpamdDialogue().request(request), as: UTF8.self)
                == "CHECK SPAMC/1.5\r\nContent-length: 15\r\n\r\nSubject: x\r\n\r\n\0")
    }

    @Test(
        "an address",
        arguments: ["rspamd:127.0.0.1:11333", "spamd:[::1]:783", "spamd:unix:/run/spamd.sock", "rspamd:127.1.2.3:1"])
    func addresses(_ text: String) throws { #expect(try ScannerAddress(parsing: text).description == text) }

    @Test(
        "no address",
        arguments: [
            "", "rspamd", "rspamd:", "clamd:127.0.0.1:1", "rspamd:127.0.0.1", "rspamd:127.0.0.1:0",
            "rspamd:192.0.2.1:1",
            "rspamd:localhost:1", "spamd:unix:relative", "spamd:127.0.0.1.example.org:1", "rspamd:127.0.0.1:65536",
            "spamd:unix:/\(String(repeating: "x", count: 107))",
        ])
    func wrongAddresses(_ text: String) {
        #expect(throws: ScanError.self) { try ScannerAddress(parsing: text) }
    }

    @Test(
        "a scanner that says nothing or nonsense costs no more than the time it is given",
        arguments: [
            ("hang", ScanError.Kind.silent), ("drip", .silent), ("close", .refused), ("noise", .refused),
            ("endless", .refused), ("refuse", .refused),
        ])
    func odd(_ mode: String, _ kind: ScanError.Kind) async throws {
        let server = try await MaliciousServer.startScanner(mode)
        // What answers is waited for, however busy the machine is.
        let patience = Duration.seconds(kind == .silent ? 1 : 30)
        let client = ScanClient(try ScannerAddress(parsing: "spamd:127.0.0.1:\(server.port)"), patience: patience)
        let request = ScanRequest(message: [UInt8](repeating: 65, count: 300_000), sender: "", recipients: [])
        let error = await #expect(throws: ScanError.self) { try await client.verdict(request) }
        #expect(error?.kind == kind, "\(mode): \(String(describing: error))")
        await server.stop()
        let gone = await #expect(throws: ScanError.self) { try await client.verdict(request) }
        #expect(gone?.kind == .unreachable)
    }
}
