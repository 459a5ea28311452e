import ArchiveCrypto
import ArchiveStore
import MailCore
import Testing

/// Octets that must be zero are refused when they are not, though every checksum agrees (invariant I8).
@Suite struct StrictFormatTests {
    private func id(_ octet: UInt8) throws -> RandomID {
        try #require(RandomID(octets: [UInt8](repeating: octet, count: 16)))
    }

    /// `octets` with `index` set and the CRC-32C at `end` made right again.
    private func changed(_ octets: [UInt8], _ index: Int, crcAt end: Int) -> [UInt8] {
        var other = octets
        other[index] = 1
        let checksum = CRC32C.checksum(Array(other[..<end]))
        for place in 0..<4 { other[end + place] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(place))) }
        return other
    }

    @Test func `a short header with a field its kind does not have is refused`() throws {
        let archive = try id(1)
        let cases: [(ObjectKind, [UInt8], [Int])] = [
            (.journal, ShortHeader.encode(.journal, archive: archive, session: try id(2)), [12, 32, 39, 56, 59]),
            (.dictionary, ShortHeader.encode(.dictionary, archive: archive, 1), [15, 36, 40, 55, 56]),
            (.shard, ShortHeader.encode(.shard, archive: archive, 3, 1), [12, 40, 55, 56, 59]),
            (.openShard, ShortHeader.encode(.openShard, archive: archive, 3, 1), [40, 59]),
            (.vaultRoot, ShortHeader.encode(.vaultRoot, archive: archive, 0, 9), [40, 59]),
        ]
        for (kind, octets, places) in cases {
            try FileHeader.check(octets, kind, archive: archive)
            for place in places {
                #expect(throws: ArchiveError.self, "\(kind) \(place)") {
                    try FileHeader.check(changed(octets, place, crcAt: 60), kind, archive: archive)
                }
            }
        }
    }

    @Test func `a pack header or trailer with reserved octets is refused`() throws {
        let archive = try id(1)
        let header = PackHeader(archive: archive, pack: try id(2), writer: [UInt8](repeating: 3, count: 8), created: 4)
        #expect(try PackHeader(decoding: header.encode(), archive: archive) == header)
        for place in [12, 64, 71, 72, 123] {
            #expect(throws: ArchiveError.self, "\(place)") {
                try PackHeader(decoding: changed(header.encode(), place, crcAt: 124), archive: archive)
            }
        }
        let trailer = PackTrailer(
            footerOffset: 128, footerLength: 4_112, footerNonce: [UInt8](repeating: 1, count: 24), sequence: 1,
            previous: [UInt8](repeating: 0, count: 32), signature: [UInt8](repeating: 2, count: 64))
        #expect(try PackTrailer(decoding: trailer.encode()) == trailer)
        for place in [12, 15, 144, 151] {
            #expect(throws: ArchiveError.self, "\(place)") {
                try PackTrailer(decoding: changed(trailer.encode(), place, crcAt: 152))
            }
        }
    }

    @Test func `entries stop at the padding, which may end in a piece, and reserved octets are refused`() throws {
        let entry = FooterEntry(
            keyID: try id(7), offset: 128, storedLength: 40, rawLength: 20, kind: .part, dictionary: 1, checksum: 9,
            sealedContentID: [UInt8](repeating: 8, count: 32), ledgerIndex: 5)
        for count in [0, 1, 42, 43] {
            let octets = FooterEntries.encode([FooterEntry](repeating: entry, count: count))
            #expect(octets.count % 4_096 == 0)
            #expect(try FooterEntries.decode(octets).count == count)
        }
        var octets = FooterEntries.encode([entry])
        octets[88] = 1
        #expect(throws: ArchiveError.self) { try FooterEntries.decode(octets) }
    }
}
