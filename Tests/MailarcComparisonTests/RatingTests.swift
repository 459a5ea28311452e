import Foundation
import MailarcComparison
import Testing

@Suite("rating and reports")
struct RatingTests {
    static let facts = ContenderFacts(
        packages: ["isync"], isPackaged: true, documented: [.manual, .examples], origin: "test")

    /// A report as it is saved: two contenders in one scenario, one measured.
    static let document = """
        {"schema": 2, "date": "2026-11-30T00:00:00Z",
         "machine": {"system": "Linux", "processor": "p", "cores": 2, "memoryOctets": 17179869184, "load": 0.5},
         "contenders": [
          {"id": "good", "name": "good <tool>", "version": "1", "settings": 3},
          {"id": "bad", "name": "bad", "version": "1", "studyColumn": "imapsync", "settings": 99},
          {"id": "absent", "name": "absent"}],
         "scenarios": [{"id": "new-in-source", "title": "new | in source", "events": ["source +INBOX/N1"]}],
         "outcomes": [
          {"contender": "good", "scenario": "new-in-source", "claims": [], "runs": [
           \(run("first", "", lost: 0)), \(run("after", "copied INBOX/7 to INBOX", lost: 0))]},
          {"contender": "bad", "scenario": "new-in-source", "claims": [{"text": "it comes", "agrees": false}], "runs": [
           \(run("first", "", lost: 0)), \(run("after", "done", lost: 1))]}],
         "performance": {"scale": 0.01, "messages": 155, "mailboxes": 101, "octets": 1048576,
          "rows": [{"contender": "good", "name": "good <tool>", "phase": "first", "seconds": [1, 3, 2],
                    "processorSeconds": [1, 1, 1], "serverSeconds": [1, 1, 1], "peakOctets": [33554432, 1, 1], "exitCodes": [0, 0, 0],
                    "isComplete": true}],
          "sizes": [{"name": "good <tool>", "octets": 524288}]}}
        """

    private static func run(_ label: String, _ output: String, lost: Int) -> String {
        func findings(_ lost: Int) -> String {
            """
            {"lost": \(lost), "duplicated": 0, "altered": 0, "surplus": 0, "flags": 0, "dates": 0, "mailboxes": 0,
             "details": []}
            """
        }
        return """
            {"label": "\(label)", "exitCode": 0, "seconds": 1, "processorSeconds": 1, "source": \(findings(0)),
             "archive": \(findings(lost)), "sourceChanges": [], "archiveChanges": [], "command": "tool",
             "output": "\(output)", "log": {"namesMessage": \(output.contains("INBOX/7")), "lines": 1,
             "namesMailbox": \(output.contains("INBOX"))}}
            """
    }

    static func report() throws -> ComparisonReport {
        try JSONDecoder().decode(ComparisonReport.self, from: Data(document.utf8))
    }

    private static func grade(_ rating: Rating, _ contender: String, _ criterion: Criterion) -> Grade? {
        rating.rows.first { $0.contender == contender }?.grades.first { $0.criterion == criterion }?.grade
    }

    @Test("grades follow from evidence")
    func grades() throws {
        let rating = Rating.make(try Self.report(), ["good": Self.facts, "bad": Self.facts], weights: [:])
        #expect(Self.grade(rating, "good", .installation) == .veryGood)
        #expect(Self.grade(rating, "good", .documentation) == .ok)
        #expect(Self.grade(rating, "good", .configuration) == .veryGood)
        #expect(Self.grade(rating, "bad", .configuration) == .bad)
        #expect(Self.grade(rating, "good", .archive) == .veryGood)
        #expect(Self.grade(rating, "bad", .archive) == .notSoGood)
        #expect(Self.grade(rating, "good", .log) == .veryGood)
        #expect(Self.grade(rating, "bad", .log) == .bad)
        #expect(Self.grade(rating, "good", .performance) == .veryGood)
        #expect(Self.grade(rating, "bad", .performance) == nil)
        #expect(rating.rows.first { $0.contender == "bad" }?.grades.first?.studyGrade == "+")
        #expect(!rating.rows.contains { $0.contender == "absent" })
    }

    @Test("what takes some of the mail into one mailbox is no good archive")
    func collecting() throws {
        var report = try Self.report()
        (report.contenders[0].strategy, report.contenders[0].takes) = ("collect", "arriving")
        let rating = Rating.make(report, ["good": Self.facts], weights: [:])
        #expect(Self.grade(rating, "good", .archive) == .ok)
    }

    @Test("weights change the order")
    func weights() throws {
        let (report, facts) = (try Self.report(), ["good": Self.facts, "bad": Self.facts])
        #expect(Rating.make(report, facts, weights: [:]).ranked.first?.contender == "good")
        let onlyInstallation = Dictionary(uniqueKeysWithValues: Criterion.allCases.map { ($0, 0.0) })
            .merging([.installation: 1]) { $1 }
        let rating = Rating.make(report, facts, weights: onlyInstallation)
        #expect(Set(rating.rows.map(\.score)) == [2])
    }

    @Test("every form of the report says what it holds, and escapes it")
    func reports() throws {
        var report = try Self.report()
        report.rating = Rating.make(report, ["good": Self.facts, "bad": Self.facts], weights: [:])
        let markdown = report.markdown
        #expect(markdown.contains("new \\| in source") && markdown.contains("1 lost"))
        #expect(markdown.contains("| good <tool> | 2.00 | 3.0× |"))
        let html = report.html
        #expect(!html.contains("<tool>") && html.contains("good &lt;tool&gt;") && html.contains("<svg role=\"img\""))
        #expect(!html.contains("http:") && !html.contains("https:") && !html.contains("<script"))
        #expect(html.contains("id=\"c-bad-new-in-source\"") && html.contains("href=\"#c-bad-new-in-source\""))
    }
}
