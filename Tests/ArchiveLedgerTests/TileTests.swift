import ArchiveLedger
import Testing

@Suite("Tiles and bundles")
struct TileTests {
    struct PathCase: Sendable {
        var path: TilePath
        var text: String
    }

    @Test(
        "paths are those of tlog-tiles, both ways",
        arguments: [
            PathCase(path: TilePath(.tile(level: 0), number: 0), text: "tile/0/000"),
            PathCase(path: TilePath(.tile(level: 0), number: 273), text: "tile/0/273"),
            PathCase(path: TilePath(.tile(level: 1), number: 1_234_067), text: "tile/1/x001/x234/067"),
            PathCase(path: TilePath(.tile(level: 2), number: 999, width: 1), text: "tile/2/999.p/1"),
            PathCase(path: TilePath(.entries, number: 1_000, width: 255), text: "entries/x001/000.p/255"),
            PathCase(path: TilePath(.entries, number: .max), text: "entries/x018/x446/x744/x073/x709/x551/615"),
        ])
    func paths(_ example: PathCase) {
        #expect("\(example.path)" == example.text)
        #expect(TilePath(parsing: example.text) == example.path)
    }

    @Test(
        "other spellings of paths are none",
        arguments: [
            "", "tile", "tile/0", "tile/8/000", "tile/-1/000", "tile/00/000", "tile/0/0", "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/000", "tile/0/x001/x000", "tile/0/000.p", "tile/0/000.p/0", "tile/0/000.p/256",
            "tile/0/000.p/01", "tile/0/000.p/+1", "entries/000/", "/entries/000", "entries/000.tmp", "entries/xx01/000",
            "entries/x018/x446/x744/x073/x709/x551/616",
        ])
    func badPaths(_ text: String) {
        #expect(TilePath(parsing: text) == nil)
    }

    @Test("a tile holds 1 to 256 whole hashes", arguments: [0, 1, 31, 32, 33, 64, 8_191, 8_192, 8_193, 8_224])
    func tiles(octetCount: Int) {
        let tile = Tile(octets: [UInt8](repeating: 5, count: octetCount))
        #expect((tile != nil) == [32, 64, 8_192].contains(octetCount))
        #expect(tile == nil || tile?.count == octetCount / 32)
    }

    @Test("bundles are be16 length and text, both ways; cut ones are none")
    func bundles() throws {
        let leaves = [Array("ab".utf8), [], [UInt8](repeating: 7, count: 300)]
        let bundle = try #require(EntryBundle(leaves: leaves))
        let octets = bundle.octets
        #expect(octets == [0, 2, 97, 98, 0, 0, 1, 44] + [UInt8](repeating: 7, count: 300))
        #expect(EntryBundle(octets: octets) == bundle)
        for end in octets.indices {
            let cut = EntryBundle(octets: Array(octets[..<end]))
            #expect(cut == nil || [4, 6].contains(end))
        }
        #expect(EntryBundle(leaves: []) == nil)
        #expect(EntryBundle(leaves: [[UInt8](repeating: 0, count: 65_536)]) == nil)
        #expect(EntryBundle(octets: [UInt8](repeating: 0, count: 2 * 256))?.leaves.count == 256)
        #expect(EntryBundle(octets: [UInt8](repeating: 0, count: 2 * 257)) == nil)
    }
}
