internal import Glibc

/// Computes a message's ``ContentIdentity`` from its octets, piece by piece. Total; any chunking gives the same.
struct ContentReader {
    /// LIMIT: a header longer than this is known by its exact octets only; real ones stay below 200 KiB.
    private static let headerLimit = 1 << 20

    private let key: [UInt8]
    private let hashing: any ContentHashing
    /// Of the exact header.
    private var head: any RunningHash
    /// Of the exact body, once that is not its canonical form.
    private var raw: (any RunningHash)?
    private var body: any RunningHash
    private var header: [UInt8] = []
    private var isInHeader = true
    private var isAtLineStart = true
    private var pendingCR = false
    private var isLastLineOpen = false
    private var octetCount = 0

    init(key: [UInt8], hashing: any ContentHashing) {
        (self.key, self.hashing) = (key, hashing)
        (head, body) = (hashing.start(), hashing.start())
        head.update(key[...])
        body.update(key[...])
    }

    /// Forgets everything but the key.
    mutating func restart() { self = ContentReader(key: key, hashing: hashing) }

    mutating func update(_ octets: [UInt8]) {
        octetCount += octets.count
        var index = 0
        if isInHeader {
            index = takeHeader(octets)
            head.update(octets[..<index])
        }
        if index < octets.count { takeBody(octets[index...]) }
    }

    /// The octets up to the empty line; where the body begins.
    private mutating func takeHeader(_ octets: [UInt8]) -> Int {
        for index in octets.indices {
            let octet = octets[index]
            if header.count < Self.headerLimit { header.append(octet) }
            if octet == 0x0A {
                if isAtLineStart {
                    isInHeader = false
                    return index + 1
                }
                isAtLineStart = true
            } else if octet != 0x0D {
                isAtLineStart = false
            }
        }
        return octets.count
    }

    private mutating func takeBody(_ octets: ArraySlice<UInt8>) {
        if let last = octets.last { isLastLineOpen = last != 0x0A }
        guard LineEnds.areAllCRLF(octets, afterCR: pendingCR) else {
            leaveCanonical()
            raw?.update(octets)
            return normalise(octets)
        }
        raw?.update(octets)
        if pendingCR { body.update([0x0D]) }
        pendingCR = octets.last == 0x0D
        body.update(pendingCR ? octets.dropLast() : octets)
    }

    /// From here on the exact body is another than the canonical one.
    private mutating func leaveCanonical() {
        guard raw == nil else { return }
        raw = body.copy()
        if pendingCR { raw?.update([0x0D]) }
    }

    private mutating func normalise(_ octets: ArraySlice<UInt8>) {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count + octets.count / 32 + 2)
        for octet in octets {
            if octet == 0x0A {
                result.append(0x0D)
            } else if pendingCR {
                result.append(0x0D)
            }
            pendingCR = octet == 0x0D
            if !pendingCR { result.append(octet) }
        }
        body.update(result[...])
    }

    mutating func finish() -> ContentIdentity {
        if pendingCR || isLastLineOpen { leaveCanonical() }
        if pendingCR { body.update([0x0D]) }
        if isLastLineOpen { body.update([0x0D, 0x0A]) }
        let bodyDigest = body.finish()
        let rawMark = mark([0x01], head.finish() + (raw?.finish() ?? bodyDigest))
        guard header.count < Self.headerLimit else {
            return ContentIdentity(
                raw: rawMark, canonical: rawMark, body: mark([0x03], bodyDigest), octetCount: octetCount)
        }
        var canonical: [UInt8] = []
        var likeness: [UInt8] = []
        var trace: [UInt32] = []
        for field in HeaderFields(header) {
            if field.isName("received") {
                // LIMIT: more hops than this are a loop; the nearest ones tell deliveries apart well enough.
                if trace.count < 64 { trace.append(UInt32(truncatingIfNeeded: mark([0x04], field.line).high)) }
            }
            if field.isName("from") || field.isName("subject") { likeness += field.line + [0x0A] }
            if !field.isTrace { canonical += field.line + [0x0A] }
        }
        return ContentIdentity(
            raw: rawMark, canonical: mark([0x02], canonical + bodyDigest), body: mark([0x03], likeness + bodyDigest),
            trace: trace, octetCount: octetCount)
    }

    /// The key comes first and the inner digest is not shown, so that no hash of octets alone can be compared.
    private func mark(_ kind: [UInt8], _ octets: [UInt8]) -> ContentMark {
        let hash = hashing.start()
        hash.update(key[...])
        hash.update(kind[...])
        hash.update(octets[...])
        return ContentMark(hash.finish())
    }
}

