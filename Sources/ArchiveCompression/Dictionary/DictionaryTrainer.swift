/// Makes a dictionary of a site from lines that belong to nobody: those of many messages by several senders.
///
/// A dictionary cannot be erased without its users, so what is in it must be nobody's secret: each line was counted, by
/// its octets, in at least ``minimumMessages`` messages of at least ``minimumSenders`` senders, and has no address.
/// Three passes over the same messages: ``survey(_:sender:)``, ``collect(_:)``, ``confirm(_:sender:)``.
public struct DictionaryTrainer {
    public static let minimumMessages = 5
    public static let minimumSenders = 3
    /// LIMIT: what zstd gains on mail levels off at 110 KiB.
    public static let maximumOctetCount = 110 << 10
    /// LIMIT: lines tallied at once, some 24 MB; when there are more, those seen once are forgotten: a line may be missed,
    /// never wrongly taken.
    private static let tallyLimit = 400_000
    /// LIMIT: octets of candidates, of which the best are taken.
    private static let candidateLimit = 1 << 20
    /// LIMIT: lines that are taken or left together.
    private static let runLimit = 32
    // LIMIT: shorter ones save nothing; longer ones than RFC 5322 §2.1.1 allows are no boilerplate.
    private static let lineLengths = 8...998

    private struct Tally {
        var messages: UInt32 = 0
        var lastMessage: UInt32 = 0
        var senders: [UInt64] = []

        mutating func add(_ message: UInt32, _ sender: UInt64) {
            guard lastMessage != message else { return }
            lastMessage = message
            messages += 1
            if senders.count < DictionaryTrainer.minimumSenders, !senders.contains(sender) { senders.append(sender) }
        }

        var isCommon: Bool {
            messages >= UInt32(DictionaryTrainer.minimumMessages) && senders.count >= DictionaryTrainer.minimumSenders
        }
    }

    private var tallies: [UInt64: Tally] = [:]
    private var message: UInt32 = 0
    /// Runs of common lines as they stand together in mail.
    private var runs: [[[UInt8]]] = []
    private var candidateOctets = 0
    private var isTaken: Set<UInt64> = []
    private var confirmed: [[UInt8]: Tally] = [:]

    public init() {}

    /// Pass 1: counts the lines of one message's `texts`.
    /// - Parameter sender: stands for the message's author.
    public mutating func survey(_ texts: [[UInt8]], sender: UInt64) {
        message += 1
        for text in texts {
            for line in Self.lines(of: text) where Self.isAdmissible(line) {
                tallies[Self.hash(line), default: Tally()].add(message, sender)
            }
        }
        if tallies.count > Self.tallyLimit { tallies = tallies.filter { $0.value.messages > 1 } }
        if tallies.count > Self.tallyLimit { tallies = tallies.filter { $0.value.isCommon } }
    }

    /// Pass 2: takes common lines in the order they stand in.
    public mutating func collect(_ texts: [[UInt8]]) {
        for text in texts {
            var run: [[UInt8]] = []
            for line in Self.lines(of: text) {
                let hash = Self.hash(line)
                let isWanted =
                    candidateOctets + line.count <= Self.candidateLimit && Self.isAdmissible(line)
                    && tallies[hash]?.isCommon == true && isTaken.insert(hash).inserted
                if isWanted {
                    run.append(Array(line))
                    candidateOctets += line.count
                }
                if !run.isEmpty, !isWanted || run.count == Self.runLimit {
                    runs.append(run)
                    run = []
                }
            }
            if !run.isEmpty { runs.append(run) }
        }
    }

    /// Pass 3: counts the candidates again by their octets; nothing rests on a hash.
    public mutating func confirm(_ texts: [[UInt8]], sender: UInt64) {
        if confirmed.isEmpty {
            for line in runs.joined() { confirmed[line] = Tally() }
            message = 0
        }
        message += 1
        for text in texts {
            for line in Self.lines(of: text) {
                let key = Array(line)
                confirmed[key]?.add(message, sender)
            }
        }
    }

    /// The dictionary's octets, the most valuable lines last; `nil` if there is too little to make one of.
    public func dictionary(id: UInt16) -> CompressionDictionary? {
        var room = Self.maximumOctetCount - CompressionDictionary.builtIn.octets.count
        let common = runs.compactMap { run -> (value: Double, octets: [UInt8])? in
            let lines = run.filter { confirmed[$0]?.isCommon == true }
            let uses = lines.reduce(0.0) { $0 + Double(confirmed[$1]?.messages ?? 0) * Double($1.count) }
            let octets = Array(lines.joined())
            return octets.isEmpty ? nil : (uses / Double(octets.count), octets)
        }
        var taken: [[UInt8]] = []
        for run in common.sorted(by: { $0.value > $1.value }) where run.octets.count <= room {
            taken.append(run.octets)
            room -= run.octets.count
        }
        guard !taken.isEmpty else { return nil }
        return CompressionDictionary(
            id: id, octets: CompressionDictionary.builtIn.octets + Array(taken.reversed().joined()))
    }

    /// How many lines a dictionary would be made of.
    public var lineCount: Int { confirmed.values.count { $0.isCommon } }

    /// Lines with their line ends.
    private static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = text.startIndex
        while start < text.endIndex {
            let end = text[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.endIndex
            lines.append(text[start..<end])
            start = end
        }
        return lines
    }

    private static func isAdmissible(_ line: ArraySlice<UInt8>) -> Bool {
        lineLengths.contains(line.count) && !line.contains(UInt8(ascii: "@"))
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ line: ArraySlice<UInt8>) -> UInt64 {
        line.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
