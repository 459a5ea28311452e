import Foundation
import MailIMAPCore
import MailarcTesting
import Testing

@Suite("Recorded responses")
struct CorpusTests {
    private static func files(_ name: String) -> [String] {
        guard let root = Corpora.folder() else {
            print("not run: MAILARC_CORPORA is not set")
            return []
        }
        return TestFolder.files(below: root + "/" + name).filter { $0.hasSuffix(".txt") }
            .map { $0.hasPrefix("/") ? $0 : root + "/" + name + "/" + $0 }
    }

    /// As on the wire: the corpora keep some line ends as LF.
    private static func read(_ path: String) -> [UInt8] {
        [UInt8](FileManager.default.contents(atPath: path) ?? Data())
    }

    @Test("every recorded session parses, and little of it is unknown")
    func recordings() {
        var (responseCount, rawCount, errorCount, fetchCount) = (0, 0, 0, 0)
        for path in Self.files("mailkit-wire/UnitTests/Net/Imap/Resources") {
            let stream = ParsedStream(Self.read(path))
            responseCount += stream.responses.count
            for response in stream.responses {
                if case .raw = response { rawCount += 1 }
                if case .fetch = response { fetchCount += 1 }
            }
            if stream.error != nil { errorCount += 1 }
        }
        guard responseCount > 0 else { return }
        print(
            "recorded: \(responseCount) responses, \(fetchCount) FETCH, \(rawCount) raw, \(errorCount) files with errors"
        )
        #expect(fetchCount > 1000)
        #expect(rawCount * 20 < responseCount)
    }

    @Test("every quirk line gives the same events at every cut")
    func quirks() {
        for path in Self.files("imap-quirk-lines") {
            let octets = Self.read(path)
            let whole = ParsedStream(octets)
            for cut in 0...min(octets.count, 400) {
                #expect(ParsedStream(octets, cuts: [cut]) == whole, "\(path) at \(cut)")
            }
        }
    }
}
