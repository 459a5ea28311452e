import MailMIME
import Testing

struct CodecTests {
    private static func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SplitMix(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    @Test(
        "base64 encodes the RFC's vectors",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(_ plain: String, _ encoded: String) {
        var output: [UInt8] = []
        Base64.encode(Array(plain.utf8).span, into: &output)
        #expect(output == Array(encoded.utf8))
        #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
    }

    @Test("base64 lines are learnt and written again octet for octet", arguments: 0..<260)
    func layout(_ count: Int) {
        for lineLength in [0, 4, 60, 72, 76] {
            for lineEnd in [LineEnd.lf, .crlf] {
                for trailer in ["", "\n", "\r\n", "\n\n"] {
                    let plain = Self.random(count, seed: UInt64(count))
                    var encoded: [UInt8] = []
                    Base64.encode(plain.span, lineLength: lineLength, lineEnd: lineEnd, into: &encoded)
                    #expect(encoded.count == Base64.encodedCount(count, lineLength: lineLength, lineEnd: lineEnd))
                    if count > 0 { encoded += Array(trailer.utf8) }
                    for chunk in [1, 3, 7, 1_000] {
                        var decoder = Base64LineDecoder()
                        var decoded: [UInt8] = []
                        for start in stride(from: 0, to: encoded.count, by: chunk) {
                            let part = encoded.span.extracting(start..<min(encoded.count, start + chunk))
                            let isExact = decoder.consume(part, into: &decoded)
                            #expect(isExact)
                        }
                        guard let layout = decoder.finish() else {
                            Issue.record("\(count) \(lineLength) \(lineEnd) \(trailer) \(chunk) has no layout")
                            continue
                        }
                        #expect(decoded == plain)
                        var again: [UInt8] = []
                        Base64.encode(
                            decoded.span, lineLength: layout.lineLength, lineEnd: layout.lineEnd, into: &again)
                        #expect(again + layout.trailer == encoded)
                    }
                }
            }
        }
    }

    @Test(
        "base64 that no plain encoder wrote has no layout",
        arguments: [
            "QUJD\nQUI=\nQUJD", "QUJDQUJD\nQUJD\nQUJD", "QUJD\nQUJDQUJD", "QUJ", "QUJD\nQUJE\r\nQUJF", "QUJD!", "QR==",
            "QUJD QUJD", "=QUJ", "Q===", "QUI=Q", "\nQUJD", "QUJ\nDQU\nJD",
        ])
    func notExact(_ text: String) {
        let octets = Array(text.utf8)
        var decoder = Base64LineDecoder()
        var output: [UInt8] = []
        let isExact = decoder.consume(octets.span, into: &output)
        #expect(!isExact || decoder.finish() == nil)
    }

    @Test("tolerant base64 skips what is no character", arguments: [1, 2, 3, 1_000])
    func tolerant(_ chunk: Int) {
        let plain = Self.random(5_000, seed: 5)
        var encoded: [UInt8] = []
        Base64.encode(plain.span, lineLength: 76, lineEnd: .crlf, into: &encoded)
        encoded.insert(contentsOf: Array(" !*".utf8), at: 777)
        var decoder = TransferDecoder(.base64)
        var output: [UInt8] = []
        for start in stride(from: 0, to: encoded.count, by: chunk) {
            decoder.consume(encoded.span.extracting(start..<min(encoded.count, start + chunk)), into: &output)
        }
        let isValid = decoder.finish(into: &output)
        #expect(!isValid && output == plain)
    }

    @Test(
        "quoted-printable decodes",
        arguments: [
            ("a=3Db", "a=b"), ("a=\nb", "ab"), ("a= \t\r\nb", "ab"), ("a \t\r\nb", "a\r\nb"), ("a=ZZ", "a=ZZ"),
            ("=c3=a4", "ä"), ("a=", "a"), ("a=4", "a=4"), ("a b", "a b"),
        ])
    func quotedPrintable(_ encoded: String, _ plain: String) {
        let octets = Array(encoded.utf8)
        #expect(QuotedPrintable.decode(octets.span) == Array(plain.utf8))
        var decoder = TransferDecoder(.quotedPrintable)
        var output: [UInt8] = []
        for index in octets.indices { decoder.consume(octets.span.extracting(index..<index + 1), into: &output) }
        _ = decoder.finish(into: &output)
        #expect(output == Array(plain.utf8))
    }

    @Test("quoted-printable comes back and keeps to the line length", arguments: 0..<200)
    func quotedPrintableRoundTrip(_ seed: UInt64) {
        var plain = Self.random(400, seed: seed)
        if seed % 2 == 0 { plain = plain.map { $0 % 5 == 0 ? 0x20 : $0 % 41 == 0 ? 0x0A : 0x61 + $0 % 26 } }
        plain.removeAll { $0 == 0x0D }
        var encoded: [UInt8] = []
        QuotedPrintable.encode(plain.span, lineLength: 30, lineEnd: .lf, into: &encoded)
        #expect(QuotedPrintable.decode(encoded.span) == plain)
        #expect(encoded.split(separator: 0x0A).allSatisfy { $0.count <= 30 })
    }

    @Test("uuencode decodes")
    func uuencode() {
        let text = "text before\nbegin 644 cat.txt\n#0V%T\n`\nend\n"
        #expect(TransferDecoder.decode(Array(text.utf8), .uuencode) == Array("Cat".utf8))
    }

    @Test(
        "an encoded-word decodes",
        arguments: [
            ("=?utf-8?Q?caf=C3=A9?=", "café"), ("=?iso-8859-1?q?a_b?= =?iso-8859-1?q?_c?=", "a b c"),
            ("=?UTF-8?B?w6Q=?= x", "ä x"), ("x =?utf-8*en?q?y?=", "x y"), ("=?utf-8?Q?bro=?=", "bro="),
            ("=?x", "=?x"), ("a\r\n b", "a b"),
            ("=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "€"), ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
            ("=?unknown-8bit?q?=E9?=", "é"),
        ])
    func encodedWord(_ raw: String, _ text: String) {
        #expect(EncodedWord.decode(Array(raw.utf8)[...]) == text)
    }

    @Test(
        "text comes back from encoded-words",
        arguments: ["plain", "Grüße aus Köln", String(repeating: "日本語🎉", count: 40), "=?x?="])
    func encodedWordRoundTrip(_ text: String) {
        let raw = EncodedWord.encode(text)
        #expect(EncodedWord.decode(raw[...]) == text)
        #expect(raw.split(separator: 0x0A).allSatisfy { $0.count <= 77 })
    }

    @Test(
        "a charset decodes",
        arguments: [
            ("iso-8859-1", [0x93, 0xE9], "\u{201C}é"), ("koi8-r", [0xC1], "а"), ("utf-16", [0xFF, 0xFE, 0x41, 0], "A"),
            ("no-such", [0xE9], "é"), ("gb2312", [0xC4, 0xE3], "你"), ("us-ascii", [0xC3, 0xA9], "é"),
            ("utf-8", [0x41, 0xFF], "A\u{FFFD}"), ("shift_jis", [0x82, 0xA0, 0x41], "あA"),
        ] as [(String, [UInt8], String)])
    func charset(_ label: String, _ octets: [UInt8], _ text: String) {
        #expect(Charset.decode(octets, label: label).text == text)
    }

    @Test("a long text in another charset decodes whole")
    func longCharset() {
        let decoded = Charset.decode([UInt8](repeating: 0xC1, count: 300_000), label: "koi8-r")
        #expect(decoded.text.unicodeScalars.count == 300_000 && !decoded.hasInvalidOctets)
    }
}
