/// An IMAP SEARCH program as a user writes it, checked before anything is sent.
///
/// Kept in prefix order (`OR`, then its two keys), so that it is read, spelt and evaluated without recursion. What is
/// sent is spelt anew from this: no octet of the user's reaches the line outside quotes or a literal.
/// - SeeAlso: RFC 9051 §6.4.4, RFC 5032 (WITHIN), RFC 7162 (MODSEQ), RFC 8474 (OBJECTID), RFC 8514 (SAVEDATE)
public struct SearchProgram: Sendable, Hashable {
    enum Node: Sendable, Hashable {
        /// So many keys follow, all of which must hold.
        case and(Int)
        case or
        case not
        case key(SearchTerm)
    }

    /// Begins with an `and` over the whole program.
    let nodes: [Node]

    /// LIMIT: servers may refuse lines beyond 8,000 octets.
    public static let octetLimit = 4_000
    /// LIMIT: parentheses, NOT and OR inside each other; Dovecot and Cyrus stop at 100 or less.
    public static let depthLimit = 50

    /// Reads `text`, for example `FROM "anna" NOT DELETED SINCE 1-Feb-2024`.
    ///
    /// - Throws: ``SearchProgramError`` that says what cannot be read; it quotes at most one word.
    public init(parsing text: String) throws(SearchProgramError) {
        var parser = SearchParser(text)
        nodes = try parser.program()
    }

    /// The first key a store without a search of its own cannot answer from UID, flags, internal date and size.
    public var firstKeyForServer: String? {
        for case .key(let term) in nodes where !term.isLocal { return term.name }
        return nil
    }

    /// Whether a message fits, by what is known without its octets; `false` where a key needs more.
    ///
    /// - Precondition: ``firstKeyForServer`` is `nil`, or the answer means nothing.
    public func matches(_ message: MessageSummary) -> Bool {
        // Prefix order from behind: every key's operands are on the stack when it comes.
        var stack: [Bool] = []
        for node in nodes.reversed() {
            switch node {
            case .key(let term): stack.append(term.matches(message))
            case .not: stack.append(!(stack.popLast() ?? false))
            case .or:
                let (left, right) = (stack.popLast() ?? false, stack.popLast() ?? false)
                stack.append(left || right)
            case .and(let count):
                let isEach = stack.suffix(count).allSatisfy { $0 }
                stack.removeLast(min(count, stack.count))
                stack.append(isEach)
            }
        }
        return stack.last ?? false
    }

    /// Both hold.
    public func and(_ other: SearchProgram) -> SearchProgram { SearchProgram([.and(2)] + nodes + other.nodes) }

    private init(_ nodes: [Node]) { self.nodes = nodes }
}

/// Why a SEARCH program cannot be read.
public struct SearchProgramError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

// MARK: - The wire

extension SearchProgram {
    /// A piece of the command line.
    public enum Piece: Sendable, Hashable {
        case text(String)
        /// Octets that need a literal.
        case literal([UInt8])
    }

    /// A string holds more than ASCII: `CHARSET UTF-8` is to be said.
    public var needsUTF8: Bool { pieces.contains { if case .literal = $0 { true } else { false } } }

    /// The program as it is sent, without a space before it.
    public var pieces: [Piece] {
        var pieces: [Piece] = []
        var line = ""
        func begin() {
            if let last = line.last { if last != "(" { line += " " } } else if !pieces.isEmpty { line = " " }
        }
        // Keys that are still to come of each group; those of NOT and OR close by themselves.
        var open: [Int] = []
        var wanted: [Int] = []
        for (place, node) in nodes.enumerated() {
            switch node {
            case .and(let count):
                if place > 0 { begin() }
                if place > 0 { line += "(" }
                open.append(wanted.count)
                wanted.append(count)
                continue
            case .not, .or:
                begin()
                line += node == .not ? "NOT" : "OR"
                wanted.append(node == .not ? 1 : 2)
                continue
            case .key(let term):
                begin()
                line += term.name
                for argument in term.arguments {
                    line += " "
                    if let literal = argument.literal {
                        pieces += [.text(line), .literal(literal)]
                        line = ""
                    } else {
                        line += argument.text
                    }
                }
            }
            while let last = wanted.last {
                wanted[wanted.count - 1] = last - 1
                guard last == 1 else { break }
                if open.last == wanted.count - 1 {
                    open.removeLast()
                    if wanted.count > 1 { line += ")" }
                }
                wanted.removeLast()
            }
        }
        return line.isEmpty ? pieces : pieces + [.text(line)]
    }
}

extension SearchProgram: CustomStringConvertible {
    /// As it is sent, strings in quotes whatever they hold.
    public var description: String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .literal(let octets): "\"\(String(decoding: octets, as: UTF8.self))\""
            }
        }.joined()
    }
}
