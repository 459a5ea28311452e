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
            var reader = CommandReader()
            let first = reader.commands(in: Array(octets[..<cut]))
            #expect(first + reader.commands(in: Array(octets[cut...])) == expected, "cut at \(cut)")
        }
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
             "peakOctets": [], "exitCodes": [], "isComplete": true}
            """
        let row = try JSONDecoder().decode(PerformanceReport.Row.self, from: Data(text.utf8))
        #expect(row.median == 2.5 && row.spread == 4 && row.processorMedian == 0)
    }
}