/// Looks for line ends with the machine's widest instructions. Total, linear.
enum LineEnds {
    /// Whether every CR and every LF is one of a CRLF; a CR at the end may become one.
    static func areAllCRLF(_ octets: ArraySlice<UInt8>, afterCR: Bool) -> Bool {
        unsafe octets.withUnsafeBufferPointer { buffer in
            var position = 0
            if afterCR {
                guard unsafe buffer.first == 0x0A || buffer.isEmpty else { return false }
                position = 1
            }
            while position < buffer.count {
                let lineFeed = unsafe index(of: 0x0A, in: buffer, from: position, to: buffer.count)
                let end = lineFeed ?? buffer.count
                let carriageReturn = unsafe index(of: 0x0D, in: buffer, from: position, to: end)
                if lineFeed != nil || carriageReturn != nil {
                    guard carriageReturn == end - 1 else { return false }
                }
                position = end + 1
            }
            return true
        }
    }

    /// Whether a CR is followed by anything but LF.
    static func haveBareCR(_ octets: ArraySlice<UInt8>, afterCR: Bool) -> Bool {
        unsafe octets.withUnsafeBufferPointer { buffer in
            if afterCR, let first = unsafe buffer.first, first != 0x0A { return true }
            var position = 0
            while let hit = unsafe index(of: 0x0D, in: buffer, from: position, to: buffer.count) {
                guard hit + 1 < buffer.count else { return false }
                guard unsafe buffer[hit + 1] == 0x0A else { return true }
                position = hit + 2
            }
            return false
        }
    }

    static func haveNUL(_ octets: ArraySlice<UInt8>) -> Bool {
        unsafe octets.withUnsafeBufferPointer { unsafe index(of: 0, in: $0, from: 0, to: $0.count) != nil }
    }

    private static func index(of octet: UInt8, in buffer: UnsafeBufferPointer<UInt8>, from: Int, to: Int) -> Int? {
        guard from < to, let base = buffer.baseAddress else { return nil }
        // SAFETY: reads from `from` to `to`, which is not beyond the buffer's end.
        guard let hit = unsafe memchr(base + from, Int32(octet), to - from) else { return nil }
        return unsafe UnsafeRawPointer(base).distance(to: UnsafeRawPointer(hit))
    }
}

/// The fields of a header block, unfolded, with lower-case names. Total.
private struct HeaderFields: Sequence, IteratorProtocol {
    struct Field {
        /// `name:body`, without line ends; white space around the body is dropped.
        var line: [UInt8]
        private let nameCount: Int

        init(_ octets: [UInt8]) {
            let colon = octets.firstIndex(of: UInt8(ascii: ":")) ?? octets.count
            var name = octets[..<colon].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
            while let last = name.last, last == 0x20 || last == 0x09 { name.removeLast() }
            var body = octets[Swift.min(colon + 1, octets.count)...]
            while let first = body.first, first == 0x20 || first == 0x09 { body = body.dropFirst() }
            while let last = body.last, last == 0x20 || last == 0x09 { body = body.dropLast() }
            nameCount = name.count
            line = name + [UInt8(ascii: ":")] + body
        }

        func isName(_ name: String) -> Bool { line.prefix(nameCount).elementsEqual(name.utf8) }

        /// Added on delivery, or by a file format: no part of what was sent.
        var isTrace: Bool {
            let name = String(decoding: line.prefix(nameCount), as: UTF8.self)
            return Self.traceNames.contains(name)
                || Self.tracePrefixes.contains { name.hasPrefix($0) }
        }

        private static let traceNames: Set<String> = [
            "return-path", "delivered-to", "x-original-to", "envelope-to", "x-tuid", "x-offlineimap", "status",
            "x-status", "x-uid", "x-keywords", "received", "authentication-results", "content-length",
        ]
        private static let tracePrefixes = ["x-mozilla-", "arc-", "x-spam-", "from ", ">from "]
    }

    private var rest: ArraySlice<UInt8>

    init(_ header: [UInt8]) { rest = header[...] }

    mutating func next() -> Field? {
        while !rest.isEmpty {
            var line = takeLine()
            while let first = rest.first, first == 0x20 || first == 0x09 { line += takeLine() }
            if !line.isEmpty { return Field(line) }
        }
        return nil
    }

    private mutating func takeLine() -> [UInt8] {
        let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
        var line = rest[rest.startIndex..<end]
        rest = rest[Swift.min(end + 1, rest.endIndex)...]
        while line.last == 0x0D { line = line.dropLast() }
        return Array(line)
    }
}
