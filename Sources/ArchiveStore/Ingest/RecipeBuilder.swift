import MailCore

/// Where the octets of parts go while a message is split.
protocol PartSink: AnyObject {
    func beginPart()
    func writePart(_ octets: Span<UInt8>) throws(ArchiveError)
    /// The part's key and length: new, or known already.
    func endPart() throws(ArchiveError) -> Recipe.Part
}

/// Collects the operations of one message: literal runs, and parts that go to a sink as they come.
struct RecipeBuilder<Sink: PartSink> {
    /// LIMIT: a run longer than 64 KiB is a part of its own (ArchiveFormat.md §8.1).
    static var runLimit: Int { 64 << 10 }
    /// LIMIT: after 8 MiB of recipe the rest of the message is one part (ArchiveFormat.md §8.1).
    static var recipeLimit: Int { 8 << 20 }
    /// LIMIT: the records of one message fit one vault shard of 4,096 with room for its recipe and the group's events.
    static var partLimit: Int { 2_048 }

    let sink: Sink
    private(set) var parts: [Recipe.Part] = []
    private(set) var operations: [RecipeOperation] = []
    private var recipeLength = 0
    /// The open literal run; empty once it became a part.
    private var run: [UInt8] = []
    private var runIsPart = false
    /// The limits are reached: everything that comes is one part.
    private(set) var isSaturated = false

    init(sink: Sink) { self.sink = sink }

    mutating func literal(_ octets: Span<UInt8>) throws(ArchiveError) {
        if runIsPart {
            try sink.writePart(octets)
            return
        }
        run.append(span: octets)
        if run.count > Self.runLimit || isSaturated { try turnRunIntoPart() }
    }

    private mutating func turnRunIntoPart() throws(ArchiveError) {
        runIsPart = true
        sink.beginPart()
        try sink.writePart(run.span)
        run = []
    }

    /// Ends the open run: what follows does not belong to it. Does nothing once saturated.
    mutating func closeRun() throws(ArchiveError) {
        guard !isSaturated else { return }
        try flush()
    }

    private mutating func flush() throws(ArchiveError) {
        if runIsPart {
            runIsPart = false
            add(try sink.endPart()) { .raw(part: $0) }
        } else if !run.isEmpty {
            add(.literal(run))
            run = []
        }
    }

    /// Starts a decoded part; the caller writes to the sink and ends it with ``endPart(_:)``.
    mutating func beginPart() throws(ArchiveError) {
        try closeRun()
        sink.beginPart()
    }

    mutating func endPart(_ operation: (Int) -> RecipeOperation) throws(ArchiveError) {
        add(try sink.endPart(), operation)
    }

    mutating func finish(digest: [UInt8], octetCount: UInt64) throws(ArchiveError) -> Recipe {
        try flush()
        return Recipe(digest: digest, octetCount: octetCount, parts: parts, operations: operations)
    }

    private mutating func add(_ part: Recipe.Part, _ operation: (Int) -> RecipeOperation) {
        parts.append(part)
        recipeLength += 32
        add(operation(parts.count - 1))
    }

    private mutating func add(_ operation: RecipeOperation) {
        operations.append(operation)
        recipeLength += operation.literalCount + 8
        isSaturated = recipeLength > Self.recipeLimit || parts.count >= Self.partLimit
    }
}
