import ArchiveLedger
import MailCore
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    static let origin = "mailarc/000102030405060708090a0b0c0d0e0f"
    /// Made with Python's `cryptography`: seed 00…1f, the published tree of 8 leaves.
    static let publicKey = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    static let note = """
        mailarc/000102030405060708090a0b0c0d0e0f
        8
        XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

        \u{2014} mailarc/000102030405060708090a0b0c0d0e0f \
        Vilhr5KtGkqPAkdzKCKnrGveSBD4WpE/2xRnRq56ssoexCc9sEBDzTeCFIFd5C0FeDCjT16lvR7Wx0seh8lMTDGh9Qk=

        """

    static func checkpoint() throws -> Checkpoint {
        Checkpoint(origin: origin, size: 8, root: try MerkleTreeTests.hash(MerkleTreeTests.roots[8]))
    }

    @Test("signing gives the octets another implementation gives")
    func knownNote() throws {
        let note = try CheckpointNote.sign(Self.checkpoint(), seed: [UInt8](0..<32))
        #expect(String(decoding: note.text, as: UTF8.self) == Self.note)
        #expect(note.isSigned(by: try #require([UInt8](hex: Self.publicKey))))
        #expect(try CheckpointNote(parsing: Array(Self.note.utf8)) == note && note.checkpoint == Self.checkpoint())
    }

    @Test("the key hashes of published signed-note keys come out")
    func publishedKeys() throws {
        let keys = [
            ("sum.golang.org", "ce3372d75ad1ee5ecdaf8727293d4b111d87eb37531d7c86d4d3003f0eb809fc", "033de0ae"),
            ("PeterNeumann", "1a5cd907143c384c41e830c5bce12aa8817ec5649aaabf2c31388b35b2d744d6", "c74f20a3"),
        ]
        for (name, key, hash) in keys {
            let publicKey = try #require([UInt8](hex: key))
            #expect(CheckpointNote.keyHash(name: name, publicKey: publicKey).hex == hash)
        }
    }

    @Test("every changed octet of a note breaks it")
    func flips() throws {
        let key = try #require([UInt8](hex: Self.publicKey))
        let text = Array(Self.note.utf8)
        for index in text.indices {
            for bit in [1, 0x20, 0x80] as [UInt8] {
                var other = text
                other[index] ^= bit
                let note = CheckpointNote(parsing: other)
                #expect(note == nil || note?.isSigned(by: key) == false, "octet \(index)")
            }
        }
        for end in text.indices { #expect(CheckpointNote(parsing: Array(text[..<end])) == nil) }
    }

    @Test("signatures of witnesses are kept and do not disturb; a second line of the log's own key does")
    func witnesses() throws {
        let key = try #require([UInt8](hex: Self.publicKey))
        let witness = "\u{2014} witness.example.org AAAAAQIDBAUG\n"
        let note = try #require(CheckpointNote(parsing: Array((Self.note + witness).utf8)))
        #expect(note.isSigned(by: key))
        #expect(note.signatures.count == 2)
        #expect(note.text == Array((Self.note + witness).utf8))
        let line = Self.note.split(separator: "\n").last ?? ""
        let doubled = try #require(CheckpointNote(parsing: Array((Self.note + line + "\n").utf8)))
        #expect(!doubled.isSigned(by: key))
        let only = Self.note.replacing(line + "\n", with: witness)
        #expect(CheckpointNote(parsing: Array(only.utf8))?.isSigned(by: key) == false)
    }

    @Test(
        "bodies in another spelling are none",
        arguments: [
            "a\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg",
            "a\n08\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
            "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
            "a\n-8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n",
            "a\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\nmore\n", "a\n8\nXcnaeacG\n", "a\n8\n",
            "a\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n",
        ])
    func otherSpellings(_ body: String) {
        #expect(Checkpoint(body: body) == nil)
    }
}
