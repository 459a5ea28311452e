/// A value of a response whose meaning is not looked at here: ENVELOPE, BODYSTRUCTURE, an unknown attribute.
public enum ResponseValue: Sendable, Hashable {
    /// LIMIT: deepest list taken; real BODYSTRUCTUREs stay below 100, and freeing a value recurses once a level.
    public static let maximumDepth = 256

    case atom([UInt8])
    case string([UInt8])
    /// A literal that was handed over as events.
    case streamed(octetCount: Int)
    case `nil`
    case list([ResponseValue])

    /// The atom's or string's octets.
    public var octets: [UInt8]? {
        switch self {
        case .atom(let octets), .string(let octets): octets
        case .streamed, .nil, .list: nil
        }
    }
}

extension LineCursor {
    /// One value, by an explicit stack; spaces between lists and strings may be missing.
    mutating func takeValue() -> ResponseValue? {
        let start = position
        var stack: [[ResponseValue]] = []
        repeat {
            skipSpaces()
            var finished: ResponseValue?
            if take(.open) {
                guard stack.count < ResponseValue.maximumDepth else { break }
                stack.append([])
            } else if peek == .close, let list = stack.popLast() {
                position += 1
                finished = .list(list)
            } else if let scalar = takeScalar() {
                finished = scalar
            } else {
                break
            }
            guard let finished else { continue }
            guard !stack.isEmpty else { return finished }
            stack[stack.count - 1].append(finished)
        } while true
        position = start
        return nil
    }

    private mutating func takeScalar() -> ResponseValue? {
        if peek == .quote { return takeQuoted().map { .string($0) } }
        switch takeLiteral() {
        case .octets(let octets)?: return .string(octets)
        case .streamed(let count)?: return .streamed(octetCount: count)
        case nil: break
        }
        guard let atom = takeAtom() else { return nil }
        return upperWord(atom) == "NIL" ? .nil : .atom(Array(octets[atom]))
    }
}
