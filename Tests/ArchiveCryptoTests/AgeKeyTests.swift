import ArchiveCrypto
import MailCore
import Synchronization
import Testing

/// Keys as age writes them, and the slots made for them.
@Suite struct AgeKeyTests {
    @Test(
        "Bech32 gives BIP 173's octets and writes them back",
        arguments: [
            ("a12uel5l", "a", ""),
            ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", "00443214c74254b635cf84653a56d7c675be77df"),
            ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split", nil),
            (
                "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
                "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", ""
            ),
        ] as [(String, String, String?)])
    func bech32(_ text: String, _ prefix: String, _ octets: String?) throws {
        let decoded = Bech32.decode(text)
        guard let octets else {
            // Whole, but of a number of bits that is no number of octets: this one has four bits left that are not zero.
            #expect(decoded == nil || Bech32.encode(prefix: prefix, decoded?.octets ?? []) == text)
            return
        }
        #expect(decoded?.prefix == prefix)
        #expect(decoded?.octets == hex(octets))
        #expect(Bech32.decode(text.uppercased())?.octets == hex(octets))
        #expect(Bech32.encode(prefix: prefix, hex(octets)) == text)
    }

    @Test(
        "what is not Bech32 is nothing",
        arguments: [
            "", "1", "a1", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "10a06t8", "1qzzfhee",
            "A12uEL5L", "a12uel5m", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxv", "ä12uel5l", "a\u{7F}12uel5l",
            String(repeating: "q", count: 2_000),
        ])
    func notBech32(_ text: String) { #expect(Bech32.decode(text) == nil) }

    @Test("a wrong character anywhere is found")
    func checksum() {
        let text = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
        let octets = Array(text.utf8)
        for index in octets.indices {
            for other in "qpz1a".utf8 where other != octets[index] {
                var changed = octets
                changed[index] = other
                #expect(X25519Recipient(String(decoding: changed, as: UTF8.self)) == nil, "character \(index)")
            }
        }
    }

    @Test("the keys of age's test suite are read, and the public one follows from the private one")
    func ageTestKeys() throws {
        let identity = try #require(
            X25519Identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"))
        #expect(identity.secret.copy == repeating(0x42, 32))
        #expect(
            identity.recipient.description == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")
        #expect(X25519Recipient(identity.recipient.description) == identity.recipient)
        #expect(X25519Identity("age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex") == nil)
        #expect(X25519Recipient(identity.recipient.description.uppercased()) == nil)
        #expect(X25519Recipient("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX") == nil)
    }

    // MARK: slots

    private static func fixed(_ label: String, _ count: Int) -> [UInt8] {
        Array(SHA256.hash(Array("vector \(label)".utf8)).prefix(count))
    }

    private func slot() throws -> (slot: KeySlot, identity: X25519Identity, archive: RandomID) {
        let next = Mutex([Self.fixed("salt", 32), Self.fixed("slot eph", 32), Self.fixed("slot nonce", 24)][...])
        let random = RandomSource { _ in next.withLock { $0.popFirst() ?? [] } }
        let archive = try #require(RandomID(octets: counting(0, 16)))
        let identity = try X25519Identity(octets: Self.fixed("identity", 32))
        let slot = try KeySlot(
            wrapping: KeyHierarchy(rootKey: counting(32, 32), archiveID: archive), kind: .x25519(identity.recipient),
            secret: [], label: "safe copy", created: "2026-11-23T02:31:17Z", random: random)
        return (slot, identity, archive)
    }

    @Test("an x25519 slot is the one of the vectors, which another implementation wrote")
    func vector() throws {
        #expect(try slot().slot.id == "fb97cf19700012d26664f030fedaac3a347b7a7ebc001b01f176654342fc36df")
    }

    @Test("it opens with its identity and with the shared secret, and with nothing else")
    func opens() throws {
        let (made, identity, archive) = try slot()
        let slot = try KeySlot(parsing: made.octets)
        #expect(slot.kind == .x25519(identity.recipient) && slot.kind.name == "x25519")
        #expect(try slot.open(secret: identity.secret.copy, archiveID: archive).rootKey == counting(32, 32))
        let request = try #require(try slot.agreementRequest(archiveID: archive))
        let shared = try X25519.sharedSecret(privateKey: identity.secret.copy, publicKey: request.ephemeral)
        #expect(try slot.open(sharedSecret: shared, archiveID: archive).rootKey == counting(32, 32))
        for wrong in [repeating(0, 32), repeating(1, 32), [], repeating(0, 31)] {
            let error = #expect(throws: CryptoError.self) { try slot.open(sharedSecret: wrong, archiveID: archive) }
            #expect(error?.kind == .wrongSecret)
        }
        let error = #expect(throws: CryptoError.self) {
            try slot.open(secret: Self.fixed("another", 32), archiveID: archive)
        }
        #expect(error?.kind == .wrongSecret)
    }

