/// The place of a tile or entry bundle below `log/`.
///
/// `tile/<L>/<N>` and `entries/<N>`, followed by `.p/<W>` when there are only W < 256 of them. `<N>` is written in
/// groups of three digits, all but the last with an `x` before: 1234067 is `x001/x234/067`.
/// - SeeAlso: C2SP tlog-tiles, "Merkle Tree" and "Log entries"
public struct TilePath: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// Hashes of this level, 0 to 7 (64 bits of leaves have no more).
        case tile(level: Int)
        case entries
    }
    public var kind: Kind
    /// N: which 256 hashes or leaves of the level, from 0.
    public var number: UInt64
    /// W: 1 to 256.
    public var width: Int

    public init(_ kind: Kind, number: UInt64, width: Int = Tile.width) {
        (self.kind, self.number, self.width) = (kind, number, width)
    }

    public static let maximumLevel = 7

    /// The path of the full one, to which `.p` is added for the folder of partial ones.
    public var stem: String {
        var groups = ["\(Self.padded(number % 1_000))"]
        var rest = number / 1_000
        while rest > 0 {
            groups.append("x" + Self.padded(rest % 1_000))
            rest /= 1_000
        }
        let name = groups.reversed().joined(separator: "/")
        return switch kind {
        case .tile(let level): "tile/\(level)/\(name)"
        case .entries: "entries/\(name)"
        }
    }

    /// The folder of the partial ones.
    public var partialFolder: String { stem + ".p" }

    public var description: String { width == Tile.width ? stem : "\(partialFolder)/\(width)" }

    private static func padded(_ value: UInt64) -> String {
        let digits = String(value)
        return String(repeating: "0", count: 3 - digits.utf8.count) + digits
    }

    /// The place `path` names, or `nil` if it is not written exactly so.
    public init?(parsing path: String) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard let first = parts.popFirst() else { return nil }
        switch first {
        case "tile":
            guard let text = parts.popFirst(), let level = Int(text), (0...Self.maximumLevel).contains(level) else {
                return nil
            }
            kind = .tile(level: level)
        case "entries": kind = .entries
        default: return nil
        }
        width = Tile.width
        if parts.count >= 2, let folder = parts.dropLast().last, folder.hasSuffix(".p") {
            guard let width = Int(parts.removeLast()), (1..<Tile.width).contains(width) else { return nil }
            self.width = width
            parts.removeLast()
            parts.append(folder.dropLast(2))
        }
        guard let number = Self.number(parts) else { return nil }
        self.number = number
        guard description == path else { return nil }
    }

    private static func number(_ groups: ArraySlice<Substring>) -> UInt64? {
        // LIMIT: 2⁶⁴ leaves have fewer than 10²¹ tiles.
        guard !groups.isEmpty, groups.count <= 7 else { return nil }
        var number: UInt64 = 0
        for group in groups {
            guard let value = UInt64(group.drop { $0 == "x" }), value < 1_000 else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 1_000)
            let (sum, carry) = product.addingReportingOverflow(value)
            guard !overflow, !carry else { return nil }
            number = sum
        }
        return number
    }
}
