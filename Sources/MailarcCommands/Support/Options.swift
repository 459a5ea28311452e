import ArgumentParser
import Glibc
import MailarcKit

/// Which archive, and what opens it.
struct ArchiveOptions: ParsableArguments {
    @Option(
        name: [.customShort("a"), .long], help: "The archive folder (default: $MAILARC_ARCHIVE).")
    var archive: String?

    @OptionGroup(title: "Unlocking") var unlocking: UnlockOptions

    func path() throws(KitError) -> String {
        guard let path = archive ?? Secrets.variable("MAILARC_ARCHIVE"), !path.isEmpty else {
            throw KitError(.usage, "no archive named", hint: "give -a DIR or set MAILARC_ARCHIVE")
        }
        return path
    }

    func open() async throws(KitError) -> Workspace {
        try await Workspace.open(at: path(), unlocking: unlocking.unlocking())
    }

    /// Opens the archive, makes one call, closes it again whatever happens.
    func with<Result: Sendable>(_ body: (Workspace) async throws(KitError) -> Result)
        async throws(KitError) -> Result
    {
        let workspace = try await open()
        do {
            let result = try await body(workspace)
            await workspace.close()
            return result
        } catch {
            await workspace.close()
            throw error
        }
    }
}

/// Where passphrase or key file come from.
struct UnlockOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read the passphrase from this file (one trailing line end is dropped).", valueName: "file"))
    var passphraseFile: String?
    @Option(help: ArgumentHelp("Read the passphrase from this file descriptor.", valueName: "n"))
    var passphraseFd: Int32?
    @Option(
        help: ArgumentHelp(
            "Run this command and take its output as the passphrase.", valueName: "command"))
    var passphraseCommand: String?
    @Option(help: ArgumentHelp("Open with this key file instead of a passphrase.", valueName: "file"))
    var keyFile: String?
    @Option(
        help: ArgumentHelp(
            "Open with this recovery kit when no anchor can be reached (mailarc anchor kit).", valueName: "file"))
    var recoveryKit: String?

    @Option(
        help: ArgumentHelp(
            "Open with an identity of this age identity file; may be given several times.", valueName: "file"))
    var identityFile: [String] = []
    @Option(
        help: ArgumentHelp(
            "Run this command for the key agreement of an identity in a token or agent (Documentation/Keys.md).",
            valueName: "command"))
    var identityCommand: String?

    /// The passphrase from where the options say, or by prompt.
    func passphrase(prompt: String) throws(KitError) -> [UInt8] { try source.read(prompt: prompt) }

    var source: PassphraseSource {
        PassphraseSource(
            file: passphraseFile, descriptor: passphraseFd, command: passphraseCommand, takesCredential: true)
    }

    func unlocking() throws(KitError) -> Unlocking {
        let key = try keyFile.map { path throws(KitError) in try Secrets.file(path, what: "key") }
        let isDecided = keyFile != nil || !identityFile.isEmpty || identityCommand != nil
        var (files, command) = (identityFile, identityCommand)
        // What was named on the command line is used; environment and configuration speak only if nothing was.
        if !isDecided && !source.isNamed { (files, command) = try IdentityDefaults.read() }
        var identities: [Identity] = []
        for path in files {
            identities += try Identity.parse(Secrets.file(path, what: "identity"), name: path)
        }
        let source = source
        var unlocking = Unlocking(
            keyFile: key, identities: identities, isDecided: isDecided && !source.isNamed,
            passphrase: { try source.read(prompt: "Passphrase of the archive: ") })
        if let command {
            let program = IdentityProgram(command: command)
            unlocking.agreement = { request in try program.ask(request) }
        }
        unlocking.recoveryKit = try recoveryKit.map { path throws(KitError) in
            try Secrets.file(path, what: "recovery kit")
        }
        return unlocking
    }
}

/// Where a passphrase comes from; the prompt if nothing else is named.
struct PassphraseSource {
    var file: String?
    var descriptor: Int32?
    var command: String?
    /// Whether a credential of systemd is taken: what opens an archive is, what is new is not.
    var takesCredential = false

    /// True when an option names the source.
    var isNamed: Bool { file != nil || descriptor != nil || command != nil }
    /// True when nobody will be asked.
    var isGiven: Bool { isNamed || credential != nil }

    func read(prompt: String) throws(KitError) -> [UInt8] {
        if let file { return Secrets.trimmed(try Secrets.file(file, what: "passphrase")) }
        if let descriptor { return Secrets.trimmed(try Secrets.descriptor(descriptor, what: "passphrase")) }
        if let command { return Secrets.trimmed(try Secrets.command(command, what: "passphrase")) }
        if let credential { return Secrets.trimmed(try Secrets.file(credential, what: "passphrase")) }
        return Secrets.trimmed(try Secrets.prompt(prompt))
    }

    /// `LoadCredential=mailarc-passphrase:…` of a systemd unit; the name with a dot is that of the first version.
    private var credential: String? {
        guard takesCredential, let directory = Secrets.variable("CREDENTIALS_DIRECTORY") else { return nil }
        for name in ["mailarc-passphrase", "mailarc.passphrase"] where Secrets.isReadable("\(directory)/\(name)") {
            return "\(directory)/\(name)"
        }
        return nil
    }
}

/// How hard new mail is compressed.
struct CompressionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How hard to compress: 1 (fast) to 9 (small), or auto: by what the processor has to spare.",
            valueName: "level"))
    var compressionLevel = "auto"

    func validate() throws {
        guard compressionLevel == "auto" || Int(compressionLevel).map({ (1...9).contains($0) }) == true else {
            throw ValidationError("--compression-level takes auto or 1 to 9")
        }
    }

    /// `nil` for auto.
    func level() -> Int? { Int(compressionLevel) }
}

/// How results are shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON document (schema in Documentation/JSON.md).")
    var json = false
    @Flag(name: [.customShort("q"), .long], help: "Print errors only; the exit code tells the rest.")
    var quiet = false
    @Option(
        help: ArgumentHelp("How to show progress: auto, bar, plain, json, none.", valueName: "style"))
    var progress: ProgressStyle = .auto

    var output: Output { Output(isJSON: json, isQuiet: quiet) }
    var progressView: ProgressView { ProgressView(progress, output: output) }
}
