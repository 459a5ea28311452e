import Glibc

/// One connection of the scripted server: commands in, buffered octets out.
final class ScriptedIMAPWire {
    struct Closed: Error {}

    private let descriptor: Int32
    private var input: [UInt8] = []
    private var inputStart = 0
    private var output: [UInt8] = []
    private var hasEnded = false

    private let onSent: (Int) -> Void

    /// Asked before a literal of so many octets is read: close behind how many of them?
    var breakIn: (Int) -> Int? = { _ in nil }

    init(_ descriptor: Int32, onSent: @escaping (Int) -> Void) {
        (self.descriptor, self.onSent) = (descriptor, onSent)
    }

    func write(_ text: String) throws { try write(Array(text.utf8)[...]) }

    func write(_ octets: ArraySlice<UInt8>) throws {
        var rest = octets
        while !rest.isEmpty {
            let piece = rest.prefix(1 << 16)
            output += piece
            rest = rest.dropFirst(piece.count)
            if output.count > 1 << 17 { try flush() }
        }
    }

    func flush() throws {
        var sent = 0
        while sent < output.count {
            let count = unsafe output.withUnsafeBytes { buffer in
                // SAFETY: the count given is what lies behind the pointer.
                unsafe send(
                    descriptor, buffer.baseAddress.map { unsafe $0 + sent }, buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Closed() }
            sent += count
            onSent(count)
        }
        output.removeAll(keepingCapacity: true)
    }

    /// Ends the output; ``drain()`` is to follow.
    func end() throws {
        try flush()
        _ = shutdown(descriptor, Int32(SHUT_WR))
        hasEnded = true
    }

    /// Behind an end, waits until the client closes, too: what it sent unasked would make a reset of the end, which takes
    /// along what it has not read yet.
    func drain() {
        guard hasEnded else { return }
        while (try? readOctet()) ?? nil != nil { inputStart = input.count }
    }

    /// More is there, or comes while a slow server would work.
    func hasMore() -> Bool {
        guard inputStart == input.count else { return true }
        var one = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&one, 1, 20) > 0
    }

    /// One command with its literals in place; `nil` at the end.
    func readCommand() throws -> [UInt8]? {
        var command: [UInt8] = []
        while true {
            guard let line = try readLine() else { return nil }
            command += line
            guard let literal = Self.literal(line) else { return command }
            if let count = breakIn(literal.count) {
                if literal.isSynchronising { try write("+ go on\r\n") }
                try flush()
                for _ in 0..<min(count, literal.count) { _ = try readOctet() }
                throw Closed()
            }
            if literal.isSynchronising { try write("+ go on\r\n") }
            try flush()
            for _ in 0..<literal.count {
                guard let octet = try readOctet() else { return nil }
                command.append(octet)
            }
        }
    }

    private static func literal(_ line: [UInt8]) -> (count: Int, isSynchronising: Bool)? {
        guard line.count > 4, line[line.count - 3] == UInt8(ascii: "}"),
            let open = line.lastIndex(of: UInt8(ascii: "{"))
        else { return nil }
        let digits = String(decoding: line[(open + 1)..<(line.count - 3)], as: UTF8.self)
        let isPlus = digits.hasSuffix("+")
        return Int(isPlus ? String(digits.dropLast()) : digits).map { ($0, !isPlus) }
    }

    private func readLine() throws -> [UInt8]? {
        var line: [UInt8] = []
        while let octet = try readOctet() {
            line.append(octet)
            if octet == 10 { return line }
        }
        return nil
    }

    private func readOctet() throws -> UInt8? {
        if inputStart == input.count {
            try flush()
            input = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe recv(descriptor, &input, input.count, 0)
            guard count > 0 else { return nil }
            input.removeLast(input.count - count)
            inputStart = 0
        }
        inputStart += 1
        return input[inputStart - 1]
    }
}

/// An argument of a command.
enum ScriptedArgument: Equatable {
    case word(String)
    case list([ScriptedArgument])

    var word: String? { if case .word(let word) = self { word } else { nil } }
    var list: [ScriptedArgument]? { if case .list(let list) = self { list } else { nil } }

    /// The arguments of a command line, tag and name included.
    static func parse(_ command: [UInt8], isLatin1: Bool = false) -> [ScriptedArgument] {
        var stack: [[ScriptedArgument]] = [[]]
        var index = 0
        while index < command.count {
            switch command[index] {
            case UInt8(ascii: "("): stack.append([])
            case UInt8(ascii: ")"):
                let list = stack.removeLast()
                if stack.isEmpty { stack.append([]) }
                stack[stack.count - 1].append(.list(list))
            case 32, 13, 10: break
            default:
                stack[stack.count - 1].append(.word(scalar(command, &index, isLatin1)))
                continue
            }
            index += 1
        }
        return stack.first ?? []
    }

    private static func scalar(_ command: [UInt8], _ index: inout Int, _ isLatin1: Bool) -> String {
        var octets: [UInt8] = []
        if command[index] == UInt8(ascii: "\"") {
            index += 1
            while index < command.count, command[index] != UInt8(ascii: "\"") {
                if command[index] == UInt8(ascii: "\\") { index += 1 }
                octets.append(command[index])
                index += 1
            }
            index += 1
        } else if command[index] == UInt8(ascii: "{"), let close = command[index...].firstIndex(of: 10) {
            let digits = command[index..<close].filter { $0 >= 48 && $0 <= 57 }
            let count = Int(String(decoding: digits, as: UTF8.self)) ?? 0
            octets = Array(command[(close + 1)..<min(command.count, close + 1 + count)])
            index = close + 1 + count
        } else {
            var depth = 0
            while index < command.count {
                let octet = command[index]
                if octet == UInt8(ascii: "[") { depth += 1 }
                if octet == UInt8(ascii: "]") { depth -= 1 }
                if depth <= 0, [32, 13, 10, 40, 41].contains(octet) { break }
                octets.append(octet)
                index += 1
            }
        }
        guard isLatin1 else { return String(decoding: octets, as: UTF8.self) }
        return String(String.UnicodeScalarView(octets.map { Unicode.Scalar($0) }))
    }
}
