import MailarcKit
import Testing

@Suite("QR codes")
struct QRCodeTests {
    // Version 1, level M, of "mailarc", as other encoders draw it is not fixed (the mask is a choice); what is fixed:
    @Test("finder, timing and the dark module stand where the standard wants them", arguments: [7, 60, 106, 107, 213])
    func structure(_ count: Int) throws {
        let code = try #require(QRCode([UInt8](repeating: 0x5A, count: count)))
        #expect((code.size - 17) % 4 == 0)
        for index in 0..<7 {
            #expect(code.isDark(0, index) && code.isDark(6, index) && code.isDark(index, code.size - 1))
            #expect(!code.isDark(7, index))
        }
        for index in 8..<code.size - 8 { #expect(code.isDark(6, index) == (index % 2 == 0)) }
        #expect(code.isDark(code.size - 8, 8))
        #expect(code.terminalText.split(separator: "\n").count == (code.size + 9) / 2)
    }

    @Test("what is too much is refused")
    func limits() { #expect(QRCode([UInt8](repeating: 1, count: 214)) == nil) }
}
