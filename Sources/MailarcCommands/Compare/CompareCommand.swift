public import ArgumentParser
import FoundationEssentials
import Glibc
import MailarcComparison
import MailarcKit

/// `mailarc compare`
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Run mailarc's strategies and other tools through the same events, and rate them.",
        discussion: """
            Starts two private Dovecots on loopback, lets each contender copy an account, does something to both sides, \
            and looks over IMAP at what the next runs make of it: every message by its octets, flags and date, against \
            what the contender promises. Then it measures them on a made-up repository and grades them by rules that are \
            printed beside the grades. Tools that are not on PATH are named as not installed. Needs dovecot-imapd (2.3); \
            nothing outside of a folder below /tmp is touched.

            With --source ACCOUNT --read-only an account of your own is looked at instead: what its server can do, what \
            a login, the lists and a dry run of each strategy take, and which strategy fits it and why. EXAMINE is used, \
            and every command that could write is refused before it is sent; no archive takes part.

            EXAMPLES:
              mailarc compare --list
              mailarc compare --only behaviour --contender mailarc-one-way --contender doveadm-sync1
              mailarc compare --scale 0.1 --repeat 3 --html compare.html --markdown compare.md
              mailarc compare --resume compare.json --json > result.json
              mailarc compare --from compare.json --weights archive=3,legal=3
              mailarc compare --source work --read-only

            Documentation/Comparison.md has a whole result, and every field of --json.
            """)
    @Option(
        help: ArgumentHelp(
            "Look at this account of the configuration, and say which strategy fits it.", valueName: "account"))
    var source: String?
    @Flag(help: "Write nothing to the --source; the only way it can be looked at.") var readOnly = false
    @Flag(help: "List contenders and scenarios, and end.") var list = false
    @Option(help: ArgumentHelp("behaviour, performance or rating; may be given several times.", valueName: "part"))
    var only: [ComparisonRequest.Part] = []
    @Option(help: ArgumentHelp("Only this contender; may be given several times.", valueName: "name"))
    var contender: [String] = []
    @Option(help: ArgumentHelp("Only this scenario; may be given several times.", valueName: "name"))
    var scenario: [String] = []
    @Option(help: ArgumentHelp("Size of the repository; 1 is 15,474 messages, 9.2 GiB.", valueName: "share"))
    var scale = 0.02
    @Option(name: .customLong("repeat"), help: ArgumentHelp("Interleaved runs; medians count.", valueName: "n"))
    var repeats = 3
    @Option(
        help: ArgumentHelp(
            "Measure speed over a line so long: milliseconds there and back, 40 or 40ms.", valueName: "time"))
    var roundTrip: String?
    @Option(
        help: ArgumentHelp(
            "Measure speed over a line so wide: octets in a second each way (500K, 10M).", valueName: "size"))
    var rate: String?
    @Option(help: ArgumentHelp("Save after each cell; go on from there if the file exists.", valueName: "file"))
    var resume: String?
    @Option(help: ArgumentHelp("Run nothing: show this report (of --json or --resume).", valueName: "file"))
    var from: String?
    @Option(help: ArgumentHelp("How much criteria count: archive=3,log=0.5.", valueName: "list"))
    var weights: String?
    @Option(help: ArgumentHelp("Write the report as one HTML page.", valueName: "file")) var html: String?
    @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file")) var markdown: String?
    @Flag(help: "Keep the lab's folder, which is named.") var keepLab = false
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard scale > 0, scale <= 10 else { throw ValidationError("--scale takes a number above 0, at most 10") }
        guard (1...100).contains(repeats) else { throw ValidationError("--repeat takes 1 to 100") }
        guard from == nil || resume == nil else { throw ValidationError("--from runs nothing, so --resume has no use") }
        guard try line().roundTrip <= 10 else { throw ValidationError("--round-trip takes at most 10000ms") }
        try checkSource()
    }

    func run() async throws {
        if let source { return try await assess(source) }
        let program = try Self.ownPath()
        let all = Contenders.all(mailarc: program)
        var request = ComparisonRequest(contenders: try chosen(contender, from: all, \.id, "contender"))
        request.scenarios = try chosen(scenario, from: Scenario.all, \.id, "scenario")
        request.weights = try weighted()
        if list { return try printList(request) }
        if !only.isEmpty { request.parts = Set(only) }
        (request.scale, request.repeats, request.keepsLab) = (scale, repeats, keepLab)
        request.line = try line()
        let report: ComparisonReport
        if let from {
            var read = try Self.read(from)
            read.rating = Rating.make(
                read, Dictionary(all.map { ($0.id, $0.facts) }, uniquingKeysWith: { first, _ in first }),
                weights: request.weights)
            report = read
        } else {
            report = try await compare(&request)
        }
        if let html { try Output.write(Array(report.html.utf8), toFile: html) }
        if let markdown { try Output.write(Array(report.markdown.utf8), toFile: markdown) }
        try output.output.render(report, command: "compare", text: CompareText.lines)
        if report.outcomes.contains(where: { $0.problem != nil }) { throw Outcome(status: .partial) }
    }

    /// What lies before the servers while speed is measured.
    private func line() throws(ValidationError) -> LineMeasure {
        var measure = LineMeasure()
        if let roundTrip {
            let digits = roundTrip.hasSuffix("ms") ? roundTrip.dropLast(2) : roundTrip[...]
            guard let time = Double(digits), time > 0, time.isFinite else {
                throw ValidationError("--round-trip takes milliseconds, such as 40ms")
            }
            measure.roundTrip = time / 1_000
        }
        if let rate {
            guard let octets = Quantity.octets(rate), octets > 0 else {
                throw ValidationError("--rate takes octets in a second, such as 500K or 10M")
            }
            measure.rate = Double(octets)
        }
        return measure
    }

    private func compare(_ request: inout ComparisonRequest) async throws -> ComparisonReport {
        if let resume, unsafe access(resume, F_OK) == 0 { request.earlier = try Self.read(resume) }
        let progress = CompareProgress(output.output, output.progress)
        let (request, resume) = (request, resume)
        return try await StopSignals.cancelling { () throws(KitError) in
            try await Comparison.run(request, progress: progress.show) { (report) throws(KitError) in
                guard let resume else { return }
                try Output.write(try Self.encoded(report), toFile: resume + ".part")
                guard unsafe rename(resume + ".part", resume) == 0 else {
                    throw KitError(.ioFailed, "cannot write \(resume)")
                }
            }
        }
    }

    private func printList(_ request: ComparisonRequest) throws {
        let rows = request.contenders.map {
            ListEntry(
                kind: "contender", id: $0.id, text: $0.name, isInstalled: $0.isInstalled, obstacle: $0.obstacle)
        }
        let scenarios = request.scenarios.map { ListEntry(kind: "scenario", id: $0.id, text: $0.title) }
        try output.output.render(rows + scenarios, command: "compare") { entries in
            Format.table(
                entries.map { entry in
                    let reason = entry.isInstalled == false ? "not installed" : entry.obstacle
                    return [entry.kind, entry.id, entry.text + (reason.map { ": \($0)" } ?? "")]
                })
        }
    }

    private struct ListEntry: Encodable {
        var kind: String
        var id: String
        var text: String
        var isInstalled: Bool?
        var obstacle: String?
    }

    /// Those named, all for none.
    private func chosen<Value>(
        _ names: [String], from all: [Value], _ id: (Value) -> String, _ kind: String
    ) throws(KitError) -> [Value] {
        for name in names where !all.contains(where: { id($0) == name }) {
            throw KitError(
                .usage, "no \(kind) \(name)", hint: "one of: " + all.map(id).joined(separator: ", "))
        }
        return names.isEmpty ? all : all.filter { names.contains(id($0)) }
    }

    private func weighted() throws(KitError) -> [Criterion: Double] {
        var result: [Criterion: Double] = [:]
        for item in (weights ?? "").split(separator: ",") {
            let halves = item.split(separator: "=")
            guard halves.count == 2, let criterion = Criterion(rawValue: String(halves[0])),
                let weight = Double(halves[1]), weight >= 0
            else {
                throw KitError(
                    .usage, "--weights cannot be understood at '\(item)'",
                    hint: "NAME=NUMBER, of " + Criterion.allCases.map(\.rawValue).joined(separator: ", "))
            }
            result[criterion] = weight
        }
        return result
    }

    /// This very program: what is compared is what compares.
    private static func ownPath() throws(KitError) -> String {
        guard let path = unsafe realpath("/proc/self/exe", nil) else {
            throw KitError(.internalError, "this program does not know where it lies")
        }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    private static func encoded(_ report: ComparisonReport) throws(KitError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(report)) + [10]
        } catch {
            throw KitError(.internalError, "the report cannot be written as JSON", cause: error)
        }
    }

    /// A report, alone or as `--json` prints it.
    private static func read(_ path: String) throws(KitError) -> ComparisonReport {
        struct Envelope: Decodable { var result: ComparisonReport }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw KitError(.ioFailed, "cannot read \(path)")
        }
        let decoder = JSONDecoder()
        do {
            let report =
                try (try? decoder.decode(Envelope.self, from: data).result)
                ?? decoder.decode(ComparisonReport.self, from: data)
            guard report.schema == ComparisonReport.currentSchema else {
                throw KitError(.unsupportedVersion, "\(path) is a report of schema \(report.schema)")
            }
            return report
        } catch let error as KitError {
            throw error
        } catch {
            throw KitError(
                .usage, "\(path) is not a report of this program", hint: "make one with --json or --resume",
                cause: error)
        }
    }
}

extension ComparisonRequest.Part: ExpressibleByArgument {}
