import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// A Maildir++ that mbsync keeps equal with one account and `mailarc sync` with another, in turns.
    @Suite("beside mbsync", .tags(.heavy), .timeLimit(.minutes(6)))
    struct MbsyncTests {
        static let reason = findExecutable("mbsync") == nil ? "isync is not installed" : DovecotServer.reasonNotRunnable

        @Test(
            "nothing is lost, nothing doubled, and all three are equal in the end",
            .enabled(if: reason == nil, "\(reason ?? "")"))
        func inTurns() async throws {
            let seed = EndToEnd.seed
            print("beside mbsync: MAILARC_SEED=\(seed)")
            try await DovecotServer.with { far in
                try await DovecotServer.with { other in
                    let bench = try await MbsyncBench(far, other)
                    defer { bench.program.remove() }
                    var players = MbsyncPlayers(bench: bench, generator: SeededGenerator(seed: seed))
                    for round in 0..<(isSoak ? 60 : 10) {
                        try await players.play(Int.random(in: 2...6, using: &players.generator))
                        try await players.syncInTurns(round)
                    }
                    try await players.settle("in the end")
                    try await bench.expectRest()
                }
            }
        }
    }
}

/// Two accounts with a Maildir between them.
struct MbsyncBench: Sendable {
    let far, other: DovecotServer
    let program: MailarcProgram
    var maildir: String { program.folder.file("mail") }

    init(_ far: DovecotServer, _ other: DovecotServer) async throws {
        (self.far, self.other) = (far, other)
        program = try MailarcProgram()
        try program.writeAccounts([("other", other.port, "anna")])
        try program.folder.write(
            "mbsyncrc",
            """
            IMAPAccount far
            Host 127.0.0.1
            Port \(far.port)
            User anna
            Pass secret
            SSLType None
            AuthMechs LOGIN

            IMAPStore far
            Account far

            MaildirStore near
            Inbox \(maildir)
            SubFolders Maildir++

            Channel both
            Far :far:
            Near :near:
            Patterns *
            Create Both
            Remove Both
            Expunge Both
            CopyArrivalDate yes
            SyncState *

            """, mode: 0o600)
        for port in [far.port, other.port] {
            let steps = ["Work", "Later"].map { PlayedStep(.create, $0) }
            try await MailPlayer.play([PlayedJob(port: port, user: "anna", steps: steps)])
        }
    }

    func mbsync() async throws {
        try await ProcessCommand("mbsync", ["-c", program.folder.file("mbsyncrc"), "-a"]).runSuccessfully()
    }

    func mailarc() async throws -> SyncDocument {
        try await program.json(
            SyncDocument.self,
            [
                "sync", "other", "maildir:\(maildir)", "--strategy", "two-way", "--state",
                program.folder.file("state"),
            ])
    }

    /// Neither has anything left to do, and leaves the other's files as they are.
    func expectRest() async throws {
        for _ in 0..<2 {
            let before = TestFolder.files(below: maildir).filter { !$0.contains(".mbsyncstate") }
            try await mbsync()
            let report = try await mailarc()
            #expect(report.isUnchanged, "\(report)")
            #expect(TestFolder.files(below: maildir).filter { !$0.contains(".mbsyncstate") } == before)
        }
    }
}

extension EndToEnd {
    /// SHA-256 in hexadecimal digits.
    static func hex(_ octets: [UInt8]) -> String {
        TestSHA256.hash(octets).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
