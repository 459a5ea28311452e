import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc sync` between two real Dovecots, killed and cut off at octets of its connections.
    @Suite("sync, killed and cut off at any octet", .tags(.heavy), .timeLimit(.minutes(120)))
    struct SyncCrashTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        /// Kills of each strategy: `MAILARC_KILLS`, 200 in `make soak`, 20 in `make test`. Half as many cuts come on top.
        static let kills: Int = {
            if let text = ProcessInfo.processInfo.environment["MAILARC_KILLS"], let count = Int(text) { return count }
            return isSoak ? 200 : 20
        }()

        struct Case: Sendable, CustomStringConvertible {
            var strategy: [String]
            var kind: CrashPairs.Destination
            /// The part of ``kills`` it is given.
            var share = 1.0
            var hasLargeMail = false
            var description: String {
                "\(strategy.joined(separator: " ")) to \(kind)" + (hasLargeMail ? ", large mail" : "")
            }
        }

        /// `MAILARC_CASE` names the one a failure is looked for in.
        static let cases = all.filter {
            let name = ProcessInfo.processInfo.environment["MAILARC_CASE"]
            return name == nil || name == $0.description
        }

        private static let all: [Case] = [
            Case(strategy: ["backup"], kind: .account), Case(strategy: ["two-way"], kind: .account),
            Case(strategy: ["one-way"], kind: .account), Case(strategy: ["copy"], kind: .account),
            Case(strategy: ["bcc", "--bend", "no-grace"], kind: .account),
            Case(strategy: ["backup"], kind: .maildir, share: 0.6),
            Case(strategy: ["two-way"], kind: .maildir, share: 0.6),
            Case(strategy: ["backup"], kind: .maildir, share: 0.5, hasLargeMail: true),
            Case(strategy: ["copy"], kind: .archive, share: 0.6),
            Case(strategy: ["two-way"], kind: .archive, share: 0.6),
        ]

        @Test(
            "nothing is lost, nothing is doubled, octets and flags are those of a run nobody disturbed",
            .enabled(if: canRunDovecot), arguments: cases)
        func interrupted(_ item: Case) async throws {
            let seed = EndToEnd.seed
            let wanted = Int(Double(Self.kills) * item.share)
            try await CrashPairs.with(
                item.strategy, to: item.kind, count: wanted / 2 + 4, hasLargeMail: item.hasLargeMail
            ) { pairs in
                var session = Session(pairs: pairs, generator: SeededGenerator(seed: seed))
                try await session.measure(item.strategy[0])
                var number = 1
                while session.kills < wanted, number < pairs.count {
                    try await session.disturb(number, "\(item), MAILARC_SEED=\(seed), pair \(number)")
                    number += 1
                }
                #expect(session.kills >= wanted)
                if item.kind == .archive { try await pairs.program.expectClean() }
                print(
                    "sync \(item): MAILARC_SEED=\(seed), \(session.kills) kills, \(session.cuts) cuts,",
                    "\(number - 1) pairs equal; whole runs took \(session.phases.map(\.octets)) octets;",
                    "cut runs ended with \(session.endings.sorted { $0.key < $1.key })")
            }
        }

        /// The first copy, or what comes after the changes, as it is when nobody disturbs it.
        struct Phase {
            var octets: Int
            var dump: [[String]]
        }

        struct Session {
            let pairs: CrashPairs
            var generator: SeededGenerator
            var phases: [Phase] = []
            var script = CrashScript()
            /// Octets of a run that has nothing to do.
            var idle = 0
            var (kills, cuts) = (0, 0)
            var endings: [Int32: Int] = [:]

            init(pairs: CrashPairs, generator: SeededGenerator) { (self.pairs, self.generator) = (pairs, generator) }

            /// Runs pair 0 through, undisturbed.
            mutating func measure(_ strategy: String) async throws {
                for number in 0..<2 {
                    if number == 1 {
                        script = CrashScript(dump: phases[0].dump, using: &generator)
                        try await pairs.change(0, script)
                    }
                    let run = try await pairs.run(0)
                    #expect(run.document?.outcome == "done", "\(run.result.output) \(run.result.errors)")
                    let plan = try await pairs.run(0, .kill, ["--dry-run"]).document?.plan
                    #expect(plan == [], "still to do after phase \(number)")
                    let again = try await pairs.run(0)
                    #expect(again.document?.isUnchanged == true, "\(again.result.output) \(again.result.errors)")
                    idle = again.passed.octets
                    phases.append(Phase(octets: run.passed.octets, dump: try await pairs.dump(0)))
                    let dump = phases[number].dump
                    if number == 0, strategy != "bcc" { expectEqual(dump[1], dump[0], "first copy") }
                    if ["backup", "two-way"].contains(strategy) { expectEqual(dump[1], dump[0], "phase \(number)") }
                }
            }

            /// Kills and cuts both phases of a pair, each at some octets, and compares it with pair 0 after each.
            mutating func disturb(_ number: Int, _ label: String) async throws {
                for (index, phase) in phases.enumerated() {
                    if index == 1 { try await pairs.change(number, script) }
                    var left = phase.octets
                    for deed in ([.kill, .kill, .cut] as [OctetTrap.Deed]).shuffled(using: &generator) {
                        let target = Int.random(in: 1...left, using: &generator)
                        let run = try await pairs.run(number, at: target, deed)
                        guard note(run, deed, "\(label), phase \(index), \(deed) at \(target)") else { continue }
                        left = max(left - run.passed.octets, 0) + idle
                    }
                    let last = try await pairs.run(number)
                    #expect(last.result.isSuccess, "\(label): \(last.result.ending) \(last.result.errors)")
                    let dump = try await pairs.dump(number)
                    expectEqual(dump[0], phase.dump[0], "\(label), phase \(index), source")
                    expectEqual(dump[1], phase.dump[1], "\(label), phase \(index), destination")
                    guard index == phases.count - 1 else { continue }
                    let again = try await pairs.run(number)
                    #expect(again.document?.isUnchanged == true, "\(label): \(again.result.output)")
                }
            }

            /// True when the trap sprang.
            private mutating func note(_ run: CrashPairs.Run, _ deed: OctetTrap.Deed, _ label: String) -> Bool {
                let result = run.result
                guard run.passed.isSprung else {
                    #expect(result.isSuccess, "\(label): \(result.ending) \(result.errors)")
                    return false
                }
                switch deed {
                case .kill:
                    kills += 1
                    #expect(result.isKilled || result.isSuccess, "\(label): \(result.ending) \(result.errors)")
                default:
                    cuts += 1
                    let code = result.exitCode ?? -1
                    endings[code, default: 0] += 1
                    // Done all the same, the connection gave way (8), or one end broke off (18).
                    #expect([0, 8, 18].contains(code), "\(label): \(result.ending) \(result.errors)")
                    #expect(
                        code == 0 || !result.errors.isEmpty || run.document?.interruption != nil
                            || run.document?.mailboxes.contains { $0.failure != nil } == true,
                        "\(label): not a word")
                }
                return true
            }
        }
    }
}
