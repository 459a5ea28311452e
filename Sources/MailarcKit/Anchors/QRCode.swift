/// A QR code of some octets: byte mode, error correction level M, versions 1 to 10.
///
/// - SeeAlso: ISO/IEC 18004
public struct QRCode: Sendable {
    /// Modules a side, without the quiet zone.
    public let size: Int
    /// Row after row; true is dark.
    private var modules: [Bool]
    private var isFunction: [Bool]

    // Level M: error correction codewords a block, and the data codewords of each block.   ISO/IEC 18004 table 9
    private static let blocks: [(correction: Int, data: [Int])] = [
        (10, [16]), (16, [28]), (26, [44]), (18, [32, 32]), (24, [43, 43]), (16, [27, 27, 27, 27]),
        (18, [31, 31, 31, 31]), (22, [38, 38, 39, 39]), (22, [36, 36, 36, 37, 37]), (26, [43, 43, 43, 43, 44]),
    ]
    private static let alignment: [[Int]] = [
        [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
    ]

    /// `nil` for more than 213 octets.
    public init?(_ octets: [UInt8]) {
        guard let version = (1...10).first(where: { Self.room($0) >= octets.count }) else { return nil }
        size = 17 + 4 * version
        modules = [Bool](repeating: false, count: size * size)
        isFunction = modules
        drawFunctionPatterns(version)
        place(Self.codewords(octets, version))
        var best = (penalty: Int.max, mask: 0)
        for mask in 0..<8 {
            var trial = self
            trial.apply(mask)
            trial.drawFormat(mask)
            let penalty = trial.penalty
            if penalty < best.penalty { best = (penalty, mask) }
        }
        apply(best.mask)
        drawFormat(best.mask)
    }

    public func isDark(_ row: Int, _ column: Int) -> Bool {
        (0..<size).contains(row) && (0..<size).contains(column) && modules[row * size + column]
    }

    /// Octets of data a version holds.
    private static func room(_ version: Int) -> Int {
        blocks[version - 1].data.reduce(0, +) - (version < 10 ? 2 : 3)
    }

    private mutating func set(_ row: Int, _ column: Int, _ dark: Bool) {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return }
        modules[row * size + column] = dark
        isFunction[row * size + column] = true
    }
}

// Codewords.
extension QRCode {
    private static func codewords(_ octets: [UInt8], _ version: Int) -> [UInt8] {
        let (correction, sizes) = blocks[version - 1]
        let capacity = sizes.reduce(0, +)
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        append(0b0100, 4)
        append(octets.count, version < 10 ? 8 : 16)
        for octet in octets { append(Int(octet), 8) }
        append(0, min(4, capacity * 8 - bits.count))
        while bits.count % 8 != 0 { bits.append(false) }
        var data = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        let padding: [UInt8] = [0xEC, 0x11]
        for index in 0..<capacity - data.count { data.append(padding[index % 2]) }
        var dataBlocks: [[UInt8]] = []
        var rest = data[...]
        for size in sizes {
            dataBlocks.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        let generator = generator(correction)
        let corrections = dataBlocks.map { remainder($0, generator) }
        var result: [UInt8] = []
        for index in 0..<(sizes.max() ?? 0) {
            for block in dataBlocks where index < block.count { result.append(block[index]) }
        }
        for index in 0..<correction { for block in corrections { result.append(block[index]) } }
        return result
    }

    /// Product in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
    private static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product: UInt8 = 0
        for bit in (0..<8).reversed() {
            product = product << 1 ^ (product >> 7 == 1 ? 0x1D : 0)
            if right >> UInt8(bit) & 1 == 1 { product ^= left }
        }
        return product
    }

    /// The Reed-Solomon generator of `degree`, without its leading 1.
    private static func generator(_ degree: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: degree)
        result[degree - 1] = 1
        var root: UInt8 = 1
        for _ in 0..<degree {
            for index in 0..<degree {
                result[index] = multiply(result[index], root)
                if index + 1 < degree { result[index] ^= result[index + 1] }
            }
            root = multiply(root, 2)
        }
        return result
    }

    private static func remainder(_ data: [UInt8], _ generator: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: generator.count)
        for octet in data {
            let factor = octet ^ result.removeFirst()
            result.append(0)
            for index in generator.indices { result[index] ^= multiply(generator[index], factor) }
        }
        return result
    }
}

