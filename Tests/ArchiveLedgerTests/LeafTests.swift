import ArchiveLedger
import MailCore
import Testing

@Suite("Leaves")
struct LeafTests {
    static let hash64 = String(repeating: "ab", count: 32)
    static let hex32 = String(repeating: "0f", count: 16)
    static let head = "mailarc-leaf/1\nseq 617\ntype "
    static let middle = "\ntime 2026-11-23T02:31:17Z\nwriter 7f3a91c0d2e4b586\n"
    static func text(_ type: String, _ rest: String) -> String { head + type + middle + rest }

    static let key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    static let known: [(type: String, lines: String)] = [
        ("init", "archive \(hex32)\nsuite 1\nlog-key \(key)\nnonce \(hex32)\n"),
        ("key-add", "slot sha256:\(hash64)\nnonce \(hex32)\n"),
        ("key-remove", "slot sha256:\(hash64)\nnonce \(hex32)\n"),
        ("ingest", "commit hmac-sha256:\(hash64)\nkeyid \(hex32)\nsize 24178\n"),
        ("events", "commit hmac-sha256:\(hash64)\nkeyid \(hex32)\nsize 90\nsequence 12\ncount 256\n"),
        ("pack", "object sha256:\(hash64)\npack \(hex32)\nnonce \(hex32)\n"),
        ("erase-intent", "basis gdpr-17\ncount 2\nnonce \(hex32)\n"),
        (
            "erase",
            "intent 7\nepoch 3\nroot sha256:\(hash64)\nmessage \(hex32)\npart \(hex32)\nevents \(hex32)\n"
                + "anchor inside destroyed\nanchor vault2 unreachable\nnonce \(hex32)\n"
        ),
        ("pack-replace", "object sha256:\(hash64)\npack \(hex32)\nby sha256:\(hash64)\nnonce \(hex32)\n"),
        ("pack-replace", "object sha256:\(hash64)\npack \(hex32)\nnonce \(hex32)\n"),
        ("loss", "object sha256:\(hash64)\nmessage \(hex32)\nnonce \(hex32)\n"),
        ("loss", "part \(hex32)\nnonce \(hex32)\n"),
        ("repair", "object sha256:\(hash64)\nobject sha256:\(hash64)\nnonce \(hex32)\n"),
        ("dict", "object sha256:\(hash64)\nid 2\nnonce \(hex32)\n"),
        ("log-key", "key \(key)\nnonce \(hex32)\n"),
        ("anchor-add", "name vault2\nkind ssh\nnonce \(hex32)\n"),
        ("anchor-remove", "name vault2\nkind ssh\nnonce \(hex32)\n"),
        ("writer-add", "host 7f3a91c0d2e4b586\nname mx1\nkey \(key)\nnonce \(hex32)\n"),
        ("writer-remove", "host 7f3a91c0d2e4b586\nname mx1\nnonce \(hex32)\n"),
        (
            "adopt",
            "host 7f3a91c0d2e4b586\nsequence 1796074773\nobject sha256:\(hash64)\ncount 3\nnonce \(hex32)\n"
        ),
        ("skip", "skipped 12 newsletters\nskipped 1 rule-2\nnonce \(hex32)\n"),
    ]

    @Test("the text of the document is built")
    func documentedText() throws {
        let commit = try #require([UInt8](hex: Self.hash64).flatMap { MerkleHash(octets: $0) })
        let keyID = try #require(RandomID(hex: Self.hex32))
        let writer = try #require([UInt8](hex: "7f3a91c0d2e4b586"))
        let leaf = Leaf(
            sequence: 617, time: 1_795_401_077, writer: writer,
            .ingest(LeafCommitment(commit: commit, keyID: keyID, size: 24_178)))
        #expect(String(decoding: leaf.text, as: UTF8.self) == Self.text("ingest", Self.known[3].lines))
    }

    @Test("each known type parses to its case and builds the same octets", arguments: known.indices)
    func knownTypes(_ index: Int) throws {
        let text = Array(Self.text(Self.known[index].type, Self.known[index].lines).utf8)
        let leaf = try #require(Leaf(parsing: text))
        #expect(leaf.text == text)
        #expect(leaf.sequence == 617)
        #expect(leaf.body.type == Self.known[index].type)
        #expect(leaf.extraLines.isEmpty)
        if case .other = leaf.body { Issue.record("a known type was not known") }
        let longer = text + Array("retain-until 2034-12-31\n".utf8)
        #expect(Leaf(parsing: longer)?.extraLines == [Leaf.Line("retain-until", "2034-12-31")])
        #expect(Leaf(parsing: longer)?.text == longer)
    }

