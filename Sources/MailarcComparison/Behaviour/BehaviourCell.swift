import Glibc
import MailarcKit

/// One contender in one scenario: a pair of accounts, the first copy, the events, and the runs that follow them.
struct BehaviourCell {
    let contender: any Contender
    let scenario: Scenario
    let lab: Lab
    /// Account of the source that is copied to begin with.
    let template: String
    /// Of both accounts, and of the folder.
    let user: String

    /// LIMIT: octets of a run's output that go into the report.
    private static let outputLimit = 3_000
    /// LIMIT: lines of what was said, for each server, where all is as promised, and where it is not.
    private static let expectedLines = 24
    private static let unexpectedLines = 80

    /// Never throws but when the comparison is interrupted: whatever goes wrong is the cell's outcome.
    func run() throws(KitError) -> Outcome {
        var outcome = Outcome(contender: contender.id, scenario: scenario.id, runs: [], problem: nil, claims: [])
        do throws(KitError) {
            try run(&outcome)
        } catch {
            guard error.kind != .cancelled else { throw error }
            outcome.problem = error.message
        }
        return outcome
    }

    private func run(_ outcome: inout Outcome) throws(KitError) {
        try lab.makeAccounts(user, like: template, archive: archive)
        let proxies = try LabProxies(keepingLogs: lab, archive: archive)
        defer { proxies.stop() }
        let pair = try lab.pair(user, "\(user)-\(contender.id)", proxies: proxies, archive: archive)
        let folder = LabFolder(existing: pair.folder)
        for (name, text) in contender.files(pair) { try folder.write(name, text) }

        let idle = Scenario(scenario.id, scenario.title, start: scenario.start)
        try once("first", pair, proxies, contender.promise.expectation(of: idle), &outcome)
        try perform()
        let wanted = contender.promise.expectation(of: scenario)
        try once("after", pair, proxies, wanted, &outcome, fault: scenario.fault)
        try once("again", pair, proxies, wanted, &outcome)
        _ = try contender.invocation(pair).run(log: pair.file("run.log"), lab.stopFlag)
        _ = proxies.take()
        let end = try once("later", pair, proxies, wanted, &outcome)
        outcome.claims = claims(end, outcome)
    }

    private func claims(_ end: Accounts, _ outcome: Outcome) -> [Outcome.Claim] {
        let hasDuplicates = outcome.later.contains { $0.archive.duplicated + $0.source.duplicated > 0 }
        return StudyClaim.all.filter { $0.column == contender.column && $0.scenario == scenario.id }.map {
            Outcome.Claim(
                text: $0.text,
                agrees: $0.agrees(source: end.source, archive: end.archive, hasDuplicates: hasDuplicates))
        }
    }

    private var archive: LabServer { lab.archive(in: scenario) }

    private typealias Accounts = (source: SeenAccount, archive: SeenAccount)

    private func look() throws(KitError) -> Accounts {
        (try lab.client(lab.source, user).account(), try lab.client(archive, user).account())
    }

    @discardableResult
    private func once(
        _ label: String, _ pair: Pair, _ proxies: LabProxies,
        _ wanted: (source: Expectation, archive: Expectation), _ outcome: inout Outcome, fault: Scenario.Fault? = nil
    ) throws(KitError) -> Accounts {
        // A look would make an INBOX, and the first copy goes into an account that nobody ever logged into.
        let earlier =
            outcome.runs.isEmpty
            ? Accounts(try lab.client(lab.source, user).account(), SeenAccount()) : try look()
        let invocation = contender.invocation(pair)
        let result = try run(invocation, pair, proxies, fault)
        var wire = proxies.take()
        let now = try look()
        let missing = label == "first" ? [] : withheld(now.archive, fault)
        let source = wanted.source.judge(now.source)
        var archive = wanted.archive.allowing(missing).judge(now.archive)
        if fault?.isInMidst ?? false { archive = archive.ofBrokenRun }
        if result.exitCode == 0 { archive = archive.silent(about: missing) }
        let isExpected = source.isAsPromised && archive.isAsPromised
        wire.shorten(to: label != "after" ? 0 : isExpected ? Self.expectedLines : Self.unexpectedLines)
        wire.sourceLog = wire.sourceLog?.map(told)
        outcome.runs.append(
            .init(
                label: label, isDisturbed: fault == nil ? nil : true, isWithheld: missing.isEmpty ? nil : true,
                exitCode: result.exitCode, seconds: result.seconds, processorSeconds: result.processorSeconds,
                source: source, archive: archive, sourceChanges: now.source.changes(since: earlier.source),
                archiveChanges: now.archive.changes(since: earlier.archive), wire: wire,
                command: told(invocation.text), output: told(String(result.output.suffix(Self.outputLimit))),
                log: Outcome.Log(result.output)))
        return now
    }

