import Foundation
import MailarcComparison
import MailarcKit
import MailarcTesting
import Testing

/// A contender that copies everything by a script of its own and has a bug.
struct PlantedContender: Contender {
    let bug: String
    let script: String

    var id: String { "planted-\(bug)" }
    var name: String { bug }
    var promise: Promise { Promise(.copy, text: "copies everything", origin: "test") }
    var column: StudyColumn? { nil }
    var programs: [String] { ["python3"] }
    var versionCommand: Invocation { Invocation("python3", ["--version"]) }
    var facts: ContenderFacts { ContenderFacts(packages: [], isPackaged: true, documented: [], origin: "test") }

    func invocation(_ pair: Pair) -> Invocation {
        Invocation(
            "python3",
            [script, bug, pair.passwordFile, "\(pair.source.port)", "\(pair.archive.port)", pair.source.user])
    }

    /// Copies what the archive has less of than the source, by SHA-256; every seventh message is spoilt.
    static let text = """
        import hashlib, imaplib, re, sys
        bug, password, source, archive, user = sys.argv[1:]
        password = open(password).read().strip()
        def opened(port):
            client = imaplib.IMAP4("127.0.0.1", int(port))
            client.login(user, password)
            return client
        a, b = opened(source), opened(archive)
        number = 0
        for row in a.list()[1]:
            name = row.decode().split(' "." ')[1]
            b.create(name)
            a.select(name, readonly=True)
            b.select(name)
            known = len(b.search(None, "ALL")[1][0].split())
            data = [part for part in a.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1] if isinstance(part, tuple)]
            for head, octets in data[known:]:
                number += 1
                flags = re.search(rb"FLAGS \\((.*?)\\)", head).group(1).decode().replace("\\\\Recent", "").strip()
                date = re.search(rb'INTERNALDATE (".*?")', head).group(1).decode()
                spoils = number % 7 == 0
                if spoils and bug == "drops":
                    continue
                if spoils and bug == "flips":
                    octets = octets[:-4] + bytes([octets[-4] ^ 1]) + octets[-3:]
                if spoils and bug == "dates":
                    date = '" 1-Jan-2001 00:00:00 +0000"'
                if spoils and bug == "flags":
                    flags = "\\\\Draft"
                for _ in range(2 if spoils and bug == "doubles" else 1):
                    b.append(name, "(%s)" % flags, date, octets)
        """
}

/// The lab with real servers, and a contender whose bug must be seen through IMAP.
@Suite("the lab", .enabled(if: DovecotServer.reasonNotRunnable == nil, "dovecot is not installed"), .serialized)
struct LabTests {
    @Test("a planted bug is found on real servers", .timeLimit(.minutes(2)))
    func planted() async throws {
        let folder = try TestFolder("planted")
        defer { folder.remove() }
        let script = try folder.write("copy.py", PlantedContender.text)
        let bugs = ["none", "drops", "flips", "doubles", "dates", "flags"]
        var request = ComparisonRequest(contenders: bugs.map { PlantedContender(bug: $0, script: script) })
        request.scenarios = Scenario.all.filter { $0.id == "nothing" }
        request.parts = [.behaviour]
        let report = try await Comparison.run(request)
        let found = Dictionary(
            uniqueKeysWithValues: report.outcomes.map { outcome in
                (outcome.contender, outcome.problem ?? outcome.runs.first?.archive.summary ?? "no run")
            })
        #expect(found["planted-none"] == "")
        #expect(found["planted-drops"] == "1 lost")
        #expect(found["planted-flips"] == "1 altered")
        #expect(found["planted-doubles"] == "1 duplicated")
        #expect(found["planted-dates"] == "1 dates")
        #expect(found["planted-flags"] == "1 flags")
        #expect(report.outcomes.allSatisfy { $0.runs.allSatisfy(\.source.isAsPromised) })
        let wire = try #require(report.outcomes.first?.runs.first?.wire)
        #expect(wire.sourceCommands.contains("FETCH") && wire.archiveCommands.contains("APPEND"))
        #expect(leftovers.isEmpty, "servers are still running")
    }

    @Test("everything is copied, counted and measured", .timeLimit(.minutes(3)))
    func measured() async throws {
        var request = ComparisonRequest(contenders: [DoveadmContender(.backup), DoveadmContender(.oneWay, .tcp)])
        (request.parts, request.scale, request.repeats) = ([.performance], 0.001, 2)
        let report = try #require(try await Comparison.run(request).performance)
        #expect(report.messages == 101 && report.mailboxes == 101)
        #expect((8_000_000...11_500_000).contains(report.octets), "\(report.octets)")
        // Of doveadm over its own protocol nothing is put back.
        #expect(report.rows.count == 9 && report.rows.allSatisfy { $0.isComplete && $0.seconds.count == 2 })
        #expect(report.rows.allSatisfy { $0.exitCodes == [0, 0] }, "\(report.rows)")
        let copied = try #require(report.row("doveadm-backup", "first"))
        #expect(copied.serverMedian > 0 && copied.peakOctets.allSatisfy { $0 > 1 << 20 }, "\(copied)")
        let wire = try #require(copied.wire)
        #expect(wire.octets > report.octets && wire.roundTrips > 10 && wire.connections >= 1, "\(wire)")
        #expect(report.best("first") != nil && report.row("floor-cp", "first") != nil)
        #expect(report.sizes.contains { $0.name.hasPrefix("Dovecot mdbox") && $0.octets > 1_000_000 })
    }

    @Test("over a long line nothing is faster than its round trips", .timeLimit(.minutes(3)))
    func longLine() async throws {
        var request = ComparisonRequest(contenders: [DoveadmContender(.backup)])
        (request.parts, request.scale, request.repeats) = ([.performance], 0.001, 1)
        request.line = LineMeasure(roundTrip: 0.004, rate: 20_000_000)
        let report = try #require(try await Comparison.run(request).performance)
        #expect(report.line == request.line)
        let floor = try #require(report.row("floor-fetch", "first"))
        // LOGIN, LIST, and EXAMINE and FETCH for each mailbox.
        #expect(floor.median > 0.004 * 204 && floor.wire?.roundTrips == 204, "\(floor)")
        let nothing = try #require(report.row("doveadm-backup", "nothing"))
        #expect(nothing.isComplete && nothing.median > 0.004 * 3 && (nothing.wire?.roundTrips ?? 0) >= 3, "\(nothing)")
    }

    /// Folders of labs whose process is this one's.
    private var leftovers: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
        return names.filter { name in
            name.hasPrefix("mailarc-compare-") && isOurs("/tmp/\(name)/source/run/master.pid")
        }
    }

    private func isOurs(_ path: String) -> Bool {
        let pid = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first.map(String.init)
        let status = (try? String(contentsOfFile: "/proc/\(pid ?? "0")/status", encoding: .utf8)) ?? ""
        return status.contains("PPid:\t\(getpid())\n")
    }
}
