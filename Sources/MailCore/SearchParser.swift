/// Reads a SEARCH program. Total, linear, with a stack of its own.
///
/// ```
/// program = key *(SP key)
/// key     = "(" program ")" / "NOT" SP key / "OR" SP key SP key / name *(SP argument)
/// string  = quoted / word      ; no literals: "{" begins none
/// ```
struct SearchParser {
    /// What still wants keys.
    private enum Frame {
        /// Place of its node, keys so far, and whether `)` ends it.
        case group(Int, Int, isParenthesised: Bool)
        case not
        case or(Int)
    }
    private enum Token {
        case open, close
        case word(String)
        case quoted(String)
    }

    private var rest: Substring.UnicodeScalarView
    private let octetCount: Int
    private var nodes: [SearchProgram.Node] = [.and(0)]
    private var frames: [Frame] = [.group(0, 0, isParenthesised: false)]

    init(_ text: String) {
        rest = Substring(text).unicodeScalars
        octetCount = text.utf8.count
    }

    mutating func program() throws(SearchProgramError) -> [SearchProgram.Node] {
        guard octetCount <= SearchProgram.octetLimit else {
            throw SearchProgramError("it is longer than \(SearchProgram.octetLimit) octets")
        }
        while let token = try next() {
            switch token {
            case .open:
                frames.append(.group(nodes.count, 0, isParenthesised: true))
                nodes.append(.and(0))
            case .close: try close()
            case .quoted(let text): throw SearchProgramError("\"\(text.prefix(40))\" stands where a key should")
            case .word(let word): try take(word)
            }
            guard frames.count <= SearchProgram.depthLimit else {
                throw SearchProgramError("it is nested deeper than \(SearchProgram.depthLimit)")
            }
        }
        guard frames.count == 1, case .group(0, let count, _)? = frames.last else {
            throw SearchProgramError("it ends too early: a ')' or a key is missing")
        }
        guard count > 0 else { throw SearchProgramError("it is empty") }
        nodes[0] = .and(count)
        return nodes
    }

    private mutating func close() throws(SearchProgramError) {
        guard case .group(let place, let count, isParenthesised: true)? = frames.last, count > 0 else {
            throw SearchProgramError("a ')' stands where a key should")
        }
        nodes[place] = .and(count)
        frames.removeLast()
        complete()
    }

    private mutating func take(_ word: String) throws(SearchProgramError) {
        let name = word.uppercased()
        if name == "NOT" || name == "OR" {
            frames.append(name == "NOT" ? .not : .or(2))
            nodes.append(name == "NOT" ? .not : .or)
            return
        }
        guard let kinds = SearchTerm.keys[name] else {
            let isNumber = name.allSatisfy { $0.isNumber || ":*,".contains($0) }
            throw SearchProgramError(
                isNumber
                    ? "message numbers mean nothing here (UID \(word.prefix(40)))" : "no such key: \(word.prefix(40))")
        }
        var arguments: [SearchTerm.Argument] = []
        for kind in kinds { arguments.append(try argument(kind, of: name)) }
        nodes.append(.key(SearchTerm(name: name, arguments: arguments)))
        complete()
    }

    /// A key is whole: so may be what it stands in.
    private mutating func complete() {
        while let frame = frames.last {
            switch frame {
            case .group(let place, let count, let isParenthesised):
                frames[frames.count - 1] = .group(place, count + 1, isParenthesised: isParenthesised)
                return
            case .or(2):
                frames[frames.count - 1] = .or(1)
                return
            case .not, .or: frames.removeLast()
            }
        }
    }

    // MARK: Arguments

    private mutating func argument(
        _ kind: SearchTerm.ArgumentKind, of name: String
    ) throws(SearchProgramError) -> SearchTerm.Argument {
        let token = try next()
        let text: String
        switch token {
        case .word(let word): text = word
        case .quoted(let quoted): text = quoted
        default: throw SearchProgramError("\(name) wants an argument")
        }
        var argument: SearchTerm.Argument?
        switch kind {
        case .string: argument = .string(text)
        case .number: argument = UInt64(text).flatMap { $0 <= UInt64(Int64.max) ? .number($0) : nil }
        case .date: argument = Self.day(text).map { .date(text, $0) }
        case .uids: argument = Self.uids(text).map { .uids(text, $0) }
        case .atom: argument = Self.isAtom(text) ? .atom(text) : nil
        }
        guard let argument else { throw SearchProgramError("\(name) does not take \(text.prefix(40))") }
        return argument
    }

    private static func isAtom(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("(){%*\"\\]".utf8).contains($0) }
    }

    // date = 1*2DIGIT "-" month "-" 4DIGIT   ; RFC 9051 §9
    private static func day(_ text: String) -> CivilTime? {
        guard let date = InternalDate(parsing: text + " 00:00:00 +0000") else { return nil }
        let day = CivilTime(secondsSinceEpoch: date.secondsSinceEpoch)
        // 31-Feb is no day.
        return text.split(separator: "-").first.flatMap { Int($0) } == day.day ? day : nil
    }

    // uid-set = (uniqueid / uid-range) *("," uid-set)
    private static func uids(_ text: String) -> UIDSet? {
        var ranges: [ClosedRange<UInt32>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: ":", omittingEmptySubsequences: false).map { bound -> UInt32? in
                bound == "*" ? .max : UInt32(bound).flatMap { $0 > 0 && bound.first != "+" ? $0 : nil }
            }
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1] else {
                return nil
            }
            ranges.append(min(first, last)...max(first, last))
        }
        return UIDSet(ranges: ranges)
    }

    // MARK: Tokens

    private mutating func next() throws(SearchProgramError) -> Token? {
        while rest.first == " " { rest.removeFirst() }
        guard let first = rest.first else { return nil }
        switch first {
        case "(", ")":
            rest.removeFirst()
            return first == "(" ? .open : .close
        case "\"": return try quoted()
        case "{": throw SearchProgramError("literals are not taken: write the string in quotes")
        default: break
        }
        var word = ""
        while let scalar = rest.first, scalar != " ", scalar != "(", scalar != ")" {
            guard scalar != "\"" else { throw SearchProgramError("a quote stands inside a word") }
            word.unicodeScalars.append(try checked(scalar))
            rest.removeFirst()
        }
        return .word(word)
    }

    private mutating func quoted() throws(SearchProgramError) -> Token {
        rest.removeFirst()
        var text = ""
        while let scalar = rest.popFirst() {
            if scalar == "\"" {
                guard rest.first.map({ $0 == " " || $0 == ")" }) ?? true else {
                    throw SearchProgramError("a quote stands inside a word")
                }
                return .quoted(text)
            }
            guard scalar == "\\" else {
                text.unicodeScalars.append(try checked(scalar))
                continue
            }
            guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
                throw SearchProgramError("a backslash stands before something else than \\ or \"")
            }
            text.unicodeScalars.append(escaped)
        }
        throw SearchProgramError("a quote is not closed")
    }

    private func checked(_ scalar: Unicode.Scalar) throws(SearchProgramError) -> Unicode.Scalar {
        guard scalar.value >= 0x20, scalar.value != 0x7F, !(0x80..<0xA0).contains(scalar.value) else {
            throw SearchProgramError("a line end or another control character is in it")
        }
        return scalar
    }
}
