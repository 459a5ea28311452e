/// What one contender made of one scenario.
public struct Outcome: Sendable, Codable {
    /// Id of the contender.
    public var contender: String
    /// Id of the scenario.
    public var scenario: String
    /// The first copy, the run after the events, one more, and the last of three more.
    public var runs: [Run]
    /// Why the cell could not be brought to its end; then `runs` is shorter.
    public var problem: String?
    /// What the case study says of this cell; none of a program that it has not.
    public var claims: [Claim]

    /// What one run did.
    public struct Run: Sendable, Codable {
        /// `first`, `after`, `again`, `later`
        public var label: String
        /// Something was made to go wrong in it; then what is still missing afterwards is no finding.
        public var isDisturbed: Bool?
        /// It could not bring everything, and a code other than 0 is right.
        public var isWithheld: Bool?
        /// 128 and more for a signal; a code by which the program says that all is well is 0.
        public var exitCode: Int32
        /// By the wall clock.
        public var seconds: Double
        /// User and system time of the program and what it waited for.
        public var processorSeconds: Double
        /// In what the source differs from the promise afterwards.
        public var source: Findings
        /// In what the archive differs from the promise afterwards.
        public var archive: Findings
        /// What is different in the source since before the run: `-INBOX/B`, `+Work/B[\Seen]`.
        public var sourceChanges: [String]
        /// The same of the archive.
        public var archiveChanges: [String]
        /// `nil`: nothing was counted.
        public var wire: Wire?
        /// How the program was called.
        public var command: String
        /// The end of what it said.
        public var output: String
        /// What all of it tells.
        public var log: Log
    }

    /// What a run's output tells whoever reads it afterwards.
    public struct Log: Sendable, Codable {
        /// A message of the scenario by its Message-ID, or any by UID or number: `UID 7`, `INBOX/7`.
        public var namesMessage: Bool
        /// `INBOX`, in which each scenario has mail.
        public var namesMailbox: Bool
        /// Lines that are not empty.
        public var lines: Int

        init(_ output: String) {
            let isNumbered = ["UID ", "uid ", "INBOX/"].contains { word in
                output.ranges(of: word).contains { output[$0.upperBound...].first?.isNumber ?? false }
            }
            namesMessage = isNumbered || output.contains("@example.net>")
            namesMailbox = output.contains("INBOX")
            lines = output.split(separator: "\n").count
        }
    }

    /// What went over the line, counted by a proxy before each server.
    public struct Wire: Sendable, Codable {
        /// To both servers.
        public var connections: Int
        /// What the source's server sent, dsync's own protocol included.
        public var octetsFromSource: Int
        /// What was sent to the source's server.
        public var octetsToSource: Int
        /// What the archive's server sent; a tool that works beside it has no line to it.
        public var octetsFromArchive: Int
        /// What was sent to the archive's server.
        public var octetsToArchive: Int
        /// Names of the commands to the source, in order: `LOGIN`, `UID FETCH`.
        public var sourceCommands: [String]
        /// The same to the archive.
        public var archiveCommands: [String]
        /// The beginning of what was said, of the run that followed the events: `1 C: a1 NOOP`, `1 S: a1 OK`, the number
        /// being the connection's. Without literals, and without what logs in.
        public var sourceLog: [String]?
        /// The same of the archive.
        public var archiveLog: [String]?

        /// Leaves `count` lines of each log.
        mutating func shorten(to count: Int) {
            func shortened(_ log: [String]?) -> [String]? { count > 0 ? log.map { Array($0.prefix(count)) } : nil }
            (sourceLog, archiveLog) = (shortened(sourceLog), shortened(archiveLog))
        }
    }

    /// What the case study says, beside what was seen.
    public struct Claim: Sendable, Codable {
        /// Its words.
        public var text: String
        /// What was seen is the same.
        public var agrees: Bool
    }
}

extension Outcome {
    /// The runs that followed the events.
    var later: [Run] { runs.filter { $0.label != "first" } }

    /// Every run left the mail as it should be: nothing lost, duplicated or altered at either end.
    public var keepsMail: Bool {
        problem == nil && runs.allSatisfy { $0.source.keepsMail && $0.archive.keepsMail }
    }

    /// Every run kept the promise in every respect.
    public var isAsPromised: Bool {
        problem == nil && runs.allSatisfy { $0.source.isAsPromised && $0.archive.isAsPromised }
    }

    /// Every run ended with 0, but for one that was disturbed, and one that could not bring everything, which did not.
    public var endsWell: Bool {
        problem == nil
            && runs.allSatisfy { $0.isWithheld == true ? $0.exitCode != 0 : $0.exitCode == 0 || $0.isDisturbed == true }
    }

    /// The runs after the events were followed changed nothing more.
    public var settles: Bool {
        let expected = later.drop { $0.isDisturbed == true }.dropFirst()
        return problem == nil && expected.allSatisfy { $0.sourceChanges.isEmpty && $0.archiveChanges.isEmpty }
    }

    /// More is wrong after three more runs than after the first that followed the events.
    public var grows: Bool {
        guard let first = later.first, let last = later.last else { return false }
        return last.source.duplicated + last.archive.duplicated > first.source.duplicated + first.archive.duplicated
    }

    /// Most of what the last runs show, in a cell of a table: `ok`, `5 lost; exit 65`.
    public var summary: String {
        if let problem { return "not done: \(problem)" }
        var parts: [String] = []
        let worst = runs.last { !$0.source.isAsPromised || !$0.archive.isAsPromised }
        for (side, findings) in [("", worst?.archive), ("source: ", worst?.source)] {
            if let findings, !findings.isAsPromised { parts.append(side + findings.summary) }
        }
        if grows { parts.append("growing with each run") }
        let usual = runs.filter { $0.isDisturbed != true && $0.isWithheld != true }
        let codes = Set(usual.map(\.exitCode)).subtracting([0]).sorted()
        if !codes.isEmpty { parts.append("exit " + codes.map(String.init).joined(separator: "/")) }
        return parts.isEmpty ? "ok" : parts.joined(separator: "; ")
    }
}
