internal import CZlib
import MailCore

/// A stream whose length and CRC-32 are told elsewhere, and must come to that.
final class CheckedOctets: OctetStream {
    private let source: any OctetStream
    private let count: Int
    private let checksum: UInt32
    private var seen = 0
    private var sum: UInt = 0

    init(_ source: any OctetStream, count: Int, checksum: UInt32) {
        (self.source, self.count, self.checksum) = (source, count, checksum)
    }

    /// - Throws: `.damaged` as soon as it shows.
    func next() throws(FormatsError) -> [UInt8]? {
        guard let octets = try source.next() else {
            guard seen == count else { throw FormatsError(.damaged, "it is shorter than it should be", path: "") }
            guard UInt32(truncatingIfNeeded: sum) == checksum else {
                throw FormatsError(.damaged, "its checksum is wrong", path: "")
            }
            return nil
        }
        seen += octets.count
        guard seen <= count else { throw FormatsError(.damaged, "it is longer than it should be", path: "") }
        // SAFETY: crc32 reads the octets of the array.
        sum = unsafe octets.withUnsafeBufferPointer { unsafe crc32(sum, $0.baseAddress, UInt32($0.count)) }
        return octets
    }
}
