import ArchiveCrypto
import MailCore
import Testing

@Suite struct KeySlotTests {
    private static let random = RandomSource { $0 == 32 ? counting(0xE0, 32) : counting(0x60, 24) }
    private static let cheap = Scrypt.Cost(logN: 4, r: 8, p: 1)

    private func id() throws -> RandomID { try #require(RandomID(octets: counting(0xA0, 16))) }

    private func slot(_ kind: KeySlot.Kind, _ secret: [UInt8]) throws -> KeySlot {
        try KeySlot(
            wrapping: KeyHierarchy(rootKey: counting(0, 32), archiveID: try id()), kind: kind, secret: secret,
            label: "safe place", created: "2026-11-23T02:31:17Z", random: Self.random)
    }

    @Test("a key file slot is the text of the document")
    func vector() throws {
        let lines = [
            "mailarc-slot/1",
            "archive a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
            "type keyfile",
            "salt 4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8=",
            "label safe%20place",
            "created 2026-11-23T02:31:17Z",
            "check rD3Kjp5/UCRXsgW7R1t9rQ==",
            "wrapped YGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3cGBMd7lC2I6ig5hPWK10uyibHpAw09g8pfazv7ODjDl6+lL32EXsygW1H/CVXiP6",
            "mac dZIlzrMqmbxTw95M1gE6uj+07YlFav7dlw47zNNhLVM=",
        ]
        let slot = try slot(.keyFile, counting(0x50, 32))
        #expect(String(decoding: slot.octets, as: UTF8.self) == lines.joined(separator: "\n") + "\n")
        #expect(slot.id == "24359bd50200898c65ad5ec95e30fca9a884ff24e356ca0a06118254c4761e9d")
    }

    @Test(
        "a slot opens with its secret and reads back", arguments: [.scrypt(cheap), .keyFile, .plain] as [KeySlot.Kind])
    func roundTrip(_ kind: KeySlot.Kind) throws {
        let secret = kind == .plain ? [] : Array("correct horse battery staple".utf8)
        let slot = try KeySlot(parsing: try slot(kind, secret).octets)
        #expect(slot.kind == kind)
        #expect(slot.label == "safe place")
        #expect(try slot.open(secret: secret, archiveID: try id()).rootKey == counting(0, 32))
    }

    @Test("a wrong secret is told apart from tampering", arguments: [.scrypt(cheap), .keyFile] as [KeySlot.Kind])
    func wrongSecret(_ kind: KeySlot.Kind) throws {
        let slot = try slot(kind, Array("right".utf8))
        let error = #expect(throws: CryptoError.self) {
            try slot.open(secret: Array("wrong".utf8), archiveID: try id())
        }
        #expect(error?.kind == .wrongSecret)
    }

    @Test("a flip of any octet of a slot never opens it", arguments: [.scrypt(cheap), .keyFile] as [KeySlot.Kind])
    func tampering(_ kind: KeySlot.Kind) throws {
        let secret = Array("right".utf8)
        let octets = try slot(kind, secret).octets
        for index in octets.indices {
            var other = octets
            other[index] ^= 1
            #expect(throws: CryptoError.self, "octet \(index)") {
                _ = try KeySlot(parsing: other).open(secret: secret, archiveID: try id())
            }
        }
        for count in 0..<octets.count {
            #expect(throws: CryptoError.self, "cut to \(count)") {
                _ = try KeySlot(parsing: Array(octets.prefix(count))).open(secret: secret, archiveID: try id())
            }
        }
    }

    @Test("an edited label opens the way of tampering, a slot of another archive too")
    func editedLabel() throws {
        let secret = Array("right".utf8)
        let text = String(decoding: try slot(.keyFile, secret).octets, as: UTF8.self)
        let edited = try KeySlot(parsing: Array(text.replacing("label safe", with: "label mine").utf8))
        let error = #expect(throws: CryptoError.self) { try edited.open(secret: secret, archiveID: try id()) }
        #expect(error?.kind == .tampered)
        let other = try #require(RandomID(octets: counting(1, 16)))
        #expect(throws: CryptoError.self) { try slot(.keyFile, secret).open(secret: secret, archiveID: other) }
    }

    @Test("a slot that asks for too much work is refused before any is done")
    func cost() throws {
        let text = String(decoding: try slot(.scrypt(Self.cheap), [1]).octets, as: UTF8.self)
        for cost in ["21 8 1", "20 17 1", "20 8 5", "9999999999999999999 8 1", "-1 8 1"] {
            let slot = text.replacing("type scrypt 4 8 1", with: "type scrypt \(cost)")
            #expect(throws: CryptoError.self) {
                _ = try KeySlot(parsing: Array(slot.utf8)).open(secret: [1], archiveID: try id())
            }
        }
    }

    @Test("the erasure secret and the vault pointer read back")
    func smallFiles() throws {
        let secret = ErasureSecret(epoch: 7, secret: counting(0x40, 32), archive: try id().description)
        let back = try ErasureSecret(parsing: secret.octets)
        #expect(back.octets == secret.octets)
        #expect(back.secret == counting(0x40, 32))
        let pointer = VaultPointer(epoch: 7, revision: 9, rootDigest: SHA256.hash([]).hex)
        #expect(try VaultPointer(parsing: pointer.octets) == pointer)
        #expect(throws: CryptoError.self) { try VaultPointer(parsing: Array("mailarc-vault/2\n".utf8)) }
    }
}
