import ArchiveCrypto
import MailCore
import Testing

@Suite struct CipherVectorTests {
    struct Case: Sendable {
        var key: String, nonce: String, text: String, aad: String, sealed: String
    }

    // The GCM specification's test cases 13, 14 and 16 (McGrew and Viega, appendix B).
    static let cases = [
        Case(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12), text: "", aad: "",
            sealed: "530f8afbc74536b9a963b4f1c4cb738b"),
        Case(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            text: String(repeating: "00", count: 16), aad: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        Case(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888",
            text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
                + "b16aedf5aa0de657ba637b39",
            aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
                + "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("one AES-256-GCM context gives the specification's ciphertexts one after the other")
    func gcm() throws {
        let cipher = AESGCM()
        for item in Self.cases + Self.cases {
            var sealed: [UInt8] = [7]
            let text = hex(item.text)
            try cipher.seal(
                text.span, key: hex(item.key), nonce: hex(item.nonce), aad: hex(item.aad), into: &sealed)
            #expect(sealed == [7] + hex(item.sealed))
            var opened: [UInt8] = [8]
            let body = Array(sealed.dropFirst())
            try cipher.open(
                body.span, key: hex(item.key), nonce: hex(item.nonce), aad: hex(item.aad), into: &opened)
            #expect(opened == [8] + text)
        }
    }

    @Test("a flip of any octet, another key, nonce or associated data opens nothing")
    func gcmTampering() throws {
        let cipher = AESGCM()
        let item = Self.cases[2]
        func opens(_ sealed: [UInt8], _ key: [UInt8], _ nonce: [UInt8], _ aad: [UInt8]) -> Bool {
            var output: [UInt8] = [1]
            let isOpened = (try? cipher.open(sealed.span, key: key, nonce: nonce, aad: aad, into: &output)) != nil
            if !isOpened { #expect(output == [1], "unauthenticated text must not leave") }
            return isOpened
        }
        let (sealed, key, nonce, aad) = (hex(item.sealed), hex(item.key), hex(item.nonce), hex(item.aad))
        for index in sealed.indices {
            var other = sealed
            other[index] ^= 0x80
            #expect(!opens(other, key, nonce, aad))
        }
        for count in 0..<sealed.count { #expect(!opens(Array(sealed.prefix(count)), key, nonce, aad)) }
        #expect(!opens(sealed, counting(0, 32), nonce, aad))
        #expect(!opens(sealed, key, counting(0, 12), aad))
        #expect(!opens(sealed, key, nonce, []))
        #expect(opens(sealed, key, nonce, aad))
    }

    @Test(
        "XAES-256-GCM gives C2SP's ciphertexts",
        arguments: [
            (UInt8(1), "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ])
    func xaes(_ key: UInt8, _ aad: String, _ sealed: String) throws {
        let nonce = Array("ABCDEFGHIJKLMNOPQRSTUVWX".utf8)
        let text = Array("XAES-256-GCM".utf8)
        let source = RandomSource { _ in nonce }
        let whole = try XAES256GCM.seal(text, key: repeating(key, 32), aad: Array(aad.utf8), random: source)
        #expect(whole == nonce + hex(sealed))
        #expect(try XAES256GCM.open(whole, key: repeating(key, 32), aad: Array(aad.utf8)) == text)
        for index in whole.indices {
            var other = whole
            other[index] ^= 1
            #expect(throws: CryptoError.self) {
                try XAES256GCM.open(other, key: repeating(key, 32), aad: Array(aad.utf8))
            }
        }
        for count in 0..<40 {
            #expect(throws: CryptoError.self) {
                try XAES256GCM.open(Array(whole.prefix(count)), key: repeating(key, 32), aad: Array(aad.utf8))
            }
        }
    }

    @Test("random nonces do not repeat")
    func nonces() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<1_000 {
            seen.insert(Array(try XAES256GCM.seal([], key: counting(0, 32), aad: []).prefix(24)))
        }
        #expect(seen.count == 1_000)
    }
}
