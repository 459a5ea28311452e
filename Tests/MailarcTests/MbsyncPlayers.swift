import Foundation
import MailarcTesting
import Testing

/// What the users of the three do, and what must come of it.
struct MbsyncPlayers {
    enum Side: CaseIterable { case far, maildir, other }
    struct Message {
        var mailbox: String
        var flags: [String]
    }

    let bench: MbsyncBench
    var generator: SeededGenerator
    /// By key; all that was not deleted.
    private var model: [Int: Message] = [:]
    /// Changed since all three were equal: left alone until they are again.
    private var touched: Set<Int> = []
    private var next = 0

    init(bench: MbsyncBench, generator: SeededGenerator) { (self.bench, self.generator) = (bench, generator) }

    private static let mailboxes = ["INBOX", "Work", "Later"]

    // MARK: Syncs

    /// One tool, both, or both until all are equal.
    mutating func syncInTurns(_ round: Int) async throws {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: try await bench.mbsync()
        case 1: _ = try await bench.mailarc()
        default: try await settle("round \(round)")
        }
    }

    mutating func settle(_ label: String) async throws {
        let startsWithMbsync = Bool.random(using: &generator)
        for turn in 0..<3 {
            if (turn % 2 == 0) == startsWithMbsync {
                try await bench.mbsync()
            } else {
                let report = try await bench.mailarc()
                #expect(report.outcome == "done", "\(label): \(report)")
            }
        }
        touched = []
        let expected = model.map { "\($0.value.mailbox) m\($0.key) \($0.value.flags.sorted())" }.sorted()
        for side in Side.allCases {
            let found = try await shown(side)
            #expect(found == expected, "\(label): \(side) shows \(difference(found, expected))")
        }
    }

    private func difference(_ found: [String], _ expected: [String]) -> String {
        "too much \(Set(found).subtracting(expected).sorted()), too little \(Set(expected).subtracting(found).sorted())"
    }

    /// Mailbox, key and flags of every message.
    private func shown(_ side: Side) async throws -> [String] {
        guard let port = port(side) else { return try files().map(\.text).sorted() }
        let bodies = Dictionary(uniqueKeysWithValues: (0..<next).map { (EndToEnd.hex(Self.body($0)), $0) })
        let job = PlayedJob(port: port, user: "anna", shows: true, bodies: true)
        return try await MailPlayer.play([job])[0].flatMap { mailbox, messages in
            messages.map { "\(mailbox) m\(bodies[$0.digest] ?? -1) \($0.flags)" }
        }.sorted()
    }

    private func port(_ side: Side) -> Int? {
        switch side {
        case .far: bench.far.port
        case .other: bench.other.port
        case .maildir: nil
        }
    }

    // MARK: Users

    mutating func play(_ count: Int) async throws {
        var steps: [Side: [PlayedStep]] = [:]
        for _ in 0..<count {
            let side = Side.allCases.randomElement(using: &generator) ?? .far
            let key = model.keys.filter { !touched.contains($0) }.sorted().randomElement(using: &generator)
            let kind = Int.random(in: 0..<10, using: &generator)
            guard kind >= 4, let key, let message = model[key] else {
                try await add(side, &steps)
                continue
            }
            touched.insert(key)
            let digest = EndToEnd.hex(Self.body(key))
            let step: PlayedStep
            switch kind {
            case 4, 5:
                model[key] = nil
                step = PlayedStep(.expunge, message.mailbox, message: digest)
            case 6, 7:
                let target = Self.mailboxes.filter { $0 != message.mailbox }.randomElement(using: &generator) ?? "INBOX"
                model[key]?.mailbox = target
                step = PlayedStep(.move, message.mailbox, message: digest, to: target)
            default:
                let flags = ["\\Answered", "\\Flagged", "\\Seen"].filter { _ in Bool.random(using: &generator) }
                model[key]?.flags = flags
                step = PlayedStep(.flags, message.mailbox, message: digest, flags: flags)
            }
            if side == .maildir { try change(key, step) } else { steps[side, default: []].append(step) }
        }
        for (side, steps) in steps {
            guard let port = port(side) else { continue }
            try await MailPlayer.play([PlayedJob(port: port, user: "anna", steps: steps, bodies: true)])
        }
    }

    private mutating func add(_ side: Side, _ steps: inout [Side: [PlayedStep]]) async throws {
        let mailbox = Self.mailboxes.randomElement(using: &generator) ?? "INBOX"
        let key = next
        next += 1
        touched.insert(key)
        model[key] = Message(mailbox: mailbox, flags: side == .maildir ? [] : ["\\Seen"])
        guard side == .maildir else {
            steps[side, default: []].append(
                PlayedStep(
                    .append, mailbox, octets: Self.message(key), flags: ["\\Seen"], date: 1_600_000_000 + key))
            return
        }
        let folder = folder(mailbox)
        for name in ["cur", "new", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        // As programs on this machine write them: with LF.
        let text = String(decoding: Self.message(key), as: UTF8.self).replacing("\r\n", with: "\n")
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/new/\(1_600_000_000 + key).M\(key).host"))
    }

    private static func message(_ key: Int) -> [UInt8] {
        Array("From: someone@example.org\r\nSubject: m\(key)\r\nMessage-ID: <m\(key)@example.org>\r\n\r\n".utf8)
            + body(key)
    }

    private static func body(_ key: Int) -> [UInt8] {
        Array((0...key % 5).map { "Line \($0) of m\(key).\r\n" }.joined().utf8)
    }

    // MARK: Files

    private struct File {
        var mailbox, path: String
        var key: Int
        var flags: [String]
        var text: String { "\(mailbox) m\(key) \(flags)" }
    }

    private func folder(_ mailbox: String) -> String {
        mailbox == "INBOX" ? bench.maildir : "\(bench.maildir)/.\(mailbox)"
    }

    private func files() throws -> [File] {
        let letters = ["F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"]
        return try Self.mailboxes.flatMap { mailbox in
            try ["cur", "new"].flatMap { part in
                let path = "\(folder(mailbox))/\(part)"
                guard FileManager.default.fileExists(atPath: path) else { return [File]() }
                return try FileManager.default.contentsOfDirectory(atPath: path).map { name in
                    let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
                        .replacing("\r\n", with: "\n")
                    let end = text.range(of: "\n\n")?.upperBound ?? text.endIndex
                    let key = (0..<next).first { number in
                        String(decoding: Self.body(number), as: UTF8.self).replacing("\r\n", with: "\n") == text[end...]
                    }
                    let info = name.split(separator: ",").last.map(String.init) ?? ""
                    let flags = name.contains(":2,") ? info.compactMap { letters[String($0)] }.sorted() : []
                    return File(mailbox: mailbox, path: "\(path)/\(name)", key: key ?? -1, flags: flags)
                }
            }
        }
    }

    /// As a client does that knows nothing of either tool.
    private func change(_ key: Int, _ step: PlayedStep) throws {
        guard let file = try files().first(where: { $0.key == key && $0.mailbox == step.mailbox }) else {
            throw ProcessFailure("m\(key) is not in \(step.mailbox)")
        }
        let name = (file.path as NSString).lastPathComponent
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        switch step.do {
        case .expunge: try FileManager.default.removeItem(atPath: file.path)
        case .move:
            let info = parts.count > 1 ? parts[1] : "2,"
            let target =
                "\(folder(step.to ?? "INBOX"))/cur/\(1_700_000_000 + key).M\(key)_\(UInt32.random(in: 0 ... .max)).host:\(info)"
            try FileManager.default.moveItem(atPath: file.path, toPath: target)
        default:
            let letters = ["\\Flagged": "F", "\\Answered": "R", "\\Seen": "S"]
            let info = (step.flags ?? []).compactMap { letters[$0] }.sorted().joined()
            let target = "\(folder(step.mailbox))/cur/\(parts[0]):2,\(info)"
            // The flags may be what they were: `moveItem` refuses a name that is there, its own, too.
            if target != file.path { try FileManager.default.moveItem(atPath: file.path, toPath: target) }
        }
    }
}
