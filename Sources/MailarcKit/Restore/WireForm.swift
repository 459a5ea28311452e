import ArchiveCrypto
package import MailCore

/// The form in which IMAP carries a message: every LF behind a CR. Any chunking gives the same.
package struct WireForm {
    private static let (lineFeed, carriageReturn) = (UInt8(10), UInt8(13))
    private var lastIsReturn = false
    /// An LF had no CR.
    package private(set) var hasConverted = false

    package init() {}

    /// `octets` with CRLF line ends; the array itself where nothing is to be done.
    package mutating func convert(_ octets: [UInt8]) -> [UInt8] {
        var bare = 0
        var previous = lastIsReturn
        for octet in octets {
            if octet == Self.lineFeed, !previous { bare += 1 }
            previous = octet == Self.carriageReturn
        }
        defer { lastIsReturn = previous }
        guard bare > 0 else { return octets }
        hasConverted = true
        var result: [UInt8] = []
        result.reserveCapacity(octets.count + bare)
        previous = lastIsReturn
        for octet in octets {
            if octet == Self.lineFeed, !previous { result.append(Self.carriageReturn) }
            result.append(octet)
            previous = octet == Self.carriageReturn
        }
        return result
    }
}

/// What a message is in its wire form: enough to know it again in a mailbox.
package struct WireFacts: Sendable {
    /// SHA-256 of the wire form.
    package var digest: [UInt8]
    /// SHA-256 of the wire form without CR, with `X` for NUL and octets beyond 127: the same for what servers make of
    /// messages they do not keep as they came. `nil` where nobody asked for it.
    package var likeness: [UInt8]?
    package var octetCount: Int
    /// The archived octets are others: they have LF line ends.
    package var isConverted: Bool
    package var traits: OctetTraits
}

/// Takes a message, piece by piece, and tells its wire form's facts.
package final class WireMeter {
    /// LIMIT: as much of a header as is looked at for UTF-8.
    private static let headerLimit = 1 << 18

    private var form = WireForm()
    private var hash = SHA256()
    private var likeness = SHA256()
    private let wantsLikeness: Bool
    private var count = 0
    private var traits = OctetTraits()
    private var header: [UInt8] = []
    private var isInHeader = true
    private var isLineEmpty = true
    private var lastIsReturn = false

    package init(wantsLikeness: Bool) { self.wantsLikeness = wantsLikeness }

    /// Takes the next octets; answers them in wire form.
    @discardableResult
    package func take(_ octets: [UInt8]) -> [UInt8] {
        let wire = form.convert(octets)
        count += wire.count
        hash.update(wire)
        look(at: wire)
        if wantsLikeness {
            likeness.update(wire.filter { $0 != 13 }.map { $0 == 0 || $0 > 127 ? UInt8(ascii: "X") : $0 })
        }
        return wire
    }

    package func finish() -> WireFacts {
        if lastIsReturn { traits.hasBareCR = true }
        endHeader()
        return WireFacts(
            digest: hash.digest(), likeness: wantsLikeness ? likeness.digest() : nil, octetCount: count,
            isConverted: form.hasConverted, traits: traits)
    }

    private func look(at octets: [UInt8]) {
        for octet in octets {
            switch octet {
            case 13:
                if lastIsReturn { traits.hasBareCR = true }
            case 10:
                if isInHeader {
                    if isLineEmpty { endHeader() }
                    isLineEmpty = true
                }
            default:
                if lastIsReturn { traits.hasBareCR = true }
                if octet == 0 { traits.hasNUL = true }
                isLineEmpty = false
            }
            lastIsReturn = octet == 13
            if isInHeader, header.count < Self.headerLimit { header.append(octet) }
        }
    }

    private func endHeader() {
        guard isInHeader else { return }
        isInHeader = false
        traits.hasOctetsInHeader = header.contains { $0 > 127 }
        traits.isHeaderUTF8 = !traits.hasOctetsInHeader || String(validating: header, as: UTF8.self) != nil
        header = []
    }
}
