import Foundation
import MailCore
import MailFormats
import MailarcTesting
import Testing

/// What `make-import-samples` makes, once for all tests.
enum ImportSamples {
    private static let made: Result<TestFolder, any Error> = Result { () throws -> TestFolder in
        let folder = try TestFolder("samples")
        // They go with the process: every test of it reads them.
        atexit { try? ImportSamples.made.get().remove() }
        // Debian's own Python has the module for zstd.
        let python = FileManager.default.fileExists(atPath: "/usr/bin/python3") ? "/usr/bin/python3" : "python3"
        let script = ProcessCommand(python, [Repository.script("make-import-samples"), folder.path])
        let result = try script.runBlocking()
        guard result.isSuccess else { throw ProcessFailure(result.errors) }
        return folder
    }

    static func path(_ name: String) throws -> String { try made.get().path + "/" + name }

    static func octets(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: try path(name))))
    }

    /// Mailbox, SHA-256, length and flags of each message, as the script says; `nil` for what it did not make.
    static func expected(_ name: String) throws -> [String]? {
        guard FileManager.default.fileExists(atPath: try path(name)) else {
            print("not run: no \(name) was made")
            return nil
        }
        return try String(contentsOfFile: path(name + ".expected"), encoding: .utf8).split(separator: "\n")
            .map(String.init)
    }

    /// The same of everything in `store`.
    static func lines(_ store: some MailStore) async throws -> [String] {
        var lines: [String] = []
        for listing in try await store.mailboxes().listings {
            for (summary, octets) in try await everything(store, listing.name) {
                let hash = TestSHA256.hash(octets).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                let name = listing.name.text.replacing("/", with: ".")
                lines.append(
                    "\(name)\t\(hash)\t\(octets.count)\t\(summary.flags.flags.map(\.name).sorted().joined(separator: " "))"
                )
            }
        }
        return lines.sorted()
    }

    /// Reads everything that can be read, whatever it is: nothing may trap, and every message listed is told of.
    static func readAll(_ store: some MailStore) async throws {
        for listing in try await store.mailboxes().listings {
            let observation = try await store.observe(listing.name, since: nil)
            guard case .full(let summaries) = observation.content else { continue }
            let report = try await store.fetch(
                summaries, from: listing.name, uidValidity: observation.status.uidValidity
            ) { message in
                while try await message.next() != nil {}
            }
            #expect(report.delivered.count + report.refused.count == summaries.count)
        }
    }
}

/// A seeded generator, so that a failure can be run again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
