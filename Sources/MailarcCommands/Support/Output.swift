import FoundationEssentials
import Glibc
import MailarcKit

/// Where commands write: text for people, or one JSON document with `--json`.
///
/// Standard output holds results only; progress, warnings and errors go to standard error.
struct Output {
    /// The version of every JSON document (`Documentation/JSON.md`).
    static let schemaVersion = 1

    var isJSON: Bool
    var isQuiet: Bool

    /// Prints `report` as JSON, or the lines `text` makes of it.
    func render<Report: Encodable>(_ report: Report, command: String, text: (Report) -> [String])
        throws
    {
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(
                Envelope(schema: Self.schemaVersion, command: command, result: report))
            Self.write(Array(data) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
        } else if !isQuiet {
            Self.write(
                Array((text(report).map(Self.printable).joined(separator: "\n") + "\n").utf8),
                to: STDOUT_FILENO)
        }
    }

    /// ``render(_:command:text:)`` while an archive is open.
    func show<Report: Encodable>(
        _ report: Report, command: String, text: (Report) -> [String]
    ) throws(KitError) {
        do { try render(report, command: command, text: text) } catch {
            throw KitError(.internalError, "the report cannot be shown", cause: error)
        }
    }

    /// One line on standard output.
    func tell(_ line: String) { Self.write(Array((Self.printable(line) + "\n").utf8), to: STDOUT_FILENO) }

    /// One line on standard error, unless quiet.
    func note(_ line: String) {
        guard !isQuiet else { return }
        Self.write(Array((Self.printable(line) + "\n").utf8), to: STDERR_FILENO)
    }

    /// What happened and what to do next, on standard error.
    static func report(_ error: KitError) {
        var text = "mailarc: " + printable(error.message)
        if let cause = error.cause { text += " (\(printable(String(describing: cause))))" }
        if let hint = error.hint { text += "\n  → " + printable(hint) }
        write(Array((text + "\n").utf8), to: STDERR_FILENO)
    }

    /// Writes all of `octets`, or gives up silently when the reader went away.
    static func write(_ octets: [UInt8], to descriptor: Int32) {
        var rest = octets[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Replaces the file at `path`; for what is neither mail nor secret.
    static func write(_ octets: [UInt8], toFile path: String) throws(KitError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw KitError(.ioFailed, "cannot write \(path): \(Secrets.describe(errno))") }
        write(octets, to: descriptor)
        guard close(descriptor) == 0 else {
            throw KitError(.ioFailed, "cannot write \(path): \(Secrets.describe(errno))")
        }
    }

    /// `text` without control characters: mail must not drive the terminal (LF stays).
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A, 0x09: false
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private struct Envelope<Report: Encodable>: Encodable {
        var schema: Int
        var command: String
        var result: Report
    }
}
