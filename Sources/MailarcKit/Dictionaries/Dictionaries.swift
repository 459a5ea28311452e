import ArchiveCatalog
import ArchiveCompression
import ArchiveStore
import MailCore

extension Workspace {
    /// The compression dictionaries of the archive.
    public func dictionaries() -> [DictionaryRow] {
        archive.compressionDictionaries.map {
            DictionaryRow(id: Int($0.id), origin: $0.id == 1 ? "built in" : "trained here", octets: $0.octets.count)
        }
    }

    /// Trains a dictionary on the archive's own mail and keeps it if it pays.
    ///
    /// Half of the newest messages train, the other half tells what is gained. Only lines of at least five messages by
    /// three senders get in (``DictionaryTrainer``).
    public func trainDictionary(
        dryRun: Bool, progress: @escaping ProgressHandler
    ) async throws(KitError) -> DictionaryReport {
        var training = try DictionaryTraining(self, progress: progress)
        let report = try training.run()
        guard let dictionary = training.dictionary, report.pays, !dryRun else { return report }
        try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) { try await writer.addDictionary(dictionary) } catch {
                throw KitError(error, at: path)
            }
        }
        var kept = report
        kept.isKept = true
        return kept
    }
}

/// One training under way.
private struct DictionaryTraining {
    /// LIMIT: what boilerplate a site has shows in so many messages.
    private static let sampleLimit = 20_000
    /// LIMIT: the writer uses dictionaries for blobs up to this length.
    private static let blobLimit = 64 << 10
    private static let minimumSample = 100
    /// Below it a new dictionary is not worth keeping two.
    private static let minimumGain = 0.05

    private let workspace: Workspace
    private let reader: ArchiveReader
    private let progress: ProgressHandler
    private var sample: [(keyID: RandomID, sender: UInt64)] = []
    private var done = 0
    var dictionary: CompressionDictionary?

    init(_ workspace: Workspace, progress: @escaping ProgressHandler) throws(KitError) {
        (self.workspace, self.progress) = (workspace, progress)
        reader = workspace.reader()
        var found: [(RandomID, UInt64)] = []
        do {
            try workspace.catalog.forEach(.all) { entry in
                let sender = entry.from.lowercased().utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
                    ($0 ^ UInt64($1)) &* 0x100_0000_01B3
                }
                found.append((entry.keyID, sender))
                return found.count < Self.sampleLimit
            }
        } catch { throw KitError(error) }
        sample = found
    }

    mutating func run() throws(KitError) -> DictionaryReport {
        var report = DictionaryReport(
            messages: sample.count, lines: 0, octets: 0, before: 0, after: 0, pays: false, isKept: false)
        guard sample.count >= Self.minimumSample else { return report }
        var trainer = DictionaryTrainer()
        try forEach(0) { texts, sender in trainer.survey(texts, sender: sender) }
        try forEach(0) { texts, _ in trainer.collect(texts) }
        try forEach(0) { texts, sender in trainer.confirm(texts, sender: sender) }
        report.lines = trainer.lineCount
        dictionary = trainer.dictionary(id: workspace.archive.nextDictionaryID)
        guard let dictionary else { return report }
        report.octets = dictionary.octets.count
        let present = workspace.archive.compressionDictionaries.last
        let compressor = Compressor()
        try forEach(1) { texts, _ in
            for text in texts {
                report.before += Self.packed(text, present, compressor)
                report.after += Self.packed(text, dictionary, compressor)
            }
        }
        report.pays = Double(report.after) <= Double(report.before) * (1 - Self.minimumGain)
        return report
    }

    /// Every other message of the sample: its literals and its small parts, as the writer packs them.
    private mutating func forEach(_ half: Int, _ body: ([[UInt8]], UInt64) -> Void) throws(KitError) {
        for index in stride(from: half, to: sample.count, by: 2) {
            done += 1
            progress(KitProgress(phase: "training", done: done, total: sample.count * 2))
            do throws(ArchiveError) { body(try texts(sample[index].keyID), sample[index].sender) } catch {
                // A message that is gone or damaged teaches nothing; check names it.
                guard error.kind == .missing || error.kind == .damaged else {
                    throw KitError(error, at: workspace.path)
                }
            }
        }
    }

    private func texts(_ keyID: RandomID) throws(ArchiveError) -> [[UInt8]] {
        let recipe = try reader.message(keyID).recipe
        var literals: [UInt8] = []
        for case .literal(let octets) in recipe.operations where literals.count < Self.blobLimit { literals += octets }
        var texts = [Array(literals.prefix(Self.blobLimit))]
        for part in recipe.parts where part.octetCount <= UInt64(Self.blobLimit) {
            texts.append(try reader.blob(part.keyID).all(limit: Self.blobLimit))
        }
        return texts
    }

    private static func packed(
        _ text: [UInt8], _ dictionary: CompressionDictionary?, _ compressor: Compressor
    ) -> Int {
        var output: [UInt8] = []
        let pays = try? compressor.compress(text[...], method: .zstd, level: 3, dictionary: dictionary, into: &output)
        return pays == true ? output.count : text.count
    }
}
