import Glibc
import MailarcKit

/// Measures every contender on the made-up repository: interleaved, each time into an empty place.
struct PerformanceBench: Sendable {
    let request: ComparisonRequest
    let lab: Lab

    private static let user = "corpus"

    func run(_ progress: @escaping ProgressHandler) async throws(KitError) -> PerformanceReport {
        try await Comparison.unblocked { () throws(KitError) in try measure(progress) }
    }

    private func measure(_ progress: ProgressHandler) throws(KitError) -> PerformanceReport {
        let contenders = request.contenders.filter { $0.isRunnable && $0.parts.contains(.performance) }
        // What goes over the wire is counted in a round of its own: a proxy takes time.
        let rounds = request.repeats + (request.line.isLoopback ? 1 : 0)
        let total = rounds * contenders.count + request.repeats + 1
        var done = 0
        func tell(_ what: String) {
            done += 1
            progress(KitProgress(phase: "measuring", subject: what, done: done, total: total))
        }
        var corpus = Corpus(scale: request.scale)
        let (messages, octets) = try makeSource(&corpus)
        var report = PerformanceReport(
            scale: request.scale, messages: messages, mailboxes: Corpus.mailboxCount, octets: octets,
            line: request.line.isLoopback ? nil : request.line, rows: [],
            sizes: [.init(name: "the Maildir itself", octets: octets)])
        if contenders.contains(where: \.knowsPrefixes) { report.cyrus = try makeCyrus() }
        progress(KitProgress(phase: "measuring", subject: "the repository is there: \(messages) messages"))
        for round in 0..<rounds {
            let isTimed = round < request.repeats
            if isTimed {
                try floors(round, messages, &report)
                tell("floors")
            }
            for (place, contender) in contenders.enumerated() {
                let turn = Turn(
                    number: round * 100 + place, isFirst: round == 0, isTimed: isTimed, messages: messages)
                try measure(contender, turn, &corpus, &report)
                tell(isTimed ? contender.name : "\(contender.name), counted")
            }
        }
        try StorageAtRest(lab: lab, user: Self.user, messages: messages).measure(&report)
        tell("sizes")
        return report
    }

    /// One contender's turn.
    private struct Turn {
        var number: Int
        var isFirst: Bool
        /// The clock counts.
        var isTimed: Bool
        var messages: Int
    }

    private func makeSource(_ corpus: inout Corpus) throws(KitError) -> (messages: Int, octets: Int) {
        let home = try lab.source.folder.folder("mail/\(Self.user)")
        let maildir = try home.folder("Maildir")
        try corpus.write(to: maildir, lab.stopFlag)
        if geteuid() == 0 {
            let owner = "\(LabServer.owner.user):\(LabServer.owner.group)"
            let result = try Invocation("chown", ["-R", owner, home.path]).run(
                log: lab.folder.file("chown.log"), lab.stopFlag)
            guard result.exitCode == 0 else { throw KitError(.ioFailed, "cannot give the repository to the server") }
        }
        let sizes = LabFolder.sizes(below: maildir.path)
        // Once before anything is measured: the server makes its indexes now.
        _ = try lab.client(lab.source, Self.user).discardAll()
        return (sizes.messages, sizes.octets)
    }

    /// Fills a Cyrus with the same repository, where there is one; its version.
    private func makeCyrus() throws(KitError) -> String? {
        guard LabCyrus.root != nil else { return nil }
        let cyrus = try lab.startCyrus(user: Self.user)
        try cyrus.fill(from: LabFolder(existing: lab.source.mailFolder(of: Self.user)), lab.stopFlag)
        return cyrus.version
    }

    // MARK: Contenders

