import Glibc
public import MailCore

/// Writes an mbox in the mboxrd dialect: quoting can be undone for certain.
public final class MboxWriter {
    private let file: Descriptor
    private var isAtLineStart = true

    /// Makes the file at `path`, which must not be there.
    public init(path: String) throws(FormatsError) {
        let octets = Array(path.utf8)
        let slash = octets.lastIndex(of: 0x2F)
        let parent = slash.map { $0 == 0 ? [0x2F] : Array(octets[..<$0]) } ?? [0x2E]
        let name = slash.map { Array(octets[($0 + 1)...]) } ?? octets
        file = try Descriptor.openDirectory(parent).openFile(name, O_WRONLY | O_CREAT | O_EXCL)
    }

    /// Appends the message whose octets `next` gives, piece after piece until `nil`.
    ///
    /// Octets are kept but for the quoting; a message without a last line end gets one, for an mbox cannot do without.
    /// - Parameter sender: the envelope sender; `MAILER-DAEMON` when empty.
    public func append(
        sender: String, internalDate: InternalDate?, _ next: () throws(FormatsError) -> [UInt8]?
    ) throws(FormatsError) {
        try file.write(MboxFromLine.octets(sender: sender, secondsSinceEpoch: internalDate?.secondsSinceEpoch ?? 0))
        var quoter = FromQuoter()
        var last: UInt8 = 0x0A
        while let octets = try next() {
            let quoted = quoter.consume(octets)
            try file.write(quoted)
            last = octets.last ?? last
        }
        try file.write(quoter.finish())
        try file.write(last == 0x0A ? [0x0A] : [0x0A, 0x0A])
    }

    /// Appends a whole message; see ``append(sender:internalDate:_:)``.
    public func append(_ octets: [UInt8], sender: String, internalDate: InternalDate?) throws(FormatsError) {
        var rest: [UInt8]? = octets
        try append(sender: sender, internalDate: internalDate) { () throws(FormatsError) in
            defer { rest = nil }
            return rest
        }
    }

    /// Makes what was written safe.
    public func finish() throws(FormatsError) { try file.sync() }
}

/// Puts one `>` before each line that starts with `From `, `>From `, and so on.
struct FromQuoter {
    private static let word = Array("From ".utf8)
    private var line: [UInt8] = []
    private var isDeciding = true

    mutating func consume(_ octets: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(octets.count + 64)
        for octet in octets {
            if !isDeciding {
                output.append(octet)
                isDeciding = octet == 0x0A
                continue
            }
            let matched = line.count
            if matched == 0, octet == UInt8(ascii: ">") {
                output.append(octet)
            } else if octet == Self.word[matched] {
                line.append(octet)
                if line.count == Self.word.count { release(isFrom: true, into: &output) }
            } else {
                release(isFrom: false, into: &output)
                output.append(octet)
                isDeciding = octet == 0x0A
            }
        }
        return output
    }

    mutating func finish() -> [UInt8] {
        defer { line = [] }
        return line
    }

    /// One more `>` anywhere among those before `From ` is the same as one in front.
    private mutating func release(isFrom: Bool, into output: inout [UInt8]) {
        if isFrom { output.append(UInt8(ascii: ">")) }
        output += line
        line.removeAll(keepingCapacity: true)
        isDeciding = false
    }
}
