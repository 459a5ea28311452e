/// imapsync, as it comes or with one of its caches.
public struct ImapsyncContender: Contender {
    public enum Mode: String, Sendable, CaseIterable {
        case standard, useuid, usecache, nofoldersizes
    }

    let mode: Mode

    public init(_ mode: Mode = .standard) { self.mode = mode }

    public var id: String { mode == .standard ? "imapsync" : "imapsync-\(mode.rawValue)" }
    public var name: String { mode == .standard ? "imapsync" : "imapsync --\(mode.rawValue)" }
    public var programs: [String] { ["imapsync"] }
    public var versionCommand: Invocation { Invocation("imapsync", ["--version"]) }
    public var column: StudyColumn? { mode == .standard ? .imapsync : nil }

    /// What is left out with `--nofoldersizes` changes nothing but the time.
    public var parts: Set<ComparisonRequest.Part> {
        mode == .nofoldersizes ? [.performance] : [.behaviour, .performance]
    }

    public var promise: Promise {
        Promise(
            .copy, gone: .comesAgain, flags: .source,
            text: "copies the mail of the first account that the second has not; deletes nothing there unasked; "
                + "flags are those of the first", origin: "imapsync's README and FAQ.Flags.txt")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: [
                "libmail-imapclient-perl", "libio-socket-ssl-perl", "libio-tee-perl", "libfile-copy-recursive-perl",
                "libunicode-string-perl", "libreadonly-perl", "libsys-meminfo-perl", "libregexp-common-perl",
            ], isPackaged: false, documented: [.manual, .examples, .exitCodes],
            origin: "imapsync's INSTALL.Debian.txt (a script and Perl modules), README with examples, "
                + "EX_… in its source and FAQ")
    }

    public func invocation(_ pair: Pair) -> Invocation { copy(from: pair.source, to: pair.archive, pair) }

    public var knowsPrefixes: Bool { mode == .standard }

    public func restoring(_ pair: Pair) -> Copying? {
        mode == .standard ? Copying(copy(from: pair.archive, to: pair.empty, pair)) : nil
    }

    private func copy(from first: LabAddress, to second: LabAddress, _ pair: Pair) -> Invocation {
        func side(_ number: Int, _ address: LabAddress) -> [String] {
            [
                "--host\(number)", "127.0.0.1", "--port\(number)", "\(address.port)", "--user\(number)", address.user,
                "--passfile\(number)", pair.passwordFile, "--nossl\(number)", "--notls\(number)",
            ]
        }
        let more: [String] =
            switch mode {
            case .standard: []
            case .useuid: ["--useuid"]
            case .usecache: ["--usecache"]
            case .nofoldersizes: ["--nofoldersizes", "--nofoldersizesatend"]
            }
        return Invocation(
            "imapsync",
            side(1, first) + side(2, second) + more + [
                "--nolog", "--noreleasecheck", "--tmpdir", pair.folder, "--pidfile", pair.file("imapsync.pid"),
            ])
    }
}
