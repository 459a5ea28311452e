import MailCore
import MailSync
import MailarcKit
import Testing

@Suite struct SealedSpoolTests {
    @Test("a spool gives back what it was given, any number of times", arguments: [0, 1, 65_535, 65_536, 200_000])
    func givesBack(count: Int) throws {
        let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try SealedSpool(folder: "/tmp").makeFile()
        var rest = octets[...]
        while !rest.isEmpty {
            try file.append(Array(rest.prefix(40_001)))
            rest = rest.dropFirst(40_001)
        }
        try file.finish()
        for _ in 0..<2 {
            let source = try file.open()
            var back: [UInt8] = []
            while let piece = try source.next() { back += piece }
            #expect(back == octets)
        }
    }

    @Test("a folder that is not there is told")
    func noFolder() {
        #expect(throws: (any Error).self) { try SealedSpool(folder: "/nowhere/at/all").makeFile() }
    }
}
