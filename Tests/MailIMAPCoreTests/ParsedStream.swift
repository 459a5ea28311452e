import MailIMAPCore

/// What a parser makes of octets, with the octets of bodies put together.
struct ParsedStream: Equatable {
    enum Item: Equatable {
        case response(Response)
        case body(StreamedLiteral, [UInt8], isEnded: Bool)
    }

    var items: [Item] = []
    var error: ProtocolError?

    /// Parses `octets`, cut before each of `cuts`.
    init(_ octets: [UInt8], cuts: [Int] = [], limits: ResponseParser.Limits = .init()) {
        var parser = ResponseParser(limits: limits)
        var start = 0
        do throws(ProtocolError) {
            for cut in cuts + [octets.count] {
                try feed(Array(octets[start..<cut]), to: &parser)
                start = cut
            }
        } catch {
            self.error = error
        }
    }

    init(_ text: String) { self.init(Array(text.utf8)) }

    private mutating func feed(_ chunk: [UInt8], to parser: inout ResponseParser) throws(ProtocolError) {
        var position = 0
        while let event = try parser.next(chunk.span, from: &position) {
            switch event {
            case .response(let response): items.append(.response(response))
            case .literalBegin(let literal): items.append(.body(literal, [], isEnded: false))
            case .literalOctets(let range):
                guard case .body(let literal, let octets, _)? = items.last else { continue }
                items[items.count - 1] = .body(literal, octets + chunk[range], isEnded: false)
            case .literalEnd:
                guard case .body(let literal, let octets, _)? = items.last else { continue }
                items[items.count - 1] = .body(literal, octets, isEnded: true)
            }
        }
    }

    var responses: [Response] {
        items.compactMap { if case .response(let response) = $0 { response } else { nil } }
    }

    var bodies: [[UInt8]] {
        items.compactMap { if case .body(_, let octets, true) = $0 { octets } else { nil } }
    }
}
