import MailSMTP
import Testing

@Suite struct DecoderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let input: String
        let content: String
        let outcome: ContentDecoder.Outcome
        var rest = ""
        var acceptsBareCR = false
        var testDescription: String { input.debugDescription }
    }

    static let cases = [
        Case(input: ".\r\n", content: "", outcome: .end),
        Case(input: "a\r\n.\r\n", content: "a\r\n", outcome: .end),
        Case(input: "a\r\n.\r\nQUIT\r\n", content: "a\r\n", outcome: .end, rest: "QUIT\r\n"),
        Case(input: "..\r\n.a\r\n...\r\n.\r\n", content: ".\r\na\r\n..\r\n", outcome: .end),
        Case(input: "a.\r\n.b.\r\n\r\n.\r\n", content: "a.\r\nb.\r\n\r\n", outcome: .end),
        Case(input: "a\r\n", content: "a\r\n", outcome: .more), Case(input: "a\r", content: "a", outcome: .more),
        Case(input: "a\r\n.", content: "a\r\n", outcome: .more), Case(input: ".\r", content: "", outcome: .more),
        // What others took for the end (SMTP smuggling).
        Case(input: "a\n.\n", content: "a", outcome: .bareLineEnd(.lineFeed), rest: ".\n"),
        Case(input: "a\n.\r\nMAIL", content: "a", outcome: .bareLineEnd(.lineFeed), rest: ".\r\nMAIL"),
        Case(input: "a\r\n.\nMAIL", content: "a\r\n", outcome: .bareLineEnd(.lineFeed), rest: "MAIL"),
        Case(input: "a\r.\r\n", content: "a", outcome: .bareLineEnd(.carriageReturn), rest: "\r\n"),
        Case(input: "a\r\n.\rb", content: "a\r\n", outcome: .bareLineEnd(.carriageReturn), rest: ""),
        Case(input: "\r\r\n", content: "", outcome: .bareLineEnd(.carriageReturn), rest: "\n"),
        Case(input: "\n", content: "", outcome: .bareLineEnd(.lineFeed)),
        Case(input: ".\n", content: "", outcome: .bareLineEnd(.lineFeed)),
        Case(input: "a\r\r\n.\r\n", content: "a\r\r\n", outcome: .end, acceptsBareCR: true),
        Case(input: "a\rb\r\n.\rc\r\n.\r\n", content: "a\rb\r\n\rc\r\n", outcome: .end, acceptsBareCR: true),
        Case(input: "a\r.\r\n.\r\n", content: "a\r.\r\n", outcome: .end, acceptsBareCR: true),
        Case(input: "a\n", content: "a", outcome: .bareLineEnd(.lineFeed), acceptsBareCR: true),
    ]

    @Test("content loses its dots and nothing else, however it is cut", arguments: cases)
    func decodes(_ item: Case) {
        let input = Array(item.input.utf8)
        for first in 0...input.count {
            for second in first...input.count {
                var decoder = ContentDecoder(acceptsBareCR: item.acceptsBareCR)
                var (output, outcome, rest): ([UInt8], ContentDecoder.Outcome, [UInt8]) = ([], .more, [])
                for piece in [input[..<first], input[first..<second], input[second...]] {
                    var piece = piece
                    if outcome == .more { outcome = decoder.decode(&piece, into: &output) }
                    rest += piece
                }
                #expect(String(decoding: output, as: UTF8.self) == item.content)
                #expect(outcome == item.outcome)
                #expect(String(decoding: rest, as: UTF8.self) == item.rest)
            }
        }
    }

    @Test("what is stuffed with dots comes back, whatever the octets are")
    func roundTrip() {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<300 {
            let lines: [[UInt8]] = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                    [UInt8(0x2E), 0x2E, 0x61, 0x00, 0xFF, 0x20].randomElement(using: &generator) ?? 0
                }
            }
            let plain: [UInt8] = lines.flatMap { $0 + [0x0D, 0x0A] }
            var sent: [UInt8] = []
            for line in lines { sent += (line.first == 0x2E ? [0x2E] : []) + line + [0x0D, 0x0A] }
            sent += Array(".\r\n".utf8)
            var (input, output, decoder) = (sent[...], [UInt8](), ContentDecoder())
            #expect(decoder.decode(&input, into: &output) == .end)
            #expect(output == plain && input.isEmpty)
        }
    }

    @Test("a command line has an end, a limit, and no half line ends, however it is cut")
    func lines() {
        let long = String(repeating: "x", count: 30)
        let cases: [(String, [CommandDecoder.Element])] = [
            ("NOOP\r\nQUIT\r\n", [.line(Array("NOOP".utf8)), .line(Array("QUIT".utf8))]),
            ("\r\n", [.line([])]), ("NOOP", []), ("NOOP\r", []),
            (long + "\r\nNOOP\r\n", [.tooLong, .line(Array("NOOP".utf8))]),
            (String(repeating: "x", count: 18) + "\r\n", [.line(Array(repeating: 0x78, count: 18))]),
            (String(repeating: "x", count: 19) + "\r\n", [.tooLong]),
            ("NOOP\n", [.bareLineEnd(.lineFeed)]), ("NO\rOP\r\n", [.bareLineEnd(.carriageReturn)]),
            (long + "\n", [.bareLineEnd(.lineFeed)]),
        ]
        for (text, expected) in cases {
            let octets = Array(text.utf8)
            for cut in 0...octets.count {
                var decoder = CommandDecoder(limit: 20)
                var elements: [CommandDecoder.Element] = []
                for piece in [octets[..<cut], octets[cut...]] {
                    var piece = piece
                    while let element = decoder.next(&piece) {
                        elements.append(element)
                        if case .bareLineEnd = element { break }
                    }
                    if case .bareLineEnd = elements.last { break }
                }
                #expect(elements == expected, "\(text.debugDescription) cut at \(cut)")
            }
        }
    }
}

/// Numbers that are the same in each run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
