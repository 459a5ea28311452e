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

    private static func read(_ path: String) -> [UInt8] {
        [UInt8](FileManager.default.contents(atPath: path) ?? Data())
    }

    /// `octets` as they were on the wire: recordings are kept with bare LF, but their literals count CRLF.
    private static func asOnTheWire(_ octets: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count + octets.count / 16)
        for octet in octets {
            if octet == 10, result.last != 13 { result.append(13) }
            result.append(octet)
        }
        return result
    }

    /// Recordings that are not IMAP: one leaves the value of an item out, one announces 3 octets too few.
    private static let broken = ["getbodypart-missing-content.txt", "headers.1+unsolicited-info.txt"]

    @Test("every recorded session parses, and every FETCH in it is understood")
    func recordings() {
        var (responseCount, rawCount, fetchCount) = (0, 0, 0)
        for path in Self.files("mailkit-wire/UnitTests/Net/Imap/Resources") {
            let stream = ParsedStream(Self.asOnTheWire(Self.read(path)))
            let isBroken = Self.broken.contains { path.hasSuffix($0) }
            #expect((stream.error != nil) == isBroken, "\(path)")
            responseCount += stream.responses.count
            for response in stream.responses {
                if case .fetch = response { fetchCount += 1 }
                guard case .raw(let line) = response else { continue }
                rawCount += 1
                #expect(!String(decoding: line, as: UTF8.self).contains(" FETCH ("), "\(path)")
            }
        }
        guard responseCount > 0 else { return }
        // Raw are ACL, QUOTA, METADATA and THREAD.
        print("recorded: \(responseCount) responses, \(fetchCount) FETCH, \(rawCount) raw")
        #expect(fetchCount > 350)
        #expect(rawCount < 30)
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
