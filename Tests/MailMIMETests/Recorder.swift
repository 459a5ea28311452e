import MailMIME

/// Writes down what it is handed.
struct Recorder: MessageEventHandler, Equatable {
    var octets: [UInt8] = []
    var bodies: [Int: [UInt8]] = [:]
    var structureOctets: [UInt8] = []
    var log: [String] = []
    var current = -1
    var isGapless = true

    mutating func take(_ slice: Span<UInt8>, _ offset: Int) {
        if offset != octets.count || slice.isEmpty { isGapless = false }
        for index in slice.indices { octets.append(slice[index]) }
    }
    mutating func structure(_ octets: Span<UInt8>, at offset: Int) {
        if current >= 0 { isGapless = false }
        take(octets, offset)
        for index in octets.indices { structureOctets.append(octets[index]) }
    }
    mutating func bodyStart(_ part: BodyPart) {
        if current >= 0 { isGapless = false }
        current = part.index
        bodies[current] = []
        log.append("start \(part.index) at \(octets.count) \(part.contentType.essence)")
    }
    mutating func body(_ octets: Span<UInt8>, at offset: Int) {
        if current < 0 { isGapless = false }
        take(octets, offset)
        for index in octets.indices { bodies[current, default: []].append(octets[index]) }
    }
    mutating func bodyEnd(_ part: Int) {
        if current != part { isGapless = false }
        current = -1
        log.append("end \(part) at \(octets.count)")
    }
}

struct Run: Equatable {
    var recorder: Recorder
    var message: ParsedMessage
    var stepCount: Int

    static func == (left: Run, right: Run) -> Bool {
        left.recorder == right.recorder && left.message.parts == right.message.parts
            && left.message.defects == right.message.defects
    }
}

func run(_ octets: [UInt8], chunk: Int = .max, limits: ParserLimits = .default) -> Run {
    var recorder = Recorder()
    var parser = MessageParser(limits: limits)
    var start = 0
    while start < octets.count {
        let end = start + min(chunk, octets.count - start)
        parser.consume(octets.span.extracting(start..<end), into: &recorder)
        start = end
    }
    let message = parser.finish(into: &recorder)
    return Run(recorder: recorder, message: message, stepCount: parser.stepCount)
}
