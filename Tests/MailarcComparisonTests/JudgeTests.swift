import MailarcComparison
import Testing

/// What a contender may do wrong, planted into a copy of 300 messages.
struct PlantedBug: CustomTestStringConvertible, Sendable {
    let name: String
    let spoil: @Sendable (inout SeenAccount) -> Void
    let expected: @Sendable (Findings) -> Bool

    init(
        _ name: String, _ spoil: @escaping @Sendable (inout SeenAccount) -> Void,
        _ expected: @escaping @Sendable (Findings) -> Bool
    ) {
        (self.name, self.spoil, self.expected) = (name, spoil, expected)
    }

    var testDescription: String { name }

    static let all: [PlantedBug] = [
        PlantedBug(
            "every 97th message is dropped",
            { account in
                account.messages = account.messages.enumerated().filter { ($0.offset + 1) % 97 != 0 }.map(\.element)
            }, { $0.lost == 3 && $0.duplicated + $0.altered + $0.flags + $0.dates == 0 }),
        PlantedBug(
            "an octet is flipped", { $0.messages[41].digest = String($0.messages[41].digest.reversed()) },
            { $0.altered == 1 && $0.lost + $0.duplicated + $0.flags + $0.dates == 0 }),
        PlantedBug(
            "a message is doubled", { $0.messages.append($0.messages[7]) },
            { $0.duplicated == 1 && $0.lost + $0.altered + $0.flags + $0.dates == 0 }),
        PlantedBug(
            "an internal date is changed", { $0.messages[7].internalDate? += 1 },
            { $0.dates == 1 && $0.lost + $0.duplicated + $0.altered + $0.flags == 0 }),
        PlantedBug("an internal date is missing", { $0.messages[7].internalDate = nil }, { $0.dates == 1 }),
        PlantedBug(
            "a flag is set", { $0.messages[7].flags = ["\\Seen"] },
            { $0.flags == 1 && $0.lost + $0.duplicated + $0.altered + $0.dates == 0 }),
        PlantedBug(
            "a message is in another mailbox", { $0.messages[7].mailbox = "Work" },
            { $0.lost == 1 && $0.surplus == 1 }),
        PlantedBug(
            "a message is another one",
            { account in
                account.messages[7].digest = String(repeating: "0", count: 64)
                account.messages[7].tag = nil
            }, { $0.lost == 1 && $0.altered == 1 && $0.surplus == 1 }),
        PlantedBug(
            "a mailbox is missing", { $0.mailboxes.remove("Empty") }, { $0.mailboxes == 1 && $0.keepsMail }),
    ]
}

@Suite("the judge")
struct JudgeTests {
    static let account = AccountModel(
        messages: (1...300).map { .init(mailbox: $0 % 3 == 0 ? "Work" : "INBOX", key: "M\($0)") },
        mailboxes: ["INBOX", "Empty"])

    /// Whatever promises a message its place; what is collected has its own tests.
    static let placing = Promise.Kind.allCases.filter { $0 != .collect }

    @Test("a true copy is as promised, whatever the promise", arguments: placing)
    func truth(kind: Promise.Kind) {
        let promise = Promise(kind, text: "", origin: "")
        let wanted = promise.expectation(of: Scenario("copy", "", start: Self.account))
        #expect(wanted.archive.judge(SeenAccount(Self.account)).isAsPromised)
        #expect(wanted.source.judge(SeenAccount(Self.account)).isAsPromised)
    }

    @Test("a planted bug is found, and nothing else", arguments: PlantedBug.all)
    func bug(bug: PlantedBug) {
        let promise = Promise(.mirror, text: "", origin: "")
        let wanted = promise.expectation(of: Scenario("copy", "", start: Self.account)).archive
        var copy = SeenAccount(Self.account)
        bug.spoil(&copy)
        let findings = wanted.judge(copy)
        #expect(bug.expected(findings), "\(findings)")
        #expect(!findings.isAsPromised)
    }

    @Test("what leaves the source leaves a mirror and stays elsewhere", arguments: placing)
    func expunge(kind: Promise.Kind) throws {
        let scenario = try #require(Scenario.all.first { $0.id == "expunge-in-source" })
        let wanted = Promise(kind, text: "", origin: "").expectation(of: scenario).archive
        let gone = wanted.judge(SeenAccount(scenario.start.after(scenario.source)))
        let kept = wanted.judge(SeenAccount(scenario.start))
        let follows = kind == .mirror || kind == .twoWay
        #expect(gone.isAsPromised == follows && kept.isAsPromised == !follows)
        #expect(follows ? kept.surplus == 1 : gone.lost == 1)
    }

