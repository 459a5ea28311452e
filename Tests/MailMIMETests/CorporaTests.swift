import Foundation
import MailMIME
import Testing

struct CorporaTests {
    private static func messages() -> [(URL, [UInt8])]? {
        Corpora.files()?.filter { !$0.path.hasSuffix(".md") && !$0.path.hasSuffix(".json") }.map {
            ($0, Corpora.octets($0))
        }
    }

    @Test("every file of the corpora comes out gapless, and the same at any chunking, with LF and CRLF")
    func corpora() throws {
        guard let messages = Self.messages() else { return }
        #expect(messages.count > 3_000)
        var partCount = 0
        for (file, original) in messages {
            let unix = original.filter { $0 != 0x0D }
            let network = unix.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
            var shapes: [[String]] = []
            for octets in [original, unix, network] {
                let whole = run(octets)
                partCount += whole.message.parts.count
                shapes.append(whole.message.parts.map { "\($0.depth) \($0.contentType.essence)" })
                #expect(whole.recorder.octets == octets && whole.recorder.isGapless, "\(file.path)")
                let sizes = octets.count < 20_000 ? [1, 2, 3, 7, 65_536] : [997, 65_536]
                for chunk in sizes where run(octets, chunk: chunk) != whole {
                    Issue.record("\(file.path) differs in chunks of \(chunk)")
                }
            }
            #expect(shapes[1] == shapes[2], "\(file.path): LF and CRLF differ")
        }
        print("corpora: \(messages.count) files, \(partCount) parts in three variants")
    }

    @Test("damaged messages never trap, and come out gapless")
    func fuzz() throws {
        guard let messages = Self.messages() else { return }
        var generator = SplitMix(seed: 20_261_123)
        let small = messages.filter { $0.1.count < 8_000 && !$0.1.isEmpty }
        let rounds = 3_000
        for round in 0..<rounds {
            guard var octets = small.randomElement(using: &generator)?.1 else { return }
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let position = Int.random(in: 0..<max(1, octets.count), using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: if position < octets.count { octets[position] = UInt8.random(in: 0...255, using: &generator) }
                case 1: octets.insert(contentsOf: [0x0D, 0x0A, 0x2D, 0x2D], at: min(position, octets.count))
                case 2: octets.removeSubrange(position..<min(octets.count, position + 20))
                case 3: octets.insert(contentsOf: octets[position..<min(octets.count, position + 200)], at: position)
                default:
                    octets.insert(
                        [0x0D, 0x0A, 0x00, 0x22, 0x3B][Int.random(in: 0..<5, using: &generator)],
                        at: min(position, octets.count))
                }
            }
            let whole = run(octets)
            #expect(whole.recorder.octets == octets && whole.recorder.isGapless, "round \(round)")
            let chunk = Int.random(in: 1...64, using: &generator)
            #expect(run(octets, chunk: chunk) == whole, "round \(round), chunk \(chunk)")
            var index = IndexText()
            let message = MessageParser.parse(octets, into: &index)
            _ = index.finish(message)
        }
    }
}