    private func measure(
        _ contender: any Contender, _ turn: Turn, _ corpus: inout Corpus, _ report: inout PerformanceReport
    ) throws(KitError) {
        // doveadm's own protocol asks the source for the account of the same name.
        try lab.own(lab.archive.folder.folder("mail/\(Self.user)").path)
        try lab.own(lab.source.folder.folder("mail/\(Lab.emptyUser)").path)
        let proxies = turn.isTimed && request.line.isLoopback ? nil : try LabProxies(lab, line: request.line)
        let pair = try lab.pair(Self.user, "p\(turn.number)", proxies: proxies)
        let folder = LabFolder(existing: pair.folder)
        defer {
            proxies?.stop()
            folder.remove()
            LabFolder(existing: lab.archive.folder.file("mail/\(Self.user)")).remove()
            LabFolder(existing: lab.source.folder.file("mail/\(Lab.emptyUser)")).remove()
        }
        let copying = contender.copying(pair)
        try getReady(copying, folder)
        let bench = Bench(contender: contender, isTimed: turn.isTimed, proxies: proxies, folder: folder)
        try once(bench, "first", copying, turn.messages, &report)
        if turn.isFirst { addSize(contender, copying, &report) }
        try once(bench, "nothing", copying, turn.messages, &report)
        let client = try lab.client(lab.source, Self.user)
        for (mailbox, octets) in corpus.more(turn.number) {
            try client.append(octets, to: mailbox, [], date: 1_700_000_000)
        }
        try once(bench, "few", copying, turn.messages + 10, &report)
        for mailbox in Corpus.mailboxes.prefix(3) { try client.expungeMore(in: mailbox) }
        if var restoring = contender.restoring(pair) {
            restoring.destination = lab.source.mailFolder(of: Lab.emptyUser)
            try getReady(restoring, folder)
            try once(bench, "restore", restoring, turn.messages + 10, &report)
        }
        // LIMIT: what is counted of a copy from Dovecot is much the same from Cyrus, and takes as long once more.
        guard contender.knowsPrefixes, turn.isTimed, let cyrus = lab.cyrus else { return }
        try copy(from: cyrus, contender, turn, &report)
    }

    /// Everything once from Cyrus, into an empty place again.
    private func copy(
        from cyrus: LabCyrus, _ contender: any Contender, _ turn: Turn, _ report: inout PerformanceReport
    ) throws(KitError) {
        let home = LabFolder(existing: lab.archive.folder.file("mail/\(Self.user)"))
        home.remove()
        try lab.own(lab.archive.folder.folder("mail/\(Self.user)").path)
        let proxies = request.line.isLoopback ? nil : try LabProxies(lab, line: request.line, cyrus: cyrus)
        let pair = try lab.pair(Self.user, "c\(turn.number)", proxies: proxies, cyrus: cyrus)
        let folder = LabFolder(existing: pair.folder)
        defer {
            proxies?.stop()
            folder.remove()
        }
        let copying = contender.copying(pair)
        try getReady(copying, folder)
        let bench = Bench(contender: contender, isTimed: turn.isTimed, proxies: proxies, folder: folder)
        try once(bench, "cyrus", copying, turn.messages, &report)
    }

    /// Where a contender runs, and how it is looked at.
    private struct Bench {
        var contender: any Contender
        var isTimed: Bool
        var proxies: LabProxies?
        var folder: LabFolder
    }

    private func getReady(_ copying: Copying, _ folder: LabFolder) throws(KitError) {
        for (name, text) in copying.files { try folder.write(name, text) }
        for command in copying.preparation { try prepare(command, folder) }
    }

    private func prepare(_ command: Invocation, _ folder: LabFolder) throws(KitError) {
        let result = try command.run(log: folder.file("prepare.log"), lab.stopFlag)
        guard result.exitCode == 0 else {
            throw KitError(
                .internalError, "\(command.text) ended with \(result.exitCode): \(result.output.suffix(300))")
        }
    }

    private func once(
        _ bench: Bench, _ phase: String, _ copying: Copying, _ messages: Int, _ report: inout PerformanceReport
    ) throws(KitError) {
        // What others have written is on the disk before the clock runs.
        sync()
        _ = bench.proxies?.takeTotal()
        let used = serverSeconds
        let result = try copying.invocation.run(log: bench.folder.file("run.log"), lab.stopFlag)
        let measured = PerformanceReport.Measured(
            result: result, serverSeconds: serverSeconds - used, wire: bench.proxies?.takeTotal(),
            isComplete: try count(copying, bench.folder) >= messages)
        report.note(bench.contender.id, bench.contender.name, phase, measured, isTimed: bench.isTimed)
    }

