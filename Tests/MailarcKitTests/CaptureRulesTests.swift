import MailCore
import MailMIME
import MailarcKit
import Testing

@Suite struct CaptureRulesTests {
    static let header = """
        Received: from a\r
        From: Anna <anna@Shop.test>\r
        To: bert@lab.test\r
        Subject: =?utf-8?q?Gro=C3=9Fes?=\r
         Angebot\r
        List-Id: Offers <offers.shop.test>\r
        X-Spam-Status: Yes, score=7.3 required=5.0 tests=A,B\r

        """

    private func decides(
        _ conditions: [CaptureRule.Condition], header: String = header, mailbox: String = "INBOX",
        direction: DeliveryFacts.Direction = .received
    ) throws -> Bool {
        let rules = try CaptureRules([CaptureRule("x", conditions, action: .spam)])
        let subject = CaptureSubject(
            HeaderFields(parsing: Array(header.utf8)), octetCount: 1_000, sender: "bounce@shop.test")
        let place = CapturePlace(account: "a", mailbox: MailboxName(mailbox), direction: direction)
        return rules.about(subject).deciding(place, ["Me@lab.test"]) != nil
    }

    static let holding: [CaptureRule.Condition] = [
        .field(name: "subject", pattern: "großes angebot"), .field(name: "received", pattern: "*"),
        .address(pattern: "ANNA@*"), .address(pattern: "me@lab.test"), .address(pattern: "bounce@*"),
        .listID(pattern: "*.shop.test"), .larger(999), .smaller(1_001), .isSpam(true), .score(7.3), .role(.inbox),
    ]
    static let failing: [CaptureRule.Condition] = [
        .field(name: "subject", pattern: "angebot"), .field(name: "x-loop", pattern: "*"), .address(pattern: "anna"),
        .listID(pattern: "Offers <*"), .larger(1_000), .smaller(1_000), .isSpam(false), .score(7.4), .role(.sent),
    ]

    @Test("a condition that holds", arguments: holding)
    func holds(_ condition: CaptureRule.Condition) throws { #expect(try decides([condition])) }

    @Test("a condition that does not hold", arguments: failing)
    func fails(_ condition: CaptureRule.Condition) throws { #expect(try !decides([condition])) }

    @Test("all conditions of a rule must hold, the first rule decides, and a rule without any always does")
    func order() throws {
        #expect(try decides([.isSpam(true), .role(.inbox)]) && !decides([.isSpam(true), .role(.sent)]))
        #expect(try decides([.role(.sent)], mailbox: "Sent", direction: .sent))
        #expect(try !decides([.score(0)], header: "Subject: x\r\n") && decides([.isSpam(false)], header: ""))
        let rules = try CaptureRules([
            CaptureRule("never", [.larger(5)], action: .spam), CaptureRule("first", [], action: .archive),
            CaptureRule("second", [], action: .spam),
        ])
        let subject = CaptureSubject(HeaderFields(), octetCount: 5, sender: "")
        let place = CapturePlace(account: "a", mailbox: MailboxName("INBOX"), direction: .unknown)
        #expect(rules.about(subject).deciding(place, [])?.name == "first")
        #expect(throws: KitError.self) {
            try CaptureRules([CaptureRule("x", [.address(pattern: "*****")], action: .spam)])
        }
    }

    @Test("one copy is for several: it is skipped where a rule holds for each of them, filed where it holds for one")
    func skips() throws {
        func action(_ action: CaptureRule.Action, _ recipients: [String]) throws -> CaptureRule.Action? {
            let rules = try CaptureRules([CaptureRule("bots", [.address(pattern: "bot*")], action: action)])
            let place = CapturePlace(account: "a", mailbox: MailboxName("INBOX"), direction: .unknown)
            return rules.about(CaptureSubject(HeaderFields(), octetCount: 5, sender: "")).deciding(place, recipients)?
                .action
        }
        #expect(try action(.skip, ["bot1", "Bot2"]) == .skip && action(.skip, ["bot1", "anna"]) == nil)
        #expect(try action(.skip, []) == nil && action(.spam, ["bot1", "anna"]) == .spam)
        for name in ["rule 1", "", "Bots", "anna@lab.test", String(repeating: "x", count: 65)] {
            #expect(throws: KitError.self) { try CaptureRules([CaptureRule(name, [], action: .skip)]) }
        }
    }

    /// A header, whether it says spam, and the score.
    static let verdicts: [(String, Bool, Double?)] = [
        ("X-Spam-Flag: YES", true, nil), ("X-Spam-Flag: NO", false, nil), ("X-Spam: Yes", true, nil),
        ("X-Spam-Status: No, hits=-1.4 required=5.0", false, -1.4),
        ("X-Spam-Status: Yes, score=15 required=5.0\r\n\ttests=BAYES_99,score=99x", true, 15),
        ("X-Spam-Score: 3.5", false, 3.5), ("X-Rspamd-Score: 1.20", false, 1.2),
        ("X-Spamd-Result: default: True [15.20 / 15.00];\r\n\tA(1)[x]", true, 15.2),
        ("X-Spamd-Result: default: False [-0.10 / 15.00]; B", false, -0.1),
        ("X-Rspamd-Action: add header", true, nil), ("X-Rspamd-Action: no action", false, nil),
        ("X-Spam-Score: nan\r\nX-Rspamd-Score: inf", false, nil), ("X-Spam-Score: 0x10", false, nil),
        ("X-Spam-Score: 1\r\nX-Spam-Score: 9", false, 1), ("Subject: X-Spam-Flag: YES", false, nil),
        ("X-Spam-Flag: yesterday", false, nil),
    ]

    @Test("what SpamAssassin and Rspamd write is read", arguments: verdicts)
    func verdict(_ header: String, _ isSpam: Bool, _ score: Double?) {
        let verdict = SpamVerdict(HeaderFields(parsing: Array((header + "\r\n").utf8)))
        #expect(verdict.isSpam == isSpam && verdict.score == score, "\(verdict)")
    }

    @Test("headers cut anywhere and random octets are read to their end")
    func total() {
        var generator = SystemRandomNumberGenerator()
        for (header, _, _) in Self.verdicts + [(Self.header, true, nil)] {
            let octets = Array(header.utf8)
            for count in 0...octets.count { _ = SpamVerdict(HeaderFields(parsing: Array(octets.prefix(count)))) }
            for _ in 0..<100 {
                var damaged = octets
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
                let fields = HeaderFields(parsing: damaged)
                _ = CaptureSubject(fields, octetCount: 1, sender: "")
                #expect(SpamVerdict(fields).score.map(\.isFinite) ?? true)
            }
        }
    }
}
