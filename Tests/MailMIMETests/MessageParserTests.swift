import MailMIME
import Testing

struct MessageParserTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        var message: String
        /// Depth, type and body of each part in order; structure parts have no body.
        var parts: [String]
        var defects: [Defect.Kind] = []
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "nothing", message: "", parts: ["1 text/plain []"]),
        Case(name: "header only", message: "A: b\n", parts: ["1 text/plain []"], defects: [.headerNotEnded]),
        Case(name: "empty line only", message: "\n", parts: ["1 text/plain []"]),
        Case(name: "CR only", message: "\r", parts: ["1 text/plain []"]),
        Case(name: "simple", message: "A: b\n\nbody\n", parts: ["1 text/plain [body|]"]),
        Case(name: "CRLF", message: "A: b\r\n\r\nbody\r\n", parts: ["1 text/plain [body^|]"]),
        Case(
            name: "bare CR", message: "A: b\rContent-Type: multipart/mixed; boundary=x\r\r--x\r\rone\r--x--\r",
            parts: ["1 multipart/mixed", "2 text/plain [one]"], defects: [.bareCarriageReturns]),
        Case(
            name: "From_ line", message: "From a@b Thu Jan  1 00:00:00 1970\nA: b\n\nbody",
            parts: ["1 text/plain [body]"], defects: [.mboxFromLine]),
        Case(
            name: "the line end belongs to the delimiter",
            message:
                "Content-Type: multipart/mixed; boundary=x\n\npre\n--x\n\none\n\n--x\nContent-Type: text/html\n\ntwo\n--x--\nepi",
            parts: ["1 multipart/mixed", "2 text/plain [one|]", "2 text/html [two]"]),
        Case(
            name: "an empty part", message: "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--",
            parts: ["1 multipart/mixed", "2 text/plain []"]),
        Case(
            name: "a part header cut by a delimiter",
            message: "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n--x--\n",
            parts: ["1 multipart/mixed", "2 text/html []"], defects: [.headerNotEnded]),
        Case(
            name: "missing close delimiter", message: "Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n",
            parts: ["1 multipart/mixed", "2 text/plain [one|]"], defects: [.closeDelimiterMissing]),
        Case(
            name: "a boundary that is the start of another",
            message:
                "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=xy\n\n--xy\n\none\n--x y\n--xyz\n--xy--\n--x--\n",
            parts: ["1 multipart/mixed", "2 multipart/mixed", "3 text/plain [one|--x y|--xyz]"]),
        Case(
            name: "an outer delimiter ends inner parts",
            message:
                "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\none\n--o\n\ntwo\n--o--\n",
            parts: ["1 multipart/mixed", "2 multipart/mixed", "3 text/plain [one]", "2 text/plain [two]"],
            defects: [.closeDelimiterMissing]),
        Case(
            name: "enclosed message",
            message: "Content-Type: message/rfc822\n\nSubject: in\nContent-Type: text/html\n\nhi",
            parts: ["1 message/rfc822", "2 text/html [hi]"]),
        Case(
            name: "encoded enclosed message is a leaf",
            message: "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQQ==",
            parts: ["1 message/rfc822 [QQ==]"]),
        Case(
            name: "digest", message: "Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\none\n--x--\n",
            parts: ["1 multipart/digest", "2 message/rfc822", "3 text/plain [one]"]),
        Case(
            name: "white space after the boundary",
            message: "Content-Type: multipart/mixed; boundary=\"x y \"\n\n--x y \t \r\n\r\none\r\n--x y--  \r\n",
            parts: ["1 multipart/mixed", "2 text/plain [one]"]),
        Case(
            name: "no boundary", message: "Content-Type: multipart/mixed\n\n--x\n\none",
            parts: ["1 multipart/mixed [--x||one]"], defects: [.boundaryMissing]),
        Case(
            name: "CR before CRLF before a delimiter",
            message: "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\r\n--x--\r\n",
            parts: ["1 multipart/mixed", "2 text/plain [one^]"]),
        Case(
            name: "a signature dash line is body",
            message: "Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n-- \n--\n---\n--y\n--x--\n",
            parts: ["1 multipart/mixed", "2 text/plain [one|-- |--|---|--y]"]),
    ]

    static func describe(_ run: Run) -> [String] {
        run.message.parts.map { part in
            var text = "\(part.depth) \(part.contentType.essence)"
            if part.isLeaf {
                let body = String(decoding: run.recorder.bodies[part.index] ?? [63], as: UTF8.self)
                text +=
                    " [" + body.replacing("\r\n", with: "^|").replacing("\n", with: "|").replacing("\r", with: "^")
                    + "]"
            }
            return text
        }
    }

    @Test("a message splits into parts at any chunking", arguments: cases)
    func splits(_ example: Case) {
        let octets = Array(example.message.utf8)
        let whole = run(octets)
        #expect(Self.describe(whole) == example.parts)
        #expect(whole.message.defects.map(\.kind) == example.defects)
        #expect(whole.recorder.octets == octets && whole.recorder.isGapless)
        for chunk in 1...max(1, octets.count) {
            #expect(run(octets, chunk: chunk) == whole, "chunk \(chunk)")
        }
    }

    @Test("ranges cut each body out of the raw message", arguments: cases)
    func ranges(_ example: Case) {
        let octets = Array(example.message.utf8)
        let result = run(octets)
        for part in result.message.parts where part.isLeaf {
            #expect(Array(octets[part.bodyRange]) == result.recorder.bodies[part.index])
        }
        for part in result.message.parts {
            #expect(Array(octets[part.headerRange]) == part.header.octets)
            if let parent = part.parentIndex {
                let outer = result.message.parts[parent].bodyRange
                #expect(outer.lowerBound <= part.range.lowerBound && part.range.upperBound <= outer.upperBound)
            }
        }
    }
}