    @Test("unknown and reserved types are kept as they stand", arguments: ["view", "hold", "brand-new"])
    func unknownTypes(_ type: String) throws {
        let text = Array(Self.text(type, "target 617\nnonce \(Self.hex32)\nnote grüße  zwei\n").utf8)
        let leaf = try #require(Leaf(parsing: text))
        #expect(leaf.text == text)
        guard case .other(type, let lines) = leaf.body else {
            Issue.record("not kept")
            return
        }
        #expect(lines.map(\.key) == ["target", "nonce", "note"])
    }

    @Test(
        "a skip leaf says numbers and words, and nothing else",
        arguments: [
            "", "skipped 12 anna@lab.test\n", "skipped 12\n", "skipped 12  x\n", "skipped 012 x\n", "skipped -1 x\n",
            "skipped 12 Subject\n", "skipped x 12\n", "skipped 12 \(String(repeating: "x", count: 65))\n",
        ])
    func malformedSkips(_ lines: String) {
        #expect(Leaf(parsing: Array(Self.text("skip", "\(lines)nonce \(Self.hex32)\n").utf8)) == nil)
    }

    @Test("skips of very many reasons take several leaves, each below its limit; none take none")
    func skipRecords() throws {
        let nonce = try #require(RandomID(hex: Self.hex32))
        let names = (0..<1_001).map { "\($0)-" + String(repeating: "x", count: 59) }
        let counts = Dictionary(uniqueKeysWithValues: names.map { ($0, UInt64.max) })
        let records = SkipRecord.records(counts) { nonce }
        #expect(records.map(\.reasons.count) == [500, 500, 1])
        for record in records {
            let text = Leaf(sequence: .max, time: 0, writer: [UInt8](repeating: 1, count: 8), .skipped(record)).text
            #expect(text.count <= Leaf.maximumOctetCount && SkipRecord(in: text) == record)
        }
        #expect(SkipRecord.records(["x": 0]) { nonce }.isEmpty && SkipRecord(in: Array(Self.good.utf8)) == nil)
    }

    static let good = text("ingest", known[3].lines)
    @Test(
        "what is not a leaf is none",
        arguments: [
            "", "mailarc-leaf/1", "mailarc-leaf/1\n", "mailarc-leaf/2" + good.dropFirst(14), String(good.dropLast()),
            good + "\n", good + "x\n", good + " x\n", good + "x \n", good.replacing("seq 617", with: "seq 0617"),
            good.replacing("seq 617", with: "seq +617"), good.replacing("seq 617", with: "seq -1"),
            good.replacing("02:31:17Z", with: "02:31:60Z"), good.replacing("11-23", with: "11-31"),
            good.replacing("11-23", with: "13-01"), good.replacing("Z\n", with: "z\n"),
            good.replacing("7f3a", with: "7F3A"), good.replacing("7f3a91", with: "7f3a"),
            good.replacing("commit hmac-sha256:", with: "commit sha256:"), good.replacing("size 24178\n", with: ""),
            good.replacing("keyid ", with: "keyID "), good.replacing("\n", with: "\r\n"),
            good.replacing("type ingest", with: "type events"), good.replacing("type ingest", with: "type init"),
        ])
    func malformed(_ text: String) {
        #expect(Leaf(parsing: Array(text.utf8)) == nil)
    }

    @Test("octets that are not UTF-8, and leaves over the limit, are none")
    func badOctets() {
        #expect(Leaf(parsing: Array(Self.good.utf8.dropLast()) + [0xFF, 0x0A]) == nil)
        let long = Array(Self.good.utf8) + Array(("x " + String(repeating: "y", count: 65_400) + "\n").utf8)
        #expect(long.count > 65_535)
        #expect(Leaf(parsing: long) == nil)
    }

    @Test("no cut of a leaf is another leaf, and no octet can change unseen")
    func cutsAndFlips() {
        let text = Array(Self.good.utf8)
        for end in text.indices where !(end > 0 && text[end - 1] == 0x0A && Leaf(parsing: Array(text[..<end])) != nil) {
            #expect(Leaf(parsing: Array(text[..<end])) == nil)
        }
        for index in text.indices {
            var other = text
            other[index] ^= 1
            if let leaf = Leaf(parsing: other) { #expect(leaf.text == other) }
        }
    }

    @Test("the commitment is that of the auditor's openssl command")
    func commitment() {
        // printf 'sha256 %s\n' $(printf hello | sha256sum | cut -c1-64) |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:0909…09 -r
        let digest = [UInt8](hex: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824") ?? []
        let commit = LeafCommitment.digest(salt: [UInt8](repeating: 9, count: 32), sha256: digest)
        #expect(commit.description == "eda08f398ccb33ca432a81f3b8633d3fc4b85b7f4c10b903dc17ffb2d2dccddb")
    }
}
