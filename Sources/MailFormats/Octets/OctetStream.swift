import MailCore

/// Octets that come piece by piece, and only forward.
package protocol OctetStream: AnyObject {
    /// The next octets (1 to about 64 KiB), or `nil` at the end.
    func next() throws(FormatsError) -> [UInt8]?

    /// Leaves out up to `count` of the next octets without reading them; how many, 0 where that cannot be done.
    func skip(_ count: Int) -> Int
}

extension OctetStream {
    package func skip(_ count: Int) -> Int { 0 }
}

/// A stretch of a file.
final class FileOctets: OctetStream {
    private let file: Descriptor
    private var offset: Int
    private let end: Int
    private static let piece = 1 << 16

    init(_ file: consuming Descriptor, _ range: Range<Int>) {
        self.file = file
        (offset, end) = (range.lowerBound, range.upperBound)
    }

    /// - Throws: `.ioFailed` when the file ends before the stretch does.
    func next() throws(FormatsError) -> [UInt8]? {
        guard offset < end else { return nil }
        let octets = try file.read(min(Self.piece, end - offset), at: offset)
        guard !octets.isEmpty else {
            throw FormatsError(.ioFailed, "the file became shorter", path: String(decoding: file.path, as: UTF8.self))
        }
        offset += octets.count
        return octets
    }

    func skip(_ count: Int) -> Int {
        let skipped = min(count, end - offset)
        offset += skipped
        return skipped
    }
}

/// A stream with the place it is at.
final class OctetCursor {
    private let stream: any OctetStream
    /// Of the next octet.
    private(set) var offset = 0
    private var rest: ArraySlice<UInt8> = []

    init(_ stream: any OctetStream) { self.stream = stream }

    /// The next octets, up to `limit` of them; `nil` at the end.
    func take(_ limit: Int) throws(FormatsError) -> ArraySlice<UInt8>? {
        if rest.isEmpty {
            guard let piece = try stream.next() else { return nil }
            rest = piece[...]
        }
        let taken = rest.prefix(limit)
        rest = rest.dropFirst(taken.count)
        offset += taken.count
        return taken
    }

    /// Goes on to `target`, which is not behind; false when the stream ends before.
    func advance(to target: Int) throws(FormatsError) -> Bool {
        while offset < target {
            if rest.isEmpty {
                let skipped = stream.skip(target - offset)
                offset += skipped
                if skipped > 0 { continue }
            }
            guard try take(target - offset) != nil else { return false }
        }
        return true
    }
}
