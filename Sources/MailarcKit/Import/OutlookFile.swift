import Glibc
import MailCore
import MailFormats

/// A PST or OST of Outlook, read by `readpst` of Debian's pst-utils.
///
/// Outlook keeps no messages but their pieces: what comes out is put together, and never what was once received.
struct OutlookFile {
    let path: String

    /// LIMIT: octets that may come of one octet: attachments become base64, and bodies are there as text and HTML.
    private static let growth: UInt64 = 3
    /// LIMIT: how long `readpst` may take; 50 GB take it some hours.
    private static let seconds: Int64 = 48 * 3_600

    /// Has every item written into a private folder, and opens that.
    ///
    /// - Throws: `.ioFailed` for a file that is none, without `readpst`, and when it fails.
    func open() throws(KitError) -> OpenedImport {
        let size = try octetCount()
        let folder = try PrivateFolder(room: size.multipliedReportingOverflow(by: Self.growth).partialValue)
        do throws(KitError) {
            let problems = try run(into: folder.path)
            return OpenedImport(
                store: try store(in: folder.path), channel: .eml, fidelity: .reconstructed, folder: folder,
                notes: folder.notes, problems: problems)
        } catch {
            folder.remove()
            throw error
        }
    }

    private func store(in folder: String) throws(KitError) -> FileTreeStore<EMLLayout> {
        do throws(FormatsError) {
            return try FileTreeStore(path: folder, EMLLayout(identity: .header), fidelity: .reconstructed)
        } catch { throw KitError(.ioFailed, "what readpst wrote cannot be read", cause: error) }
    }

    // pst = "!BDN" …   ; MS-PST §2.2.2.6
    private func octetCount() throws(KitError) -> UInt64 {
        let file = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw KitError(.ioFailed, "cannot open \(path)") }
        defer { close(file) }
        var mark = [UInt8](repeating: 0, count: 4)
        var status = stat()
        guard unsafe read(file, &mark, 4) == 4, mark.elementsEqual("!BDN".utf8), unsafe fstat(file, &status) == 0 else {
            throw KitError(.ioFailed, "\(path) is not a PST file of Outlook")
        }
        return UInt64(status.st_size)
    }

    /// LIMIT: octets of what `readpst` tells: some 100,000 folders.
    private static let outputLimit = 16 << 20

    /// What was left out, as sentences.
    private func run(into folder: String) throws(KitError) -> [String] {
        // -e: a file each, with names that end; -D: deleted items, too; -j 0: in the same order each time.
        let arguments = ["-e", "-D", "-j", "0", "-o", folder, path.hasPrefix("-") ? "./" + path : path]
        let outcome: ChildProcess.Outcome
        do throws(KitError) {
            outcome = try ChildProcess.run(
                "readpst", arguments, input: [], seconds: Self.seconds, outputLimit: Self.outputLimit)
        } catch {
            throw KitError(
                .ioFailed, "readpst, which reads the files of Outlook, does not run",
                hint: "install the package pst-utils", cause: error)
        }
        guard outcome.status == 0 else {
            throw KitError(
                .ioFailed, "readpst failed on \(path): \(outcome.status.map { "exit code \($0)" } ?? "out of time")",
                hint: "nothing was imported; a damaged file can be mended by Outlook's scanpst")
        }
        return Self.skipped(outcome.output)
    }

    // line = HTAB DQUOTE folder DQUOTE " - " number " items done, " number " items skipped."
    private static func skipped(_ output: [UInt8]) -> [String] {
        output.split(separator: 0x0A).compactMap { line in
            let text = String(decoding: line.drop { $0 == 0x09 }, as: UTF8.self)
            guard text.hasSuffix(" items skipped."), let comma = text.lastIndex(of: ","),
                let mark = text[..<comma].lastIndex(of: "-"),
                let count = text[comma...].split(separator: " ").dropFirst().first.flatMap({ Int($0) }), count > 0
            else { return nil }
            return "readpst left out \(count) items of \(text[..<mark].drop { $0 == " " })"
        }
    }
}
