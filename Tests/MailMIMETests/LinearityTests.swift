import MailMIME
import Testing

struct LinearityTests {
    private static func nested(_ depth: Int) -> [UInt8] {
        var text = ""
        for level in 0..<depth { text += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
        return Array((text + "\nbody").utf8)
    }

    @Test("100,000 levels end at the limit and stay linear")
    func nesting() {
        let octets = Self.nested(100_000)
        let result = run(octets)
        #expect(result.message.parts.count == ParserLimits.default.nestingDepth)
        #expect(result.message.defects.contains { $0.kind == .nestingTooDeep })
        #expect(result.recorder.octets == octets && result.recorder.isGapless)
        #expect(result.stepCount < octets.count * 4)
    }

    @Test("100,000 enclosed messages end at the limit")
    func enclosed() {
        let octets = Array(String(repeating: "Content-Type: message/rfc822\n\n", count: 100_000).utf8)
        let result = run(octets)
        #expect(result.message.parts.count == ParserLimits.default.nestingDepth)
        #expect(result.recorder.octets == octets)
    }

    @Test("a boundary of 1 MB makes a leaf")
    func longBoundary() {
        let boundary = String(repeating: "x", count: 1_000_000)
        let octets = Array("Content-Type: multipart/mixed; boundary=\"\(boundary)\"\n\n--\(boundary)\n\none\n".utf8)
        let result = run(octets, chunk: 4_096)
        #expect(result.message.root.isLeaf)
        #expect(result.message.defects.map(\.kind) == [.boundaryTooLong])
    }

    @Test("more parts than the limit are body of the last one")
    func parts() {
        var limits = ParserLimits()
        limits.partCount = 3
        let octets = Array(
            ("Content-Type: multipart/mixed; boundary=x\n\n" + String(repeating: "--x\n\na\n", count: 9) + "--x--\n")
                .utf8)
        let result = run(octets, limits: limits)
        #expect(result.message.parts.count == 3)
        #expect(result.recorder.octets == octets && result.recorder.isGapless)
    }

    @Test("a header over the limit is structure, cut short")
    func longHeader() {
        let octets = Array(("A: " + String(repeating: "x", count: 3 << 20) + "\nB: c\n\nbody").utf8)
        let result = run(octets, chunk: 10_000)
        #expect(result.message.header.octets.count == ParserLimits.default.headerOctetCount)
        #expect(result.message.defects.map(\.kind) == [.headerTooLong])
        #expect(result.recorder.bodies[0] == Array("body".utf8))
        #expect(result.message.root.headerRange.upperBound == octets.count - 5)
    }

    @Test(
        "steps grow with the octets, whatever they are",
        arguments: ["--\n", "--x", "\n", "\r", "-", "--b0\n\n", "\r\n--", "--b0--\n"])
    func steps(_ unit: String) {
        let head = "Content-Type: multipart/mixed; boundary=b0\n\n--b0\n\n"
        for count in [10_000, 40_000] {
            let octets = Array((head + String(repeating: unit, count: count)).utf8)
            #expect(run(octets, chunk: 4_000).stepCount < octets.count * 4)
        }
    }
}
