import ArgumentParser
import MailarcKit

/// `mailarc writer …`
struct WriterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "writer", abstract: "Let hosts take mail that cannot read the archive.",
        discussion: """
            A write-only host has a credential and a folder, its outbox. 'receive' and 'deliver' seal mail into the outbox \
            and acknowledge it when it is durable there; what is in it opens with the archive's keys only. The owner \
            copies the outbox, or reaches it over a shared folder, and adopts it. Whoever takes over the host reads \
            nothing that it sealed before (Documentation/Capture.md, Write-only hosts).
            """,
        subcommands: [Add.self, List.self, Renew.self, Adopt.self, Remove.self])

    static func lines(_ report: WriterHostReport) -> [String] {
        guard !report.hosts.isEmpty else { return ["no write-only hosts"] }
        return Format.table(
            [["NAME", "WRITER", "CREATED", "SEALS UNTIL", "ADOPTED UP TO"]]
                + report.hosts.map {
                    [$0.name, $0.writer, $0.created, $0.ends, $0.adopted == 0 ? "-" : "\($0.adopted)"]
                })
    }

    /// A new credential.
    private struct Credential: Codable {
        var file: String
        var weeks: Int
    }

    /// How long a credential is good for.
    struct WeekOptions: ParsableArguments {
        @Option(help: ArgumentHelp("How many weeks it can seal from now on: 1 to 104.", valueName: "n")) var weeks = 26

        func validate() throws {
            guard (1...104).contains(weeks) else { throw ValidationError("--weeks takes 1 to 104") }
        }
    }

    /// `mailarc writer add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Make a write-only host and its credential.",
            discussion: """
                Bring the file to the host, readable to the service only; keep no copy. It can seal, and open nothing.

                EXAMPLE:
                  mailarc writer add mx1 --credential mx1.credential -a ~/mail.archive
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "What to call the host: a word of a-z, 0-9, '.', '_' and '-'.") var name: String
        @Option(help: ArgumentHelp("Write the credential to this new file.", valueName: "file")) var credential: String
        @OptionGroup var time: WeekOptions

        func run() async throws {
            let octets = try await archive.with { workspace throws(KitError) in
                try await workspace.addWriterHost(name, weeks: time.weeks)
            }
            try Secrets.save(octets, to: credential)
            try output.output.render(Credential(file: credential, weeks: time.weeks), command: "writer add") {
                ["\(name): \($0.file) seals for \(time.weeks) weeks and opens nothing"]
            }
        }
    }

    /// `mailarc writer list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the write-only hosts.",
            discussion: "EXAMPLE:\n  mailarc writer list -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in try workspace.writerHosts() }
            try output.output.render(report, command: "writer list", text: WriterCommand.lines)
        }
    }

    /// `mailarc writer renew`
    struct Renew: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "renew",
            abstract: "Give a credential more weeks.",
            discussion: """
                Needs the credential the host has; the new one takes its place, with the same outbox.

                EXAMPLE:
                  mailarc writer renew mx1.credential --output mx1.credential.new -a ~/mail.archive
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The credential the host has.") var credential: String
        @Option(
            name: .customLong("output"), help: ArgumentHelp("Write the new one to this new file.", valueName: "file"))
        var target: String
        @OptionGroup var time: WeekOptions

        func run() async throws {
            let old = try Secrets.file(credential, what: "credential")
            let octets = try await archive.with { workspace throws(KitError) in
                try await workspace.renewWriterHost(credential: old, weeks: time.weeks)
            }
            try Secrets.save(octets, to: target)
            try output.output.render(Credential(file: target, weeks: time.weeks), command: "writer renew") {
                ["\($0.file) seals for \(time.weeks) weeks"]
            }
        }
    }

    /// `mailarc writer adopt`
    struct Adopt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "adopt",
            abstract: "Take what a write-only host sealed into the archive.",
            discussion: """
                Segment by segment, in their order: the host's signature, its number and the segment before it are checked, \
                so nothing can be left out, changed or put in another order unseen. A segment goes once its messages \
                are durable here and the ledger names it. Run it as often as you like, from a timer for instance; a \
                message that came twice is archived once.

                EXIT CODES: 0 all is here, 4 a segment is missing or was changed (nothing behind it is adopted without \
                --accept-gaps), 7 another command writes.

                EXAMPLES:
                  mailarc writer adopt mx1 /srv/outbox -a ~/mail.archive
                  rsync -a --include '*.sealed' --exclude '*' mx1:/var/lib/mailarc/outbox/ /srv/outbox/ && mailarc writer adopt mx1 /srv/outbox --keep
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The host's name.") var name: String
        @Argument(help: "Its outbox, or a copy of it.") var outbox: String
        @Flag(help: "Leave the segments where they are.") var keep = false
        @Flag(help: "Go on behind segments that are missing or damaged: what they held is lost.") var acceptGaps = false
        @Option(
            help: ArgumentHelp(
                "Where large messages wait, sealed, until they are archived (default: the archive folder).",
                valueName: "folder"))
        var spool: String?
        @OptionGroup var compression: CompressionOptions

        func run() async throws {
            var request = AdoptionRequest()
            (request.host, request.outbox, request.keeps) = (name, outbox, keep)
            (request.acceptsGaps, request.spoolFolder) = (acceptGaps, spool)
            request.compressionLevel = compression.level()
            let workspace = try await archive.open()
            let report = try await workspace.adopt(request)
            try output.output.render(report, command: "writer adopt", text: Self.lines)
            if !report.isWhole { throw Outcome(status: .damaged) }
        }

        private static func lines(_ report: AdoptionReport) -> [String] {
            let repeated = report.repeated > 0 ? ", of which \(Format.count(report.repeated)) were there already" : ""
            var lines = [
                "\(report.host): \(Format.plural(report.messages, "message")) in "
                    + "\(Format.plural(report.segments, "segment")) adopted, \(Format.octets(report.octets))\(repeated)"
            ]
            if report.skipped > 0 {
                lines.append("\(Format.plural(report.skipped, "message")) skipped by rules of the host, in the ledger")
            }
            if report.known > 0 { lines.append("\(Format.plural(report.known, "segment")) had been adopted before") }
            if report.gaps > 0 { lines.append("WARNING: segments are missing at \(report.gaps) places") }
            lines += report.unreadable.map { "WARNING: passed over: \($0)" }
            if let problem = report.problem {
                lines.append("NOT DONE: \(problem); \(Format.plural(report.waiting, "segment")) wait")
            }
            return lines
        }
    }

    /// `mailarc writer remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Give a write-only host up: what it sealed and was not adopted never opens again.",
            discussion: "EXAMPLE:\n  mailarc writer remove mx1 -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The host's name.") var name: String

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in
                try await workspace.removeWriterHost(name)
            }
            try output.output.render(report, command: "writer remove", text: WriterCommand.lines)
        }
    }
}

/// An outbox in the place of an archive.
struct OutboxOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Seal mail into this folder instead of an archive, with --credential (see 'writer').", valueName: "folder"))
    var outbox: String?
    @Option(help: ArgumentHelp("The credential of this write-only host.", valueName: "file")) var credential: String?

    func validate() throws {
        guard (outbox == nil) == (credential == nil) else {
            throw ValidationError("--outbox and --credential go together")
        }
    }

    /// The folder, which is there then; `nil`: mail goes to an archive.
    func folder() throws(KitError) -> String? {
        if let outbox { try CaptureOutbox.prepare(outbox) }
        return outbox
    }

    /// `nil`: mail goes to an archive.
    func outbox(command: String) throws(KitError) -> CaptureOutbox? {
        guard let outbox, let credential else { return nil }
        try CaptureOutbox.prepare(outbox)
        return try CaptureOutbox(
            path: outbox, credential: Secrets.file(credential, what: "credential"), command: command)
    }
}
