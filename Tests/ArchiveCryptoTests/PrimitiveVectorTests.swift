import ArchiveCrypto
import MailCore
import Testing

/// The octets of a hexadecimal string.
func hex(_ text: String) -> [UInt8] { [UInt8](hex: text) ?? [] }
/// `count` octets counting up from `first`.
func counting(_ first: UInt8, _ count: Int) -> [UInt8] { (0..<count).map { first &+ UInt8($0) } }
func repeating(_ octet: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: octet, count: count) }

@Suite struct PrimitiveVectorTests {
    @Test("SHA-256 gives FIPS 180-4's digests, whole and in pieces")
    func sha256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(SHA256.hash(Array("abc".utf8)).hex == abc)
        #expect(SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var state = SHA256()
        state.update(Array("a".utf8))
        #expect(state.digest().hex == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
        state.update(Array("bc".utf8))
        #expect(state.digest().hex == abc)
    }

    @Test("HMAC-SHA-256 gives RFC 4231's codes")
    func hmac() {
        #expect(
            HMAC.sha256(key: repeating(0x0B, 20), Array("Hi There".utf8)).hex
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            HMAC.sha256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)).hex
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("HKDF gives RFC 5869's keys")
    func hkdf() {
        let prk = HKDF.extract(salt: counting(0, 13), inputKey: repeating(0x0B, 22))
        #expect(prk.hex == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
        #expect(
            HKDF.expand(prk, info: counting(0xF0, 10), count: 42).hex
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        #expect(
            HKDF.derive(inputKey: repeating(0x0B, 22), salt: [], info: [], count: 42).hex
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    }

    @Test("scrypt gives RFC 7914's keys")
    func scrypt() throws {
        let empty = try Scrypt.derive(passphrase: [], salt: [], cost: .init(logN: 4, r: 1, p: 1), count: 64)
        #expect(
            empty.hex == "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")
        let large = try Scrypt.derive(
            passphrase: Array("pleaseletmein".utf8), salt: Array("SodiumChloride".utf8),
            cost: .init(logN: 14, r: 8, p: 1), count: 64)
        #expect(
            large.hex == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")
    }

    @Test(
        "a cost of scrypt beyond the limits is refused",
        arguments: [(21, 8, 1), (17, 17, 1), (17, 8, 5), (0, 8, 1), (63, 8, 1), (-1, 8, 1), (17, 0, 1)])
    func scryptLimits(_ logN: Int, _ r: Int, _ p: Int) {
        #expect(throws: CryptoError.self) {
            try Scrypt.derive(passphrase: [1], salt: [2], cost: .init(logN: logN, r: r, p: p))
        }
    }

    @Test("CRC-32C gives RFC 3720's sums at every length")
    func crc32c() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(repeating(0, 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(repeating(0xFF, 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(counting(0, 32)) == 0x46DD_794E)
        for count in 0..<40 { #expect(CRC32C.checksum(counting(3, count)) == slow(counting(3, count))) }
    }

    private func slow(_ octets: [UInt8]) -> UInt32 {
        ~octets.reduce(UInt32.max) { register, octet in
            (0..<8).reduce(register ^ UInt32(octet)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
    }
}

@Suite struct SignatureVectorTests {
    @Test(
        "Ed25519 gives RFC 8032's keys and signatures",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                    + "d25bf5f0595bbe24655141438e7a100b"
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
                    + "387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ])
    func ed25519(_ seed: String, _ publicKey: String, _ message: String, _ signature: String) throws {
        #expect(try Ed25519.publicKey(seed: hex(seed)).hex == publicKey)
        #expect(try Ed25519.sign(hex(message), seed: hex(seed)).hex == signature)
        #expect(Ed25519.verify(hex(signature), of: hex(message), publicKey: hex(publicKey)))
        #expect(!Ed25519.verify(hex(signature), of: hex(message) + [0], publicKey: hex(publicKey)))
        for index in 0..<64 {
            var other = hex(signature)
            other[index] ^= 1
            #expect(!Ed25519.verify(other, of: hex(message), publicKey: hex(publicKey)))
        }
        #expect(!Ed25519.verify([], of: hex(message), publicKey: hex(publicKey)))
        #expect(!Ed25519.verify(hex(signature), of: hex(message), publicKey: []))
        #expect(throws: CryptoError.self) { try Ed25519.sign([], seed: counting(0, 31)) }
    }

    @Test("X25519 gives RFC 7748's secret to both sides and refuses points of low order")
    func x25519() throws {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        let alicePublic = try X25519.publicKey(privateKey: alice)
        let bobPublic = try X25519.publicKey(privateKey: bob)
        #expect(alicePublic.hex == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        #expect(bobPublic.hex == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        let secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
        #expect(try X25519.sharedSecret(privateKey: alice, publicKey: bobPublic).hex == secret)
        #expect(try X25519.sharedSecret(privateKey: bob, publicKey: alicePublic).hex == secret)
        for point in [repeating(0, 32), [1] + repeating(0, 31), counting(0, 31)] {
            #expect(throws: CryptoError.self) { try X25519.sharedSecret(privateKey: alice, publicKey: point) }
        }
    }
}
