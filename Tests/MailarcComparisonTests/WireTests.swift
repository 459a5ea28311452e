import Foundation
import MailarcComparison
import Testing

@Suite("what is counted on the wire")
struct WireTests {
    @Test("commands are named however their octets are cut, and nothing of a literal or an answer is one")
    func commands() {
        let session = """
            a1 LOGIN anna secret\r
            a2 uid fetch 1:* (FLAGS)\r
            a3 APPEND INBOX (\\Seen) {13+}\r
            b1 EXPUNGE\r
            \r
            \r
            a4 IDLE\r
            DONE\r
            a5 SEARCH SUBJECT {4}\r
            a6 X LITERAL {2}\r
            hi\r
            a7 LOGOUT\r

            """
        let octets = Array(session.utf8)
        let expected = ["LOGIN", "UID FETCH", "APPEND", "IDLE", "SEARCH", "LOGOUT"]
        for cut in 0...octets.count {
            var reader = WireLineReader()
            let lines = reader.lines(in: Array(octets[..<cut])) + reader.lines(in: Array(octets[cut...]))
            #expect(lines.compactMap(\.command) == expected, "cut at \(cut)")
        }
    }

    @Test("what is kept of a session has no literal, and nothing that logs in")
    func told() {
        let session = """
            a1 LOGIN anna secret\r
            a2 LOGIN {4}\r
            anna {6}\r
            secret\r
            a3 AUTHENTICATE PLAIN c2VjcmV0\r
            a4 AUTHENTICATE PLAIN\r
            c2VjcmV0\r
            PLAIN\tc2VjcmV0\r
            a5 APPEND INBOX {6+}\r
            secret\r
            a6 IDLE\r
            done\r

            """
        var reader = WireLineReader()
        let told = reader.lines(in: Array(session.utf8)).map(\.fromClient)
        #expect(
            told == [
                "a1 LOGIN …", "a2 LOGIN …", "…", "…", "a3 AUTHENTICATE …", "a4 AUTHENTICATE …", "…", "PLAIN …",
                "a5 APPEND INBOX {6+}", "", "a6 IDLE", "done",
            ])
        let answer = "* 1 FETCH (BODY[] {6}\r\nsecret)\r\n" + String(repeating: "x", count: 500) + "\r\n"
        var other = WireLineReader()
        let lines = other.lines(in: Array(answer.utf8)).map(\.fromServer)
        #expect(lines.first == "* 1 FETCH (BODY[] {6}" && lines.count == 3)
        #expect(lines.allSatisfy { !$0.contains("secret") && $0.count <= 161 })
    }
}

@Suite("a long line")
struct LineTests {
    @Test("what is put in comes out in order, no sooner than the line is long and no faster than it is wide")
    func order() async {
        let line = Line(LineMeasure(roundTrip: 0.1, rate: 1_000_000))
        let began = ContinuousClock.now
        for number in 1...5 { _ = line.put([UInt8](repeating: UInt8(number), count: 20_000)) }
        _ = line.put([])
        var pieces: [[UInt8]] = []
        while true {
            let piece = line.take()
            guard !piece.isEmpty else { break }
            pieces.append(piece)
        }
        let elapsed = began.duration(to: .now)
        #expect(pieces.map(\.first) == [1, 2, 3, 4, 5] && pieces.allSatisfy { $0.count == 20_000 })
        // Half of the way there and back, and 100,000 octets through the narrow place.
        #expect(elapsed >= .milliseconds(150))
    }

    @Test("whoever puts something in learns that nobody takes it")
    func broken() {
        let line = Line(LineMeasure(roundTrip: 0.001))
        #expect(line.put([1]))
        line.breakOff()
        #expect(!line.put([2]))
    }
}

@Suite("the made-up repository")
struct CorpusTests {
    @Test("base64 is what others make of it", arguments: [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1_000])
    func base64(count: Int) {
        let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let coded = Data(octets).base64EncodedData(options: [.lineLength76Characters, .endLineWithLineFeed])
        let expected = Array(coded) + (count == 0 || coded.last == 10 ? [] : [10])
        #expect(Corpus.base64(octets, lineEnd: [10]) == expected)
    }

    @Test("medians and spread")
    func medians() throws {
        let text = """
            {"contender": "a", "name": "a", "phase": "first", "seconds": [4, 1, 2, 3], "processorSeconds": [],
             "serverSeconds": [], "peakOctets": [], "exitCodes": [], "isComplete": true}
            """
        let row = try JSONDecoder().decode(PerformanceReport.Row.self, from: Data(text.utf8))
        #expect(row.median == 2.5 && row.spread == 4 && row.processorMedian == 0)
    }
}
