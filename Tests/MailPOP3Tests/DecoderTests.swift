import MailPOP3
import Testing

@Suite("POP3 octets") struct DecoderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let input: String
        /// `nil`: garbled.
        let content: String?
        var isOver = true
        var rest = ""
        var stuffing = BodyDecoder.Stuffing.unknown
        var testDescription: String { input.debugDescription }
    }

    static let cases = [
        Case(input: ".\r\n", content: ""), Case(input: "a\r\n.\r\n", content: "a\r\n"),
        Case(input: "a\r\n.\r\n+OK", content: "a\r\n", rest: "+OK"),
        Case(input: "..\r\n..a\r\n...\r\n.\r\n", content: ".\r\n.a\r\n..\r\n", stuffing: .proper),
        Case(input: "a.\r\nb\r\n\r\n.\r\n", content: "a.\r\nb\r\n\r\n"),
        Case(input: "a\r\n", content: "a\r\n", isOver: false), Case(input: "a\r", content: "a\r", isOver: false),
        Case(input: "a\r\n.", content: "a\r\n", isOver: false), Case(input: ".\r", content: "", isOver: false),
        // Only CRLF ends a line: LF and CR alone are octets like any other.
        Case(input: "a\n.\r\nb\r\n.\r\n", content: "a\n.\r\nb\r\n"),
        Case(input: "a\r.\r\nb\r\n.\r\n", content: "a\r.\r\nb\r\n"),
        Case(input: "a\r\r\n.\r\n", content: "a\r\r\n"), Case(input: "\n.\r\n\r\n.\r\n", content: "\n.\r\n\r\n"),
        // A server that does not double dots.
        Case(input: ".a\r\n.\r\n", content: ".a\r\n", stuffing: .missing),
        Case(input: ".\rb\r\n.\r\n", content: ".\rb\r\n", stuffing: .missing),
        Case(input: ".\n.\r\n\r\n.\r\n", content: ".\n.\r\n\r\n", stuffing: .missing),
        Case(input: ".a\r\n.b\r\n.\r\n", content: ".a\r\n.b\r\n", stuffing: .missing),
        Case(input: ".a\r\n..b\r\n.\r\n", content: nil, stuffing: .missing),
        Case(input: "..a\r\n.b\r\n.\r\n", content: nil, stuffing: .proper),
    ]

    @Test("a message loses the dots put in front and nothing else, however it is cut", arguments: cases)
    func decodes(_ item: Case) {
        let input = Array(item.input.utf8)
        for first in 0...input.count {
            for second in first...input.count {
                var body = BodyDecoder()
                var (output, rest, isGarbled): ([UInt8], [UInt8], Bool) = ([], [], false)
                for piece in [input[..<first], input[first..<second], input[second...]] where !isGarbled {
                    let piece = Array(piece)
                    var position = 0
                    do throws(POP3ProtocolError) {
                        try body.decode(piece, from: &position, into: &output)
                    } catch { isGarbled = error.kind == .garbled }
                    rest += piece[position...]
                }
                #expect(isGarbled == (item.content == nil))
                #expect(body.stuffing == item.stuffing)
                guard let content = item.content else { continue }
                #expect(String(decoding: output, as: UTF8.self) == content && body.octetCount == output.count)
                #expect(body.isOver == item.isOver && String(decoding: rest, as: UTF8.self) == item.rest)
            }
        }
    }

    @Test("what is stuffed with dots comes back, whatever the octets are")
    func roundTrip() throws {
        var generator = Seeded(state: 7)
        for _ in 0..<1_000 {
            let lines: [[UInt8]] = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                    [UInt8(0x2E), 0x2E, 0x61, 0x00, 0xFF, 0x0A].randomElement(using: &generator) ?? 0
                }
            }
            let plain: [UInt8] = lines.flatMap { $0 + [0x0D, 0x0A] }
            let sent: [UInt8] = lines.flatMap { ($0.first == 0x2E ? [0x2E] : []) + $0 + [0x0D, 0x0A] }
            var (body, output, position) = (BodyDecoder(), [UInt8](), 0)
            try body.decode(sent + Array(".\r\n+OK".utf8), from: &position, into: &output)
            #expect(output == plain && body.isOver && position == sent.count + 3)
        }
    }

    @Test("lines end with CRLF, or with LF at old servers, and have a limit, however they are cut")
    func lines() {
        let text = Array("+OK one\r\n-ERR\n\r\n+".utf8)
        for cut in 0...text.count {
            var (decoder, found) = (LineDecoder(), [String]())
            for piece in [text[..<cut], text[cut...]] {
                var piece = piece
                while let line = try? decoder.next(&piece) { found.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(found == ["+OK one", "-ERR", ""] && !decoder.isAtLineStart)
        }
        var decoder = LineDecoder()
        var endless = [UInt8](repeating: 0x61, count: LineDecoder.lengthLimit + 1)[...]
        #expect(throws: POP3ProtocolError.self) { try decoder.next(&endless) }
    }

    /// What must never happen: a crash, a hang, memory beyond the limits, or another result by chunks.
    @Test("made-up octets are taken or refused, the same in any chunks", arguments: 1...40)
    func fuzz(seed: UInt64) {
        var generator = Seeded(state: seed)
        let pieces = [
            "+OK", "-ERR", "+ ", "[IN-USE]", "[", "]", "\r\n", "\r\n", "\n", "\r", ".", "..", " ", "1 ",
            "99999999999999999999",
            "SASL PLAIN", "EXPIRE 0", "UIDL", "\u{0}", "\u{FF}", "x",
        ]
        for _ in 0..<200 {
            let input = (0..<Int.random(in: 0...30, using: &generator)).flatMap { _ in
                Array((pieces.randomElement(using: &generator) ?? "").utf8)
            }
            let whole = Self.read(input, cuts: [])
            let cuts = (0..<3).map { _ in Int.random(in: 0...input.count, using: &generator) }.sorted()
            #expect(Self.read(input, cuts: cuts) == whole)
            let lines = input.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
            for line in lines { _ = POP3Reply(parsing: line) }
            _ = POP3Capabilities(parsing: lines).lines
            let listing = try? MaildropListing(count: 3, sizes: lines, uniqueIDs: lines)
            #expect(listing?.entries.count ?? 0 <= lines.count)
        }
    }

    /// The lines of `input`, and the message it would be.
    private static func read(_ input: [UInt8], cuts: [Int]) -> [String] {
        var (decoder, body, output, isGarbled) = (LineDecoder(), BodyDecoder(), [UInt8](), false)
        var found: [String] = []
        for (start, end) in zip([0] + cuts, cuts + [input.count]) {
            var piece = input[start..<end]
            while let line = try? decoder.next(&piece) { found.append(String(decoding: line, as: UTF8.self)) }
            var position = 0
            guard !isGarbled, !body.isOver else { continue }
            do { try body.decode(Array(input[start..<end]), from: &position, into: &output) } catch { isGarbled = true }
        }
        return found + [output.map { String($0) }.joined(separator: ","), "\(isGarbled) \(body.isOver)"]
    }

    @Test("a million lines take one pass", .timeLimit(.minutes(1)))
    func linear() throws {
        let line = Array("..some text of a line that is like any other\r\n".utf8)
        let sent = Array(repeatElement(line, count: 1_000_000).joined()) + Array(".\r\n".utf8)
        var (body, output, position) = (BodyDecoder(), [UInt8](), 0)
        let time = try ContinuousClock().measure { try body.decode(sent, from: &position, into: &output) }
        #expect(body.isOver && output.count == 1_000_000 * (line.count - 1))
        #expect(time < .seconds(10))
    }
}

/// Numbers that are the same in each run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