    /// What nobody could bring, and is not there.
    private func withheld(_ archive: SeenAccount, _ fault: Scenario.Fault?) -> Set<Expectation.Place> {
        contender.promise.withheld(in: scenario, isFaulty: fault != nil).filter { place in
            !archive.messages.contains { $0.mailbox == place.mailbox && $0.tag == place.tag }
        }
    }

    /// Without the lab's folders, which are others each time.
    private func told(_ text: String) -> String {
        text.replacing(lab.folder.path, with: "LAB")
    }

    /// What happens between the first run and the next; then the accounts must be what the scenario says.
    private func perform() throws(KitError) {
        let earlier = try look()
        for (server, steps) in [(lab.source, scenario.source), (archive, scenario.archive)] where !steps.isEmpty {
            if steps.contains(.resetUIDValidity) { try lab.resetUIDValidity(of: user, at: server) }
            let client = try lab.client(server, user)
            for step in steps where step != .resetUIDValidity {
                // What has flags was put there, and never on its way.
                if contender.isChannel, server === lab.source, case .append(let key, to: "INBOX", let flags) = step,
                    flags.isEmpty
                {
                    try bring(Letter(key))
                } else {
                    try client.perform(step)
                }
            }
        }
        let now = try look()
        var wanted = Expectation(exactly: scenario.start.after(scenario.source))
        wanted.judgesDates = !contender.isChannel
        // The first run may have read it.
        if contender.promise.takes == .unseen { wanted.rules = wanted.rules.mapValues(\.withAnyFlags) }
        let findings = wanted.judge(now.source)
        guard findings.isAsPromised else {
            throw KitError(
                .internalError, "the source is not what the scenario says: \(findings.details.joined(separator: ", "))")
        }
        let sides = [
            (scenario.source, earlier.source, now.source), (scenario.archive, earlier.archive, now.archive),
        ]
        for (steps, before, after) in sides where steps.contains(.resetUIDValidity) {
            guard before.validities["INBOX"] != after.validities["INBOX"] else {
                throw KitError(.internalError, "a server kept its UIDVALIDITY")
            }
        }
    }

    /// LIMIT: what is not delivered after so many seconds on this machine waits in a queue.
    private static let deliverySeconds = 30

    /// Sends a message through Postfix, and waits until both accounts have it.
    private func bring(_ letter: Letter) throws(KitError) {
        guard let postfix = lab.postfix else {
            throw KitError(.internalError, "no Postfix was started")
        }
        let clients = [try lab.client(lab.source, user), try lab.client(lab.archive, user)]
        let before = try clients.map { client throws(KitError) in try client.inboxCount() }
        try postfix.send(letter, to: user)
        let deadline = ContinuousClock.now + .seconds(Self.deliverySeconds)
        while true {
            let now = try clients.map { client throws(KitError) in try client.inboxCount() }
            if zip(before, now).allSatisfy(<) { return }
            guard ContinuousClock.now < deadline, !lab.stopFlag.isStopped else {
                throw KitError(.ioFailed, "Postfix did not deliver \(letter.key) to both accounts")
            }
            // The core is for the servers meanwhile.
            poll(nil, 0, 10)
        }
    }
}
