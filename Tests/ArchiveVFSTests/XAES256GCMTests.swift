import ArchiveVFS
import Testing

@Suite struct XAES256GCMTests {
    // C2SP, XAES-256-GCM, "Test vectors".
    @Test(
        "the vectors of the specification hold",
        arguments: [
            (UInt8(1), "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ])
    func vectors(key: UInt8, associated: String, expected: String) throws {
        let cipher = try XAES256GCM(key: [UInt8](repeating: key, count: 32))
        var text = Array("XAES-256-GCM".utf8)
        var tag = [UInt8](repeating: 0, count: 16)
        let nonce = Array("ABCDEFGHIJKLMNOPQRSTUVWX".utf8)
        let aad = Array(associated.utf8)
        let isSealed = unsafe text.withUnsafeMutableBufferPointer { text in
            guard let base = text.baseAddress else { return false }
            return unsafe aad.withUnsafeBytes { aad in
                unsafe cipher.seal(base, count: text.count, to: base, nonce: nonce, associated: aad, tag: &tag)
            }
        }
        #expect(isSealed)
        #expect((text + tag).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }

    @Test("a key of another length is refused", arguments: [0, 16, 31, 33])
    func keyLength(count: Int) {
        #expect(throws: VFSError.self) { try XAES256GCM(key: [UInt8](repeating: 0, count: count)) }
    }
}
