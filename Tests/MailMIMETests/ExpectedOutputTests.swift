import Foundation
import MailMIME
import Testing

/// What other parsers make of the same messages.
struct ExpectedOutputTests {
    private typealias Object = [String: Any]

    private static func json(_ file: URL) -> Any? {
        (try? Data(contentsOf: file)).flatMap {
            try? JSONSerialization.jsonObject(with: $0, options: .fragmentsAllowed)
        }
    }

    /// Of the messages below; mimekit ends a last line before a delimiter in its own way in a few damaged ones.
    private static let offsetsMinimum = 64

    @Test("the octet ranges of leaves are those mimekit finds")
    func offsets() throws {
        guard let files = Corpora.files("mimekit") else { return }
        var passed = 0
        var failed: [String] = []
        for file in files where file.lastPathComponent.hasSuffix("-offsets.json") {
            let name = file.lastPathComponent
            let isDOS = name.contains(".dos-")
            let stem = name.prefix { $0 != "." }
            let source = file.deletingLastPathComponent().appendingPathComponent("\(stem).mbox.txt")
            let unix = Corpora.octets(source).filter { $0 != 0x0D }
            // jwz.mbox.txt is not among the corpora.
            guard !unix.isEmpty else { continue }
            let octets = isDOS ? unix.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] } : unix
            for entry in Self.json(file) as? [Object] ?? [] {
                guard let begin = entry["beginOffset"] as? Int, let end = entry["endOffset"] as? Int,
                    let body = entry["body"] as? Object, begin <= end, end <= octets.count
                else {
                    failed.append("\(name): no entry")
                    continue
                }
                let message = MessageParser.parse(Array(octets[begin..<end]))
                let found = message.leaves.map { part in
                    "\(part.contentType.essence) \(begin + part.headerRange.lowerBound) "
                        + "\(begin + part.bodyRange.lowerBound) \(begin + part.bodyRange.upperBound)"
                }
                let expected = Self.leaves(body)
                if found == expected { passed += 1 } else { failed.append("\(name): \(found) not \(expected)") }
            }
        }
        print("mimekit offsets: \(passed) messages as expected, \(failed.count) not")
        for line in failed.prefix(5) { print("  " + line.prefix(600)) }
        #expect(passed >= Self.offsetsMinimum)
    }

    private static func leaves(_ entity: Object) -> [String] {
        if let children = entity["children"] as? [Object] { return children.flatMap(leaves) }
        if let message = entity["message"] as? Object, let body = message["body"] as? Object { return leaves(body) }
        guard let type = entity["mimeType"] as? String, let begin = entity["beginOffset"] as? Int,
            let headersEnd = entity["headersEndOffset"] as? Int, let end = entity["endOffset"] as? Int
        else { return [] }
        return ["\(type.lowercased()) \(begin) \(headersEnd) \(end)"]
    }

    /// Stalwart takes liberties with damaged messages that we do not take, and the other way round.
    private static let subjectMinimum = 74
    private static let addressMinimum = 75
    private static let textMinimum = 151

    @Test("subjects, senders and texts are those stalwart finds")
    func stalwart() throws {
        guard let files = Corpora.files("stalwart-mail-parser/resources/eml") else { return }
        var counts = (subject: 0, from: 0, text: 0)
        var failed: [String] = []
        var total = (subject: 0, from: 0, text: 0)
        for file in files where file.pathExtension == "eml" {
            guard let expected = Self.json(file.deletingPathExtension().appendingPathExtension("json")) as? Object,
                let parts = expected["parts"] as? [Object], let root = parts.first
            else { continue }
            let octets = Corpora.octets(file)
            let result = run(octets)
            let envelope = result.message.envelope
            let headers = root["headers"] as? [Object] ?? []
            if let subject = Self.value(headers, "subject")?["Text"] as? String {
                total.subject += 1
                let isSame = Self.folded(envelope.subject ?? "") == Self.folded(subject)
                if isSame {
                    counts.subject += 1
                } else {
                    failed.append("\(file.lastPathComponent): \(envelope.subject ?? "-") not \(subject)")
                }
            }
            if let list = (Self.value(headers, "from")?["Address"] as? Object)?["List"] as? [Object] {
                total.from += 1
                let addresses = list.compactMap { $0["address"] as? String }
                let isSame = envelope.from.map(\.mailbox) == addresses
                if isSame {
                    counts.from += 1
                } else {
                    failed.append("\(file.lastPathComponent): \(envelope.from) not \(addresses)")
                }
            }
            let texts = result.message.leaves.filter { $0.contentType.type == "text" }.map { part in
                let body = result.recorder.bodies[part.index] ?? []
                let decoded = TransferDecoder.decode(body, part.transferEncoding)
                return Self.folded(Charset.decode(decoded, label: part.contentType.charset).text)
            }
            for part in parts {
                guard let body = part["body"] as? Object, let text = (body["Text"] ?? body["Html"]) as? String else {
                    continue
                }
                total.text += 1
                if texts.contains(Self.folded(text)) {
                    counts.text += 1
                } else {
                    failed.append("\(file.lastPathComponent): text \(text.prefix(60).debugDescription)")
                }
            }
        }
        print(
            "stalwart: subjects \(counts.subject)/\(total.subject), senders \(counts.from)/\(total.from), texts \(counts.text)/\(total.text)"
        )
        for line in failed.prefix(40) { print("  " + line.prefix(200)) }
        #expect(counts.subject >= Self.subjectMinimum)
        #expect(counts.from >= Self.addressMinimum)
        #expect(counts.text >= Self.textMinimum)
    }

    private static func value(_ headers: [Object], _ name: String) -> Object? {
        headers.first { $0["name"] as? String == name }?["value"] as? Object
    }

    /// Without what parsers disagree on: white space.
    private static func folded(_ text: String) -> String {
        text.split { $0.isWhitespace }.joined(separator: " ")
    }
}
