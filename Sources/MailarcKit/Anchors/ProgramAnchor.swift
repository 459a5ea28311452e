import ArchiveStore
import MailCore

/// An anchor behind a program: `ssh` with a script on the far side, or a `mailarc-anchor-…` of somebody else.
///
/// One call of the program is one verb (Documentation/Anchors.md): `prepare`, `list`, `read`, `store`, `keep`. Secrets pass through
/// standard input and output only.
struct ProgramAnchor: Anchor {
    /// LIMIT: seconds one call may take; a host that does not answer must not hold the archive.
    static let patience: Int64 = 30
    /// The status that says: there is no secret of that epoch.
    static let noneStatus: Int32 = 44

    let name: String
    let program: String
    /// The program's arguments for a verb and an epoch.
    let arguments: @Sendable (_ verb: String, _ epoch: String) -> [String]

    func prepare() throws(ArchiveError) { _ = try call("prepare", nil) }

    func epochs() throws(ArchiveError) -> [UInt32] {
        let text = String(decoding: try call("list", nil), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).compactMap { UInt32($0) }.sorted()
    }

    func read(epoch: UInt32) throws(ArchiveError) -> [UInt8]? {
        let outcome = try run("read", epoch, [])
        if outcome.status == Self.noneStatus { return nil }
        return try output(outcome, "read")
    }

    func store(_ secret: [UInt8], epoch: UInt32) throws(ArchiveError) { _ = try call("store", epoch, secret) }

    func destroyAll(but epoch: UInt32) throws(ArchiveError) { _ = try call("keep", epoch) }

    private func call(_ verb: String, _ epoch: UInt32?, _ input: [UInt8] = []) throws(ArchiveError) -> [UInt8] {
        try output(try run(verb, epoch, input), verb)
    }

    private func run(_ verb: String, _ epoch: UInt32?, _ input: [UInt8]) throws(ArchiveError) -> ChildProcess.Outcome {
        do {
            return try ChildProcess.run(
                program, arguments(verb, epoch.map(String.init) ?? "-"), input: input, seconds: Self.patience)
        } catch { throw ArchiveError(.anchorUnavailable, "the anchor \(name): \(error.message)", retry: .later) }
    }

    private func output(_ outcome: ChildProcess.Outcome, _ verb: String) throws(ArchiveError) -> [UInt8] {
        guard let status = outcome.status else {
            throw ArchiveError(
                .anchorUnavailable, "the anchor \(name) did not answer within \(Self.patience) seconds", retry: .later)
        }
        guard status == 0 else {
            throw ArchiveError(
                .anchorUnavailable, "the anchor \(name): \(program) ended with status \(status) at \"\(verb)\"",
                retry: .later)
        }
        return outcome.output
    }
}

extension ProgramAnchor {
    /// A directory of secrets on `host`, which needs nothing but a POSIX shell.
    ///
    /// - Parameter place: `host` or `host:path`; a relative path starts at the home directory there.
    static func ssh(_ entry: AnchorEntry, _ archive: RandomID) -> ProgramAnchor {
        let halves = entry.place.split(separator: ":", maxSplits: 1)
        let host = String(halves.first ?? "")
        let path = halves.count == 2 && !halves[1].isEmpty ? String(halves[1]) : ".local/state/mailarc/anchors"
        return ProgramAnchor(name: entry.name, program: "ssh") { verb, epoch in
            let words = ["sh", "-c", script, "mailarc", verb, path, archive.description, epoch]
            return [
                "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host,
                words.map(quoted).joined(separator: " "),
            ]
        }
    }

    /// `mailarc-anchor-<place>` on PATH.
    static func exec(_ entry: AnchorEntry, _ archive: RandomID) -> ProgramAnchor {
        ProgramAnchor(name: entry.name, program: "mailarc-anchor-\(entry.place)") { verb, epoch in
            [verb, archive.description, epoch]
        }
    }

    /// As a POSIX shell reads one word.
    private static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static let script = """
        set -eu; umask 077; d=$2; a=$3; e=$4
        settle() { sync "$1" 2>/dev/null || sync; }
        case $1 in
        list) for f in "$d/$a".*; do if [ -f "$f" ]; then echo "${f##*.}"; fi; done;;
        read) [ -f "$d/$a.$e" ] || exit 44; cat "$d/$a.$e";;
        prepare) mkdir -p "$d";;
        store) [ -d "$d" ] || exit 69; cat > "$d/$a.$e.new"; settle "$d/$a.$e.new"; mv "$d/$a.$e.new" "$d/$a.$e"; settle "$d";;
        keep) for f in "$d/$a".*; do
            if [ -f "$f" ] && [ "$f" != "$d/$a.$e" ]; then
                dd if=/dev/zero of="$f" bs="$(wc -c < "$f")" count=1 conv=notrunc,fsync 2>/dev/null; rm -f "$f"
            fi; done; [ -d "$d" ] || exit 69; settle "$d";;
        *) exit 64;;
        esac
        """
}

extension AnchorAccess {
    /// Every kind of anchor; `kit` where a recovery kit was given.
    static func complete(kit: RecoveryKit? = nil) -> AnchorAccess {
        AnchorAccess(kit: kit?.secret) { entry, archive throws(ArchiveError) in
            switch entry.kind {
            case .directory: DirectoryAnchor(path: entry.place, archive: archive)
            case .ssh: ProgramAnchor.ssh(entry, archive)
            case .exec: ProgramAnchor.exec(entry, archive)
            case .inside: throw ArchiveError(.internalError, "the inside anchor needs no connection")
            }
        }
    }
}