    @Test("a flip of any octet of it never opens, nor does an ephemeral key of low order")
    func tampering() throws {
        let (slot, identity, archive) = try slot()
        for index in slot.octets.indices {
            var other = slot.octets
            other[index] ^= 1
            #expect(throws: CryptoError.self, "octet \(index)") {
                _ = try KeySlot(parsing: other).open(secret: identity.secret.copy, archiveID: archive)
            }
        }
        let text = String(decoding: slot.octets, as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("eph ") })
        let zero = text.replacing(line, with: "eph \(Base64.encode(repeating(0, 32)))")
        #expect(throws: CryptoError.self) {
            _ = try KeySlot(parsing: Array(zero.utf8)).open(secret: identity.secret.copy, archiveID: archive)
        }
        // A recipient of low order gives everybody the secret: no slot is made for it.
        let low = try #require(X25519Recipient(octets: repeating(0, 32)))
        #expect(throws: CryptoError.self) {
            _ = try KeySlot(
                wrapping: KeyHierarchy(rootKey: counting(0, 32), archiveID: archive), kind: .x25519(low), secret: [],
                label: "", created: "")
        }
    }

    @Test("a line eph stands in x25519 slots only, and there always")
    func ephemeralLine() throws {
        let text = String(decoding: try slot().slot.octets, as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("eph ") })
        #expect(throws: CryptoError.self) {
            _ = try KeySlot(parsing: Array(text.replacing("\(line)\n", with: "").utf8))
        }
        let type = try #require(text.split(separator: "\n").first { $0.hasPrefix("type ") })
        #expect(throws: CryptoError.self) {
            _ = try KeySlot(parsing: Array(text.replacing(type, with: "type plain").utf8))
        }
    }

    @Test(
        "a slot of a type or version this program does not know is read as unknown",
        arguments: [
            ("type mlkem768x25519 AAAA", "mailarc-slot/1"), ("type scrypt2 17", "mailarc-slot/1"),
            ("type scrypt 17 8 1", "mailarc-slot/2"),
        ])
    func unknown(_ type: String, _ magic: String) throws {
        let text = "\(magic)\narchive 00\n\(type)\nnew line\nlabel from%20tomorrow\ncreated later\nmac x\n"
        let slot = try KeySlot(parsing: Array(text.utf8))
        #expect(slot.kind.name == "unknown" && !slot.kind.isKnown && slot.label == "from tomorrow")
        #expect(slot.octets == Array(text.utf8))
        let archive = try #require(RandomID(octets: counting(0, 16)))
        #expect(throws: CryptoError.self) { try slot.open(secret: [1], archiveID: archive) }
    }
}

@Suite struct SecretBytesTests {
    @Test("secret octets are those given, in memory of their own")
    func octets() {
        var octets = counting(1, 40)
        let secret = SecretBytes(octets)
        octets[0] = 99
        #expect(secret.count == 40 && secret.copy == counting(1, 40))
        #expect(secret.withOctets { $0.count } == 40)
        #expect(SecretBytes([]).copy == [])
    }

    @Test("an array that is wiped is empty, and others that share its octets keep theirs")
    func wiping() {
        var octets = counting(1, 40)
        let other = octets
        octets.wipe()
        #expect(octets.isEmpty && other == counting(1, 40))
    }
}
