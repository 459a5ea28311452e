import Foundation
import MailarcTesting
import Testing

/// Tables of the documentation that tests measure.
enum CommittedTable {
    /// Insists that the table of `document` with the first line of `table` is `table`; `MAILARC_WRITE_TABLES=1` writes it.
    ///
    /// - Parameter table: Markdown, a line a row, the last one ended, too.
    static func expect(_ table: String, in document: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = URL(fileURLWithPath: Repository.root).appending(path: "Documentation/\(document)")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let head = table.prefix { $0 != "\n" }
        let start = try #require(
            lines.firstIndex { $0 == head }, "\(document) has no table that begins '\(head)'",
            sourceLocation: sourceLocation)
        let end = lines[start...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
        let rows = table.split(separator: "\n")
        if ProcessInfo.processInfo.environment["MAILARC_WRITE_TABLES"] != nil {
            let text = (lines[..<start] + rows + lines[end...]).joined(separator: "\n")
            try text.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(
                Array(lines[start..<end]) == rows, "\(document) says something else", sourceLocation: sourceLocation)
        }
    }
}