// Modules.
extension QRCode {
    private mutating func drawFunctionPatterns(_ version: Int) {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] {
            for down in -4...4 {
                for right in -4...4 {
                    let ring = max(abs(down), abs(right))
                    set(row + down, column + right, ring != 2 && ring != 4)
                }
            }
        }
        let centres = Self.alignment[version - 1]
        for row in centres {
            for column in centres where !isCorner(row, column) {
                for down in -2...2 {
                    for right in -2...2 { set(row + down, column + right, max(abs(down), abs(right)) != 1) }
                }
            }
        }
        drawFormat(0)
        if version >= 7 { drawVersion(version) }
    }

    private func isCorner(_ row: Int, _ column: Int) -> Bool {
        (row == 6 && column == 6) || (row == 6 && column == size - 7) || (row == size - 7 && column == 6)
    }

    /// Level M and the mask, twice, with their BCH code.
    private mutating func drawFormat(_ mask: Int) {
        var remainder = mask
        for _ in 0..<10 { remainder = remainder << 1 ^ (remainder >> 9 & 1) * 0x537 }
        let bits = (mask << 10 | remainder) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0...5 { set(index, 8, bit(index)) }
        set(7, 8, bit(6))
        set(8, 8, bit(7))
        set(8, 7, bit(8))
        for index in 9..<15 { set(8, 14 - index, bit(index)) }
        for index in 0..<8 { set(8, size - 1 - index, bit(index)) }
        for index in 8..<15 { set(size - 15 + index, 8, bit(index)) }
        set(size - 8, 8, true)
    }

    private mutating func drawVersion(_ version: Int) {
        var remainder = version
        for _ in 0..<12 { remainder = remainder << 1 ^ (remainder >> 11 & 1) * 0x1F25 }
        let bits = version << 12 | remainder
        for index in 0..<18 {
            let (far, near) = (size - 11 + index % 3, index / 3)
            set(near, far, bits >> index & 1 == 1)
            set(far, near, bits >> index & 1 == 1)
        }
    }

    /// Writes the codewords in the zigzag of the standard.
    private mutating func place(_ codewords: [UInt8]) {
        var index = 0
        var right = size - 1
        while right >= 1 {
            if right == 6 { right = 5 }
            let isUpward = (right + 1) & 2 == 0
            for step in 0..<size {
                let row = isUpward ? size - 1 - step : step
                for column in [right, right - 1] where !isFunction[row * size + column] && index < codewords.count * 8 {
                    modules[row * size + column] = codewords[index >> 3] >> UInt8(7 - index & 7) & 1 == 1
                    index += 1
                }
            }
            right -= 2
        }
    }

    private mutating func apply(_ mask: Int) {
        for row in 0..<size {
            for column in 0..<size where !isFunction[row * size + column] {
                if Self.isInverted(mask, row, column) { modules[row * size + column].toggle() }
            }
        }
    }

    private static func isInverted(_ mask: Int, _ row: Int, _ column: Int) -> Bool {
        switch mask {
        case 0: (row + column) % 2 == 0
        case 1: row % 2 == 0
        case 2: column % 3 == 0
        case 3: (row + column) % 3 == 0
        case 4: (row / 2 + column / 3) % 2 == 0
        case 5: row * column % 2 + row * column % 3 == 0
        case 6: (row * column % 2 + row * column % 3) % 2 == 0
        default: ((row + column) % 2 + row * column % 3) % 2 == 0
        }
    }

    /// How hard the code is to read; the mask with the least is taken.
    private var penalty: Int {
        var total = 0
        for isRow in [true, false] {
            for line in 0..<size {
                let cells = (0..<size).map { isRow ? isDark(line, $0) : isDark($0, line) }
                total += Self.penalty(of: cells)
            }
        }
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let dark = isDark(row, column)
                if dark == isDark(row, column + 1), dark == isDark(row + 1, column), dark == isDark(row + 1, column + 1)
                {
                    total += 3
                }
            }
        }
        let share = modules.count { $0 } * 20 - modules.count * 10
        return total + (abs(share) + modules.count - 1) / modules.count * 10
    }

    private static func penalty(of cells: [Bool]) -> Int {
        var total = 0
        var run = 0
        for index in cells.indices {
            run = index > 0 && cells[index] == cells[index - 1] ? run + 1 : 1
            if run == 5 { total += 3 } else if run > 5 { total += 1 }
        }
        let finder = [true, false, true, true, true, false, true, false, false, false, false]
        for start in 0...max(0, cells.count - finder.count) {
            let window = cells[start..<min(cells.count, start + finder.count)]
            if window.elementsEqual(finder) || window.elementsEqual(finder.reversed()) { total += 40 }
        }
        return total
    }
}

// Drawings.
extension QRCode {
    /// For a terminal: two rows a line, dark modules as blanks on the light of full blocks, four modules of quiet zone.
    public var terminalText: String {
        var text = ""
        for row in stride(from: -4, to: size + 4, by: 2) {
            for column in -4..<size + 4 {
                switch (isDark(row, column), isDark(row + 1, column)) {
                case (false, false): text += "█"
                case (false, true): text += "▀"
                case (true, false): text += "▄"
                case (true, true): text += " "
                }
            }
            text += "\n"
        }
        return text
    }

    /// A drawing of its own, black on white, four modules of quiet zone.
    public var svg: String {
        var path = ""
        for row in 0..<size {
            for column in 0..<size where isDark(row, column) { path += "M\(column + 4),\(row + 4)h1v1h-1z" }
        }
        let side = size + 8
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" width="\(side * 6)" height="\(side * 6)">
            <title>Recovery kit</title>
            <rect width="\(side)" height="\(side)" fill="#fff"/>
            <path d="\(path)" fill="#000"/>
            </svg>

            """
    }
}
