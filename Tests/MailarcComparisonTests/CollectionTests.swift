import MailarcComparison
import Testing

@Suite("what is collected")
struct CollectionTests {
    /// What a contender takes, in a scenario, and what its archive may hold then.
    struct Case: CustomTestStringConvertible {
        var takes: Promise.Takes
        var scenario: String
        /// Tags in INBOX.
        var holds: [String]

        var testDescription: String { "\(takes), \(scenario)" }

        static let all: [Case] = [
            Case(takes: .all, scenario: "nothing", holds: everything),
            Case(takes: .all, scenario: "expunge-in-source", holds: everything),
            Case(takes: .all, scenario: "new-in-source", holds: everything + ["N1"]),
            Case(takes: .all, scenario: "duplicates", holds: everything + ["N1", "N1"]),
            Case(takes: .all, scenario: "expunge-in-archive", holds: everything.filter { $0 != "B" }),
            Case(takes: .unseen, scenario: "nothing", holds: unseen),
            Case(takes: .unseen, scenario: "same-message-id", holds: unseen + ["R", "R'"]),
            Case(takes: .arriving, scenario: "nothing", holds: []),
            Case(takes: .arriving, scenario: "new-in-source", holds: ["N1"]),
            Case(takes: .arriving, scenario: "bcc", holds: ["P", "P"]),
            // Not into INBOX, so not through the channel.
            Case(takes: .arriving, scenario: "create-mailbox", holds: []),
        ]
        private static let everything = Scenario.office.messages.map(\.key)
        private static let unseen = Scenario.office.messages.filter { $0.flags.isEmpty }.map(\.key)
    }

    private func promise(_ takes: Promise.Takes) -> Promise {
        Promise(.collect, takes: takes, keepsDates: false, text: "", origin: "")
    }

    private func seen(_ tags: [String]) -> SeenAccount {
        var account = SeenAccount(AccountModel(messages: tags.map { .init(mailbox: "INBOX", key: $0) }))
        for place in account.messages.indices { account.messages[place].internalDate = 1 }
        return account
    }

    @Test("everything that is taken lies in INBOX, once for each time it came", arguments: Case.all)
    func collection(of example: Case) throws {
        let scenario = try #require(Scenario.all.first { $0.id == example.scenario })
        let wanted = promise(example.takes).expectation(of: scenario).archive
        #expect(wanted.judge(seen(example.holds)).isAsPromised, "\(wanted.judge(seen(example.holds)).details)")
        guard let first = example.holds.first else { return }
        #expect(wanted.judge(seen(Array(example.holds.dropFirst()))).lost == 1)
        #expect(wanted.judge(seen(example.holds + [first])).duplicated == 1)
    }

    @Test("flags of the source may change only where fetching marks what was fetched")
    func source() throws {
        let scenario = try #require(Scenario.all.first { $0.id == "nothing" })
        var read = Scenario.office
        for place in read.messages.indices { read.messages[place].flags = ["\\Seen"] }
        #expect(promise(.unseen).expectation(of: scenario).source.judge(SeenAccount(read)).isAsPromised)
        #expect(promise(.all).expectation(of: scenario).source.judge(SeenAccount(read)).flags == 6)
    }

    @Test("a scenario about what was never collected is none")
    func knows() {
        func known(_ takes: Promise.Takes) -> Set<String> {
            Set(Scenario.all.filter { promise(takes).knows($0) }.map(\.id))
        }
        let all = Set(Scenario.all.map(\.id))
        let others = [
            "expunge-in-archive-mailbox", "move-in-archive", "rename-mailbox-in-archive", "delete-mailbox-in-archive",
            "rename-mailbox-in-both", "refused",
        ]
        #expect(all.subtracting(known(.all)) == Set(others))
        #expect(known(.unseen).contains("expunge-in-archive") && !known(.unseen).contains("flags-in-archive"))
        #expect(!known(.arriving).contains("expunge-in-archive") && known(.arriving).contains("new-in-both"))
    }
}
