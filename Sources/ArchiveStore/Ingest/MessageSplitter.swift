import MailMIME

/// Cuts a message into recipe and parts while the parser passes over it.
///
/// The parser's events carry no errors: the first one is kept in ``failure`` and everything after it is ignored.
struct MessageSplitter<Sink: PartSink>: MessageEventHandler {
    private enum Body {
        case literal
        case base64(Base64Splitter)
        /// The body so far; literal when it grows past the limit.
        case quotedPrintable([UInt8])
    }

    /// LIMIT: every octet of a part of 1 MiB escaped, and its soft breaks.
    private static var quotedPrintableLimit: Int { 7 << 19 }

    var builder: RecipeBuilder<Sink>
    private var body = Body.literal
    private(set) var failure: ArchiveError?

    init(sink: Sink) { builder = RecipeBuilder(sink: sink) }

    mutating func structure(_ octets: Span<UInt8>, at offset: Int) {
        guard failure == nil else { return }
        do throws(ArchiveError) { try builder.literal(octets) } catch { failure = error }
    }

    mutating func bodyStart(_ part: BodyPart) {
        attempt { splitter throws(ArchiveError) in
            try splitter.builder.closeRun()
            splitter.body =
                switch part.transferEncoding {
                case .base64: .base64(Base64Splitter())
                case .quotedPrintable: .quotedPrintable([])
                default: .literal
                }
        }
    }

    mutating func body(_ octets: Span<UInt8>, at offset: Int) {
        guard failure == nil else { return }
        do throws(ArchiveError) { try consume(octets) } catch { failure = error }
    }

    private mutating func consume(_ octets: Span<UInt8>) throws(ArchiveError) {
        switch body {
        case .literal: try builder.literal(octets)
        case .base64(var base64):
            // The copy in `body` must go, or every append would copy what is pending.
            body = .literal
            try base64.consume(octets, into: &builder)
            body = .base64(base64)
        case .quotedPrintable(var text):
            body = .literal
            text.append(span: octets)
            if text.count > Self.quotedPrintableLimit {
                try builder.literal(text.span)
            } else {
                body = .quotedPrintable(text)
            }
        }
    }

    mutating func bodyEnd(_ part: Int) {
        attempt { splitter throws(ArchiveError) in
            switch splitter.body {
            case .literal: break
            case .base64(var base64):
                splitter.body = .literal
                try base64.finish(into: &splitter.builder)
            case .quotedPrintable(let text):
                splitter.body = .literal
                try splitter.endQuotedPrintable(text)
            }
            try splitter.builder.closeRun()
        }
    }

    private mutating func endQuotedPrintable(_ text: [UInt8]) throws(ArchiveError) {
        guard text.count >= Base64Splitter.minimumPartLength, !builder.isSaturated, let analysis = QPAnalysis(text),
            analysis.decoded.count >= Base64Splitter.minimumPartLength
        else {
            try builder.literal(text.span)
            return
        }
        try builder.beginPart()
        try builder.sink.writePart(analysis.decoded.span)
        try builder.endPart { .quotedPrintable(part: $0, analysis.layout) }
    }

    private mutating func attempt(_ action: (inout Self) throws(ArchiveError) -> Void) {
        guard failure == nil else { return }
        do throws(ArchiveError) { try action(&self) } catch { failure = error }
    }
}
