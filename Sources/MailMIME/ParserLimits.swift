/// What a message may ask of the parser; beyond a limit there is a ``Defect`` and the octets are just body.
public struct ParserLimits: Sendable, Hashable {
    /// Body parts inside one another, the message itself being 1.
    ///
    /// LIMIT: real mail nests below 20; each level costs one comparison for each line that starts with `--`.
    public var nestingDepth = 64
    /// Body parts of one message.
    ///
    /// LIMIT: digests of some thousands exist; a part costs about 1 KB.
    public var partCount = 10_000
    /// Octets kept of one header.
    ///
    /// LIMIT: servers refuse headers from 64 KiB (Exchange) to 1 MiB (Cyrus) on; recipients' lists reach hundreds of KiB.
    public var headerOctetCount = 1 << 20
    /// Octets kept of all headers together.
    ///
    /// LIMIT: bounds what a digest can make us hold.
    public var totalHeaderOctetCount = 8 << 20
    /// Octets of a boundary.
    ///
    /// LIMIT: RFC 2046 §5.1.1 allows 70; broken senders go to some 200.
    public var boundaryOctetCount = 512
    /// White space after a boundary on its line.
    ///
    /// LIMIT: what is held back is a boundary line, so it must have an end.
    public var delimiterPaddingOctetCount = 128
    /// Defects recorded; later ones are dropped.
    ///
    /// LIMIT: they are for people to read.
    public var defectCount = 256

    public init() {}
    public static let `default` = ParserLimits()
}
