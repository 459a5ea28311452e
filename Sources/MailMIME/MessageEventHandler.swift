/// Takes the octets of a message as the parser passes over them.
///
/// The slices of ``structure(_:at:)`` and ``body(_:at:)``, one after the other, are the raw message: no gaps, no
/// overlaps, no empty slices. How the octets of one body are cut into slices says nothing.
public protocol MessageEventHandler {
    /// Headers, empty lines, delimiters with the line end before them, preambles and epilogues.
    mutating func structure(_ octets: Span<UInt8>, at offset: Int)
    /// The body of a leaf starts; `part` is complete but for the ends of its ranges.
    mutating func bodyStart(_ part: BodyPart)
    /// The next octets of the body that started last, still transfer-encoded.
    mutating func body(_ octets: Span<UInt8>, at offset: Int)
    /// The body ends; `part` is the index it has in ``ParsedMessage/parts``.
    mutating func bodyEnd(_ part: Int)
}

/// A handler that wants nothing but the tree.
struct NoHandler: MessageEventHandler {
    mutating func structure(_ octets: Span<UInt8>, at offset: Int) {}
    mutating func bodyStart(_ part: BodyPart) {}
    mutating func body(_ octets: Span<UInt8>, at offset: Int) {}
    mutating func bodyEnd(_ part: Int) {}
}
