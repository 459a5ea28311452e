import Glibc
import NIOCore

/// A range of client addresses: `127.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.
package struct ClientNetwork: Sendable, Hashable {
    /// 4 or 16 octets.
    private let address: [UInt8]
    private let prefixLength: Int

    /// This machine.
    package static let loopback = [
        ClientNetwork(address: [127, 0, 0, 0], prefixLength: 8),
        ClientNetwork(address: Array(repeating: 0, count: 15) + [1], prefixLength: 128),
    ]

    private init(address: [UInt8], prefixLength: Int) {
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// - Throws: `.malformed`, also where octets behind the prefix are not 0.
    package init(parsing text: String) throws(SMTPError) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let address = Self.octets(String(halves[0])) else {
            throw SMTPError(.malformed, "\(text) is no network such as 192.0.2.0/24")
        }
        let all = address.count * 8
        let length = halves.count == 2 ? Int(halves[1]) : all
        guard let length, (0...all).contains(length) else {
            throw SMTPError(.malformed, "\(text): the prefix of this network has 0 to \(all) bits")
        }
        self.init(address: address, prefixLength: length)
        guard (length..<all).allSatisfy({ !Self.bit($0, of: address) }) else {
            throw SMTPError(.malformed, "\(text): there are bits behind the prefix")
        }
    }

    /// Whether `ip` (in numbers) is in it; an IPv4 address mapped into IPv6 is what it is mapped from.
    package func contains(_ ip: String) -> Bool {
        guard var octets = Self.octets(ip) else { return false }
        let mapped = [UInt8](repeating: 0, count: 10) + [255, 255]
        if octets.count == 16, Array(octets.prefix(12)) == mapped { octets = Array(octets.suffix(4)) }
        guard octets.count == address.count else { return false }
        return (0..<prefixLength).allSatisfy { Self.bit($0, of: octets) == Self.bit($0, of: address) }
    }

    /// Bit `number` from the front.
    private static func bit(_ number: Int, of octets: [UInt8]) -> Bool {
        let shift = 7 - number % 8
        return (octets[number / 8] >> shift) & 1 == 1
    }

    private static func octets(_ ip: String) -> [UInt8]? {
        // A zone (fe80::1%eth0) says nothing of the address.
        let plain = ip.prefix { $0 != "%" }
        var four = in_addr()
        if unsafe inet_pton(AF_INET, String(plain), &four) == 1 {
            return unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, String(plain), &six) == 1 else { return nil }
        return unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
    }
}
