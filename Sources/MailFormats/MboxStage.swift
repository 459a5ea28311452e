import Glibc
import MailCore

/// Entries on their way into an mbox, in a file that goes by itself.
final class MboxStage {
    private let file: Descriptor
    private var count = 0
    private(set) var keys: [MboxKey] = []

    /// - Parameter folder: where the file is, without a name.
    init(in folder: [UInt8]) throws(FormatsError) {
        let directory = try Descriptor.openDirectory(folder)
        let name = Array("stage-\(getpid())-\(UInt64.random(in: 0 ... .max))".utf8)
        file = try directory.openFile(name, O_RDWR | O_CREAT | O_EXCL)
        directory.remove(name)
    }

    /// Adds a message: From_ line, header with flags, quoted body, empty line.
    func add(flags: FlagSet, date: Int64, _ next: () throws(StoreError) -> [UInt8]?) throws {
        let start = count
        do {
            try write(MboxFromLine.octets(sender: "", secondsSinceEpoch: date))
            var key = MboxKey()
            var quoter = FromQuoter()
            var raw: [UInt8] = []
            var isInHeader = true
            var last: UInt8 = 0x0A
            func settle(_ head: [UInt8]) -> (own: [UInt8], written: [UInt8]) {
                let head = MboxHead(head)
                return (head.own, head.octets(flags: flags, keepsForeign: false))
            }
            while let octets = try next() {
                last = octets.last ?? last
                guard isInHeader else {
                    key.add(octets)
                    try write(quoter.consume(octets))
                    continue
                }
                let old = raw.count
                raw += octets
                guard let end = MboxHead.end(in: raw, from: max(0, old - 2)) ?? (raw.count > MboxHead.limit ? 0 : nil)
                else { continue }
                isInHeader = false
                let (own, written) = end == 0 ? ([], []) : settle(Array(raw[..<end]))
                key.add(own + raw[end...])
                try write(quoter.consume(written + raw[end...]))
            }
            if isInHeader, !raw.isEmpty {
                // A header alone. What has no line end gets one: an mbox cannot do without.
                if last != 0x0A { raw.append(0x0A) }
                last = 0x0A
                let (own, written) = settle(raw)
                key.add(own)
                try write(quoter.consume(written))
            } else if raw.isEmpty {
                let written = settle([]).written
                try write(written)
            }
            try write(quoter.finish())
            if last != 0x0A {
                key.add([0x0A])
                try write([0x0A])
            }
            try write([0x0A])
            keys.append(key)
        } catch {
            try file.truncate(to: start)
            count = start
            throw error
        }
    }

    private func write(_ octets: [UInt8]) throws(FormatsError) {
        try file.write(octets, at: count)
        count += octets.count
    }

    /// Appends everything to an mbox, behind an empty line; false when there is nothing.
    func append(to target: borrowing Descriptor) throws(FormatsError) -> Bool {
        guard count > 0 else { return false }
        let size = try target.status().octetCount
        let end = try target.read(2, at: max(0, size - 2))
        if size > 0, end != [0x0A, 0x0A] { try target.write(end.last == 0x0A ? [0x0A] : [0x0A, 0x0A]) }
        try target.append(0..<count, of: file)
        return true
    }
}