    /// Of all servers until now.
    private var serverSeconds: Double {
        lab.source.processorSeconds + lab.archive.processorSeconds + (lab.cyrus?.processorSeconds ?? 0)
    }

    private func count(_ copying: Copying, _ folder: LabFolder) throws(KitError) -> Int {
        guard let (invocation, word) = copying.count else {
            return LabFolder.sizes(below: copying.destination).messages
        }
        let said = try invocation.run(log: folder.file("count.log"), lab.stopFlag).output
        return said.firstRange(of: word).flatMap { Int(said[$0.upperBound...].prefix(while: \.isNumber)) } ?? 0
    }

    private func addSize(_ contender: any Contender, _ copying: Copying, _ report: inout PerformanceReport) {
        // A Maildir is as large as the source's, whoever wrote it.
        guard copying.count != nil else { return }
        report.sizes.append(
            .init(name: contender.name, octets: LabFolder.sizes(below: copying.destination).octets))
    }

    // MARK: Floors

    /// What no copy can be faster than: copying the files, and reading everything over IMAP and dropping it.
    private func floors(_ round: Int, _ messages: Int, _ report: inout PerformanceReport) throws(KitError) {
        let copy = lab.folder.file("floor-\(round)")
        sync()
        let result = try Invocation("cp", ["-r", lab.source.mailFolder(of: Self.user), copy]).run(
            log: lab.folder.file("cp.log"), lab.stopFlag)
        let isComplete = LabFolder.sizes(below: copy).messages >= messages
        report.note(
            "floor-cp", "floor: cp -r", "first",
            .init(result: result, serverSeconds: 0, isComplete: isComplete))
        LabFolder(existing: copy).remove()
        let proxies = request.line.isLoopback ? nil : try LabProxies(lab, line: request.line)
        defer { proxies?.stop() }
        let client = try LabClient(lab.address(lab.source, Self.user, port: proxies?.source.port))
        let (began, used, served) = (ContinuousClock.now, Self.own(), serverSeconds)
        let found = try client.discardAll()
        let elapsed = (ContinuousClock.now - began).components
        let fetched = ToolResult(
            exitCode: 0, isOutOfTime: false, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18,
            processorSeconds: Self.own() - used, peakOctets: 0, output: "")
        report.note(
            "floor-fetch", "floor: fetch and discard", "first",
            .init(
                result: fetched, serverSeconds: serverSeconds - served, wire: proxies?.takeTotal(),
                isComplete: found.messages >= messages))
    }

    /// User and system time of this process, until now.
    private static func own() -> Double {
        var usage = rusage()
        unsafe getrusage(Int32(truncatingIfNeeded: RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

extension PerformanceReport {
    /// One run as it was seen.
    struct Measured {
        var result: ToolResult
        var serverSeconds: Double
        var wire: Wire?
        var isComplete: Bool
    }

    /// Notes one run; of one whose time does not count, what went over the wire.
    mutating func note(_ id: String, _ name: String, _ phase: String, _ run: Measured, isTimed: Bool = true) {
        if row(id, phase) == nil { rows.append(Row(contender: id, name: name, phase: phase)) }
        guard let place = rows.firstIndex(where: { $0.contender == id && $0.phase == phase }) else { return }
        rows[place].isComplete = rows[place].isComplete && run.isComplete
        rows[place].wire = run.wire ?? rows[place].wire
        guard isTimed else { return }
        rows[place].seconds.append(run.result.seconds)
        rows[place].processorSeconds.append(run.result.processorSeconds)
        rows[place].serverSeconds.append(run.serverSeconds)
        rows[place].peakOctets.append(run.result.peakOctets)
        rows[place].exitCodes.append(run.result.exitCode)
    }
}
