import MailCore
import MailIMAPCore
import Testing

@Suite("Response parser")
struct ResponseParserTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var line: String
        var expected: Response
        var testDescription: String { line }
    }

    static func fetch(_ number: UInt32 = 1, _ change: (inout FetchResponse) -> Void) -> Response {
        var response = FetchResponse(sequenceNumber: number)
        change(&response)
        return .fetch(response)
    }

    static func list(_ attributes: Set<String>, _ delimiter: Character?, _ name: String) -> Response {
        .list(
            ListEntry(
                attributes: attributes, delimiter: delimiter?.asciiValue, name: Array(name.utf8), extended: [:]))
    }

    static let rows: [Row] = [
        Row(line: "* OK ready", expected: .status(StatusResponse(.ok, text: "ready"))),
        Row(line: "* ok", expected: .status(StatusResponse(.ok))),
        Row(line: "* PREAUTH hi", expected: .status(StatusResponse(.preauth, text: "hi"))),
        Row(line: "A1 NO [THROTTLED] slow", expected: tagged(.no, .throttled, "slow")),
        Row(line: "A1 OK [READ-ONLY] done", expected: tagged(.ok, .readOnly, "done")),
        Row(line: "A1 OK [HIGHESTMODSEQ 0] x", expected: tagged(.ok, .highestModSeq(0), "x")),
        Row(line: "A1 OK [HIGHESTMODSEQ -1] x", expected: tagged(.ok, .other("HIGHESTMODSEQ", bytes("-1")), "x")),
        Row(
            line: "A1 OK [APPENDUID 38505 3955] x",
            expected: tagged(.ok, .appendUID(UIDValidity(38505), set(3955...3955)), "x")),
        Row(
            line: "A1 OK [COPYUID 1 304,319:320 3956:3958] x",
            expected: tagged(
                .ok, .copyUID(UIDValidity(1), source: set(304...304, 319...320), destination: set(3956...3958)), "x")),
        Row(
            line: "* OK [PERMANENTFLAGS (\\Seen $a] \\*)] x",
            expected: .status(
                StatusResponse(.ok, code: .permanentFlags([.seen, Flag("$a]"), Flag("\\*")]), text: "x"))),
        Row(
            line: "A1 OK [MESSAGELIMIT 1000 23221] part",
            expected: tagged(.ok, .messageLimit(1000, lowestUID: 23221), "part")),
        Row(
            line: "* OK text that ends in {12}", expected: .status(StatusResponse(.ok, text: "text that ends in {12}"))),
        Row(line: "+ go", expected: .continuation(bytes("go"))),
        Row(line: "+", expected: .continuation([])),
        Row(line: "* CAPABILITY IMAP4rev1 idle", expected: .capability(CapabilitySet(["IMAP4REV1", "IDLE"]))),
        Row(line: "* ENABLED QRESYNC", expected: .enabled(["QRESYNC"])),
        Row(line: "* ID (\"name\" \"Dovecot\")", expected: .id(["name": "Dovecot"])),
        Row(line: "* ID NIL", expected: .id([:])),
        Row(line: "* 3 EXISTS", expected: .exists(3)),
        Row(line: "* 3 expunge", expected: .expunge(3)),
        Row(line: "* SEARCH 2 84 882", expected: .search([2, 84, 882], modSeq: nil)),
        Row(line: "* SEARCH", expected: .search([], modSeq: nil)),
        Row(line: "* SEARCH 2 5 (MODSEQ 917162500)", expected: .search([2, 5], modSeq: ModSeq(917_162_500))),
        Row(
            line: "* VANISHED (EARLIER) 41,43:116",
            expected: .vanished(set(41...41, 43...116), isEarlier: true)),
        Row(line: "* VANISHED 405", expected: .vanished(set(405...405), isEarlier: false)),
        Row(line: "* FLAGS (\\Seen [Junk] )", expected: .flags([.seen, Flag("[Junk]")])),
        Row(line: "* LIST (\\HasNoChildren) \"/\" INBOX", expected: list(["\\hasnochildren"], "/", "INBOX")),
        Row(line: "* LIST () NIL \"a b\"", expected: list([], nil, "a b")),
        Row(line: "* LIST () \"\\\\\" \"x\\\\y\"", expected: list([], "\\", "x\\y")),
        Row(line: "* LIST () \".\" INBOX.[a b] c", expected: list([], ".", "INBOX.[a b] c")),
        Row(line: "* LIST () \"/\" {5}\r\na\"b c", expected: list([], "/", "a\"b c")),
        Row(
            line: "* 1 FETCH (UID 7 FLAGS (\\Seen \\Recent))",
            expected: fetch { ($0.uid, $0.flags) = (UID(7), [.seen]) }),
        Row(line: "* 1 fetch(flags () uid 7)", expected: fetch { ($0.uid, $0.flags) = (UID(7), []) }),
        Row(line: "* 1 FETCH (UID 7  RFC822.SIZE -1)", expected: fetch { $0.uid = UID(7) }),
        Row(line: "* 1 FETCH (MODSEQ (-1) FLAGS () UID 7)", expected: fetch { ($0.uid, $0.flags) = (UID(7), []) }),
        Row(line: "* 1 FETCH (MODSEQ 65 UID 7)", expected: fetch { ($0.uid, $0.modSeq) = (UID(7), ModSeq(65)) }),
        Row(line: "* 1 FETCH (UID 7 (ENVELOPE (NIL)) FLAGS ())", expected: fetch { ($0.uid, $0.flags) = (UID(7), []) }),
        Row(line: "* 1 FETCH (MODSEQ (65) UID 7)", expected: fetch { ($0.uid, $0.modSeq) = (UID(7), ModSeq(65)) }),
        Row(line: "* 1 FETCH (INTERNALDATE \"odd --400\")", expected: fetch { $0.internalDate = "odd --400" }),
        Row(line: "* 1 FETCH (INTERNALDATE NIL)", expected: fetch { _ in }),
        Row(line: "* 1 FETCH (EMAILID (M7) UID 1)", expected: fetch { ($0.uid, $0.objectID) = (UID(1), "emailid:M7") }),
        Row(line: "* 1 FETCH (X-GM-MSGID 12)", expected: fetch { $0.objectID = "x-gm-msgid:12" }),
        Row(line: "* 1 FETCH (UID 7 BODY[] NIL)", expected: fetch { ($0.uid, $0.bodies["BODY[]"]) = (UID(7), .nil) }),
        Row(line: "* 1 FETCH (BODY[] \"\")", expected: fetch { $0.bodies["BODY[]"] = .string([]) }),
        Row(line: "* 1 FETCH ()", expected: fetch { _ in }),
        Row(
            line: "* 1 FETCH (BODY ((\"TEXT\" NIL)(\"A\" 1)\"MIXED\"))",
            expected: fetch {
                $0.others["BODY"] = .list([
                    .list([.string(bytes("TEXT")), .nil]), .list([.string(bytes("A")), .atom(bytes("1"))]),
                    .string(bytes("MIXED")),
                ])
            }),
        Row(line: "* XYZZY what", expected: .raw(bytes("* XYZZY what"))),
        Row(line: "* 1 FETCH (UID", expected: .raw(bytes("* 1 FETCH (UID"))),
        Row(line: "nonsense", expected: .raw(bytes("nonsense"))),
    ]

    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func set(_ ranges: ClosedRange<UInt32>...) -> UIDSet { UIDSet(ranges: ranges) }
    static func tagged(_ condition: Condition, _ code: ResponseCode, _ text: String) -> Response {
        .tagged(tag: "A1", StatusResponse(condition, code: code, text: text))
    }

    @Test("a line gives its response", arguments: rows)
    func line(_ row: Row) {
        let stream = ParsedStream(row.line + "\r\n")
        #expect(stream.error == nil)
        #expect(stream.responses == [row.expected])
    }

    @Test("STATUS, ESEARCH and NAMESPACE give their facts")
    func compound() throws {
        let stream = ParsedStream(
            "* STATUS \"a b\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1 HIGHESTMODSEQ 0)\r\n"
                + "* ESEARCH (TAG \"A2\") UID COUNT 2 ALL 4:18,21 MODSEQ 7\r\n* ESEARCH (TAG \"A3\") UID\r\n"
                + "* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"shared/\" NIL))\r\n")
        guard case .mailboxStatus(let status) = stream.responses[0],
            case .extendedSearch(let search) = stream.responses[1],
            case .extendedSearch(let empty) = stream.responses[2],
            case .namespace(let namespaces) = stream.responses[3]
        else { throw ProtocolError(.malformed, "not the expected responses") }
        #expect(status.name == Self.bytes("a b") && status.messages == 3 && status.uidNext == 9)
        #expect(status.highestModSeq == 0)
        #expect(search.tag == "A2" && search.isUID && search.count == 2 && search.all == Self.set(4...18, 21...21))
        #expect(empty.all == nil && empty.tag == "A3")
        #expect(namespaces.personal.first?.prefix == Self.bytes("INBOX."))
        #expect(namespaces.shared.first?.delimiter == nil)
    }

    static let transcript =
        "* OK hi\r\n\r\n* 1 FETCH (UID 4 BODY[] {11}\r\n)\r\nA1 OK \0x FLAGS (\\Seen))\r\n"
        + "* 2 FETCH (BODY[]<0> {3}\r\nabc UID 5)\r\n* 3 FETCH (UID 6 BODY[] {0}\r\n)\r\n"
        + "* LIST () \"/\" {3}\r\na\r\n\r\n* 4 FETCH (UID 7 BODY[HEADER] {2}\r\nxy BODY[TEXT] ~{2}\r\nzz)\nA1 OK done\r\n"

    @Test("the octets of bodies pass by, and the response follows with everything else")
    func bodies() {
        let stream = ParsedStream(Self.transcript)
        #expect(stream.error == nil)
        #expect(stream.bodies.map { String(decoding: $0, as: UTF8.self) } == [")\r\nA1 OK \0x", "abc", "", "xy", "zz"])
        #expect(stream.responses.count == 7)
    }

    @Test("any cut of the input gives the same events")
    func everySplit() {
        let octets = Array(Self.transcript.utf8)
        let whole = ParsedStream(octets)
        for cut in 0...octets.count { #expect(ParsedStream(octets, cuts: [cut]) == whole, "cut at \(cut)") }
        #expect(ParsedStream(octets, cuts: Array(1..<octets.count)) == whole)
    }

    @Test(
        "a literal of another length than announced is garbled",
        arguments: [
            "* 1 FETCH (UID 4 BODY[] {3}\r\nabcdef)\r\n", "* 1 FETCH (UID 4 BODY[] {3}\r\nabc def)\r\n",
            "* 1 FETCH (UID 4 BODY[] {9}\r\nabc)\r\nA1 OK x\r\n",
        ])
    func garbled(_ text: String) { #expect(ParsedStream(text).error?.kind == .garbled) }

    @Test("an endless line, a huge string and a huge message end at their limits")
    func limits() {
        var limits = ResponseParser.Limits()
        limits.responseOctetCount = 1000
        limits.literalOctetCount = 5000
        for text in [
            String(repeating: "x", count: 5000), "* LIST () \"/\" {4294967296}\r\n",
            "* 1 FETCH (UID 1 BODY[] {4294967296}\r\n", "* LIST () \"/\" {999999999999999999}\r\n",
        ] {
            #expect(ParsedStream(Array(text.utf8), limits: limits).error?.kind == .limitExceeded, "\(text.prefix(40))")
        }
    }

    @Test("nesting beyond the limit is kept raw, and nesting below it is not")
    func nesting() {
        func line(_ depth: Int) -> String {
            "* 1 FETCH (X " + String(repeating: "(", count: depth) + String(repeating: ")", count: depth) + ")\r\n"
        }
        guard case .fetch = ParsedStream(line(200)).responses.first else {
            Issue.record("200 levels are a value")
            return
        }
        guard case .raw = ParsedStream(line(100_000)).responses.first else {
            Issue.record("100,000 levels are not")
            return
        }
    }

    @Test("random octets give events or an error, never a trap")
    func fuzz() {
        var random = SplitMix(seed: 11)
        let words = [
            "* ", "1 ", "FETCH ", "(", ")", "UID ", "BODY[]", " {3}\r\n", "\r\n", "\"", "\\", "FLAGS", "NIL", "[", "]",
            "4294967296", "A1 OK ", "LIST ", "~", "{", "}", "abc", "\0", "STATUS ", "ESEARCH ", "VANISHED ", "1:*",
        ]
        for round in 0..<20_000 {
            let text = (0..<Int(random.next() % 24)).map { _ in words[Int(random.next() % UInt64(words.count))] }
                .joined()
            let octets = Array(text.utf8)
            let cut = octets.isEmpty ? 0 : Int(random.next() % UInt64(octets.count))
            #expect(
                ParsedStream(octets) == ParsedStream(octets, cuts: [cut]), "round \(round): \(text.debugDescription)")
        }
    }
}

/// A reproducible generator.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
