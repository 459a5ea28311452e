/// A message as its octets show it: the tree of parts, the header, and what is wrong.
public struct ParsedMessage: Sendable {
    /// Never empty; the first is the message itself, and a part stands before the parts inside it.
    public let parts: [BodyPart]
    /// In the order they were found; at most ``ParserLimits/defectCount``.
    public let defects: [Defect]
    /// Of the raw message.
    public let octetCount: Int

    public var root: BodyPart { parts[0] }
    public var header: HeaderFields { parts[0].header }

    public func children(of part: BodyPart) -> [BodyPart] { part.childIndices.map { parts[$0] } }
    public var leaves: [BodyPart] { parts.filter(\.isLeaf) }
    public var attachments: [BodyPart] { parts.filter(\.isAttachment) }
}
