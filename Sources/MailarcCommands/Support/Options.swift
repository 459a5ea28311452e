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
        let variable = unsafe getenv("MAILARC_ARCHIVE").map { unsafe String(cString: $0) }
        guard let path = archive ?? variable, !path.isEmpty else {
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

    /// The passphrase from where the options say, or by prompt.
    func passphrase(prompt: String) throws(KitError) -> [UInt8] {
        if let passphraseFile {
            return Secrets.trimmed(try Secrets.file(passphraseFile, what: "passphrase"))
        }
        if let passphraseFd {
            return Secrets.trimmed(try Secrets.descriptor(passphraseFd, what: "passphrase"))
        }
        if let passphraseCommand {
            return Secrets.trimmed(try Secrets.command(passphraseCommand, what: "passphrase"))
        }
        if let directory = unsafe getenv("CREDENTIALS_DIRECTORY").map({ unsafe String(cString: $0) }),
            unsafe access("\(directory)/mailarc.passphrase", R_OK) == 0
        {
            return Secrets.trimmed(
                try Secrets.file("\(directory)/mailarc.passphrase", what: "passphrase"))
        }
        return Secrets.trimmed(try Secrets.prompt(prompt))
    }

    /// True when an option or a systemd credential names a source.
    var isGiven: Bool { passphraseFile != nil || passphraseFd != nil || passphraseCommand != nil }

    func unlocking() throws(KitError) -> Unlocking {
        let key = try keyFile.map { path throws(KitError) in try Secrets.file(path, what: "key") }
        let options = self
        var unlocking = Unlocking(keyFile: key) { try options.passphrase(prompt: "Passphrase of the archive: ") }
        unlocking.recoveryKit = try recoveryKit.map { path throws(KitError) in
            try Secrets.file(path, what: "recovery kit")
        }
        return unlocking
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
