/// Stops what was compressed to grow without end: a bomb.
package struct ExpansionLimit {
    /// LIMIT: octets that may come of anything. Mail packs into a tenth; so much of one letter packs better, and is
    /// no danger yet.
    package static let free = 256 << 20
    /// LIMIT: octets that may come of one octet once more than ``free`` came. Deflate makes 1,032 at the most, zstd
    /// as many as it likes.
    static let factor = 400
    private var taken = 0
    private var given = 0

    /// Nothing came yet.
    package init() {}

    /// - Throws: `.damaged` when more came out than mail makes.
    package mutating func note(taken: Int, given: Int) throws(FormatsError) {
        self.taken += taken
        self.given += given
        guard self.given > Self.free, self.given / Self.factor > self.taken else { return }
        throw FormatsError(.damaged, "grows to more than \(Self.factor) times its size: a bomb", path: "")
    }
}
