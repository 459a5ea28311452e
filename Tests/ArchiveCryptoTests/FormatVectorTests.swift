import ArchiveCrypto
import MailCore
import Testing

/// Fixed inputs and what ArchiveFormat.md makes of them, computed by an independent program from the document.
@Suite struct FormatVectorTests {
    private static let rootKey = counting(0, 32)
    private static let shardKey = counting(0x80, 32)
    private static let nonce = counting(0x60, 24)
    /// 32 octets are a salt, 24 a nonce.
    private static let random = RandomSource { $0 == 32 ? counting(0xE0, 32) : nonce }

    private func id(_ first: UInt8) throws -> RandomID { try #require(RandomID(octets: counting(first, 16))) }
    private func keys() throws -> KeyHierarchy { KeyHierarchy(rootKey: Self.rootKey, archiveID: try id(0xA0)) }

    @Test("the root key gives the keys of the document")
    func hierarchy() throws {
        let keys = try keys()
        #expect(keys.meta.hex == "47df9bb4cf958531f6033ba67bcb77c6f01edf3e322aad8bb55ea775f6581ee3")
        #expect(keys.contentID.hex == "006cad27778d3ee1369ac196a5fed09cc886ec92d2548a7e84d6fb83e08d85da")
        #expect(keys.slot.hex == "8aa1f91d3e845a689aae056aafcb52efd683b3d808218e8fb62349b075c06503")
        #expect(
            keys.footerKey(writerID: counting(0xC0, 8), packID: try id(0xD0)).hex
                == "398f9a58d5394bd6267b3c8e0a38b35cec52f97ebef8394c34979ce11b3d72fb")
        #expect(
            keys.vaultRootKey(erasureSecret: counting(0x40, 32), epoch: 7).hex
                == "db38d1653878b911bba5f9d1becfe8e376c83804467ca90367833c3dc3a9e34e")
        #expect(
            keys.contentID(kind: 1, digest: SHA256.hash(Array("hello".utf8))).hex
                == "a88fd1da2c9d9145418f1566d6c17b383b14f69277be51926f6c7d6977f7dc02")
    }

    @Test("a DEK gives the keys of its blob")
    func blobKeys() throws {
        let blob = BlobKeys(dek: counting(0x20, 32), keyID: try id(0xB0))
        #expect(blob.blob.hex == "6ff48db866fced10bfb5ac672370f6284912175580e612c695742c1429659fd9")
        #expect(blob.sealedID.hex == "4e97aa2bd2b30841277cd010624a180474de783c28a940d5c81c9a1150a3ac56")
        #expect(blob.salt.hex == "8e99d1860f018a16f536c111a01a04fdbdf9890e197eab28e7ff81202e0b0829")
        let contentID = hex("a88fd1da2c9d9145418f1566d6c17b383b14f69277be51926f6c7d6977f7dc02")
        #expect(blob.masked(contentID).hex == "e6187bf1fe2e990466f3c576b48b633c4fca8eae5f171147a770e77827547054")
        #expect(blob.masked(blob.masked(contentID)) == contentID)
    }

    @Test("a chunk is sealed as the document says, and only as that chunk opens")
    func chunk() throws {
        let key = hex("6ff48db866fced10bfb5ac672370f6284912175580e612c695742c1429659fd9")
        let aad =
            Array("mailarc/1/blob\0".utf8) + counting(0xA0, 16) + counting(0xB0, 16) + [2, 1, 0, 5, 0, 0, 0]
        var sealer = StreamSealer(key: key, cipher: AESGCM())
        let text = [0] + Array("hello".utf8)
        var sealed: [UInt8] = []
        try sealer.seal(text.span, isFinal: true, aad: aad, into: &sealed)
        #expect(sealed.hex == "7c43f896994068ce07502ac7bdb1261179f382568956")
        #expect(
            SealedStream.nonce(258, isFinal: false) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0])
        let later = hex("e4149066745c4984cce5949c9073a9c49058fb6a9f36")
        for (octets, index, isFinal, opens) in [
            (sealed, UInt32(0), true, true), (sealed, 0, false, false), (sealed, 1, true, false),
            (later, 258, false, true), (later, 258, true, false), (later, 0, false, false),
        ] {
            var output: [UInt8] = []
            let isOpened =
                (try? SealedStream.open(
                    octets.span, index: index, isFinal: isFinal, key: key, aad: aad, cipher: AESGCM(), into: &output))
                != nil
            #expect(isOpened == opens)
            #expect(output == (opens ? text : []))
        }
    }

    private static let record =
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf202122232425262728292a2b2c2d2e2f303132333435363738393a3b"
        + "3c3d3e3f010000002c5100006902000000000000"
    private static let shardFile =
        "4d41494c415243015301400000000000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf030000000200000000000000"
        + "00000000000000000000000000000000ab761aa7606162636465666768696a6b6c6d6e6f7071727374757677"
        + "456d28d2dfb288aa9d482503899ededc1764e387fde6a08f5d7456e86470de1ae4ae0b56dcb638e382e72ad7"
        + "c27c36c5421a1eeb54bca197f67b4ac1edf7e3287dab3416c96e1419742a0d629a649690"
    private static let frame =
        "01000000606162636465666768696a6b6c6d6e6f7071727374757677456d28d2dfb288aa9d482503899ededc"
        + "1764e387fde6a08f5d7456e86470de1ae4ae0b56dcb638e382e72ad7c27c36c5421a1eeb54bca197f67b4ac1"
        + "edf7e328ad54e263636f9ef02219a4d022a0ea3b"
    private static let openHeader =
        "4d41494c415243014f01400000000000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf030000000200000000000000"
        + "000000000000000000000000000000004e51076e"
    private static let rootFile =
        "4d41494c415243015201400000000000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf070000000900000000000000"
        + "0000000000000000000000000000000015cbe58b606162636465666768696a6b6c6d6e6f7071727374757677"
        + "088ddf885296d5bfda65638be07ac4cfd39510903f89b555664eebf6a9366afaa4c3a1baa661fd803ded7268"
        + "5e882b1099b65d815742814cc832b94403bac0c4aca2101e04584132319b4df04b7bf6f63da2b645e74b08e4"
        + "46264208fdfef0412fc85d26ebfdb460e39e48ba8f100d69f317cc261c2f3e210503b7c42bf2a8d34b8f10ea"
        + "a8f4b64265d60bb0144b04e46000ba077583b79200a70cd824674d31fea5c7279fac945facd7c32b305c378b"
        + "ecc946cde1a760e879af055b323b0183c90ae68d37dbac50e3208036ddde99b71c79a18094a8d1a6b5278b06"
        + "290a56ee"

    private func vaultRecord() throws -> VaultRecord {
        VaultRecord(keyID: try id(0xB0), dek: counting(0x20, 32), kind: 1, day: 20_780, ledgerIndex: 617)
    }

    @Test("a record, a shard and a frame are the document's octets")
    func vault() throws {
        #expect(try vaultRecord().octets.hex == Self.record)
        #expect(VaultRecord.parse(hex(Self.record)) == [try vaultRecord()])
        let header = Array(hex(Self.shardFile).prefix(64))
        let shard = try SealedBody.seal(
            hex(Self.record), header: header, key: Self.shardKey, random: Self.random)
        #expect(shard.hex == Self.shardFile)
        #expect(try SealedBody.open(shard, key: Self.shardKey).hex == Self.record)
        let frame = try SealedBody.sealFrame(
            [try vaultRecord()], number: 5, header: hex(Self.openHeader), key: Self.shardKey, random: Self.random)
        #expect(frame.hex == Self.frame)
        let opened = SealedBody.openFrame(
            (frame + [1, 2, 3])[...], number: 5, header: hex(Self.openHeader), key: Self.shardKey)
        #expect(opened?.records == [try vaultRecord()])
        #expect(opened?.octetCount == frame.count)
    }

    @Test("a frame that is cut, moved, flipped or of another shard does not open")
    func frameTampering() throws {
        let (frame, header) = (hex(Self.frame), hex(Self.openHeader))
        for count in 0..<frame.count {
            let cut = SealedBody.openFrame(frame[..<count], number: 5, header: header, key: Self.shardKey)
            #expect(cut == nil, "cut to \(count)")
        }
        for index in frame.indices {
            var other = frame
            other[index] ^= 1
            #expect(SealedBody.openFrame(other[...], number: 5, header: header, key: Self.shardKey) == nil)
        }
        #expect(SealedBody.openFrame(frame[...], number: 4, header: header, key: Self.shardKey) == nil)
        #expect(SealedBody.openFrame(frame[...], number: 5, header: header, key: counting(0, 32)) == nil)
        #expect(SealedBody.openFrame(frame[...], number: 5, header: repeating(0, 64), key: Self.shardKey) == nil)
    }

    @Test("the vault root is the document's octets and reads back")
    func root() throws {
        let root = VaultRoot(
            epoch: 7, revision: 9,
            shards: [
                .init(
                    number: 3, generation: 2, key: Self.shardKey, recordCount: 1, isSealed: true,
                    fileDigest: SHA256.hash(hex(Self.shardFile)))
            ], secrets: ["state": counting(0x30, 32), "catalog": counting(0x10, 32)])
        let key = try keys().vaultRootKey(erasureSecret: counting(0x40, 32), epoch: 7)
        let file = try SealedBody.seal(
            root.octets, header: Array(hex(Self.rootFile).prefix(64)), key: key, random: Self.random)
        #expect(file.hex == Self.rootFile)
        let back = try VaultRoot(parsing: try SealedBody.open(file, key: key))
        #expect(back.octets == root.octets)
        #expect(back.shards == root.shards)
        #expect(back.secrets == root.secrets)
        let otherEpoch = try keys().vaultRootKey(erasureSecret: counting(0x40, 32), epoch: 8)
        #expect(throws: CryptoError.self) { try SealedBody.open(file, key: otherEpoch) }
        for count in 0..<root.octets.count {
            #expect(throws: CryptoError.self) { try VaultRoot(parsing: Array(root.octets.prefix(count))) }
        }
        #expect(throws: CryptoError.self) { try VaultRoot(parsing: root.octets + [0]) }
    }
}