    @Test("a message that moved may be in its old place too, but never in none")
    func move() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "move-in-source" })
        let wanted = Promise(.copy, text: "", origin: "").expectation(of: scenario).archive
        let moved = scenario.start.after(scenario.source)
        #expect(wanted.judge(SeenAccount(moved)).isAsPromised)
        var both = moved
        both.messages.append(.init(mailbox: "INBOX", key: "B"))
        #expect(wanted.judge(SeenAccount(both)).isAsPromised)
        var none = moved
        none.messages.removeAll { $0.key == "B" }
        #expect(wanted.judge(SeenAccount(none)).lost == 1)
    }

    @Test("what went on one side and was flagged on the other may stay or go where both follow each other")
    func torn() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "expunge-in-source-flags-in-archive" })
        let ends = [scenario.start.after(scenario.source), scenario.start.after(scenario.archive)]
        let wanted = Promise(.twoWay, text: "", origin: "").expectation(of: scenario).archive
        #expect(ends.allSatisfy { wanted.judge(SeenAccount($0)).isAsPromised })
        #expect(wanted.judge(SeenAccount(scenario.start)).flags == 1)
        let kept = Promise(.copy, text: "", origin: "").expectation(of: scenario).archive
        #expect(kept.judge(SeenAccount(ends[0])).lost == 1 && kept.judge(SeenAccount(ends[1])).isAsPromised)
    }

    @Test("what was moved in the archive may come again to its old place, and is lost where it is in none")
    func movedInArchive() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "move-in-archive" })
        for kind in [Promise.Kind.oneWay, .copy] {
            let wanted = Promise(kind, text: "", origin: "").expectation(of: scenario).archive
            var moved = scenario.start.after(scenario.archive)
            #expect(wanted.judge(SeenAccount(moved)).isAsPromised, "\(kind)")
            moved.messages.append(.init(mailbox: "INBOX", key: "B"))
            #expect(wanted.judge(SeenAccount(moved)).isAsPromised, "\(kind)")
            moved.messages.removeAll { $0.key == "B" }
            #expect(wanted.judge(SeenAccount(moved)).lost == 1, "\(kind)")
        }
    }

    @Test("what was renamed on both sides may have either name, or both, but not none", arguments: placing)
    func renamedApart(kind: Promise.Kind) throws {
        let scenario = try #require(Scenario.all.first { $0.id == "rename-mailbox-in-both" })
        let (source, archive) = scenario.ends
        let wanted = Promise(kind, text: "", origin: "").expectation(of: scenario).archive
        #expect(wanted.judge(SeenAccount(source)).isAsPromised)
        #expect(wanted.judge(SeenAccount(archive)).isAsPromised == (kind != .mirror))
        var none = source
        none.messages.removeAll { $0.key == "F" }
        #expect(wanted.judge(SeenAccount(none)).lost == 1)
        #expect(wanted.judge(SeenAccount(scenario.start)).isAsPromised == false)
    }

    @Test("what left in the midst of a run may have been copied, where nothing is deleted", arguments: placing)
    func expungedInRun(kind: Promise.Kind) throws {
        let scenario = try #require(Scenario.all.first { $0.id == "expunged-in-run" })
        let wanted = Promise(kind, text: "", origin: "").expectation(of: scenario).archive
        let without = scenario.ends.source
        #expect(wanted.judge(SeenAccount(without)).isAsPromised)
        let with = wanted.judge(SeenAccount(scenario.start.after(scenario.source)))
        #expect(with.isAsPromised == (kind != .mirror && kind != .twoWay), "\(with)")
    }

    @Test("what a run cannot bring is no loss if it says so, and is one if it ends with 0")
    func withheld() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "refused" })
        let promise = Promise(.oneWay, text: "", origin: "")
        let places = promise.withheld(in: scenario, isFaulty: false)
        #expect(places == [.init("INBOX", "L1#"), .init("Work", "L2#")])
        let wanted = promise.expectation(of: scenario).archive
        var copy = scenario.ends.source
        copy.messages.removeAll { $0.key.hasSuffix("#") }
        let told = wanted.allowing(places).judge(SeenAccount(copy))
        #expect(told.isAsPromised && told.silent(about: places).lost == 2)
        copy.messages.removeAll { $0.key == "N2" }
        #expect(wanted.allowing(places).judge(SeenAccount(copy)).lost == 1)
        let closed = try #require(Scenario.all.first { $0.id == "cannot-open" })
        #expect(promise.withheld(in: closed, isFaulty: true) == [.init("Work", "N1")])
        #expect(promise.withheld(in: closed, isFaulty: false).isEmpty)
        let collecting = Promise(.collect, text: "", origin: "")
        #expect(collecting.withheld(in: closed, isFaulty: true) == [.init("INBOX", "N1")])
    }

    @Test("the same message by another way is one message")
    func bcc() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "bcc" })
        for kind in Self.placing {
            let wanted = Promise(kind, text: "", origin: "").expectation(of: scenario)
            let archive = SeenAccount(scenario.start.after(scenario.archive))
            #expect(wanted.archive.judge(archive).isAsPromised, "\(kind)")
            var twice = scenario.start.after(scenario.archive)
            twice.messages.append(.init(mailbox: "INBOX", key: "P*"))
            #expect(wanted.archive.judge(SeenAccount(twice)).duplicated == 1, "\(kind)")
        }
    }

    @Test("an altered message is known by what it says it is")
    func letters() {
        #expect(Letter("N*").tag == "N" && Letter("N*").octets != Letter("N").octets)
        #expect(Letter("R").digest != Letter("R'").digest)
        #expect(Set(["A", "B", "R", "R'", "-N", "N1"].map { Letter($0).internalDate }).count == 6)
    }

    @Test("changes are told from both accounts alone")
    func changes() {
        let start = SeenAccount(Scenario.office)
        let end = SeenAccount(Scenario.office.after([.move("B", from: "INBOX", to: "Work"), .create("Neu")]))
        #expect(end.changes(since: start) == ["+Neu/", "-INBOX/B", "+Work/B"])
        #expect(start.changes(since: start).isEmpty)
    }
}
