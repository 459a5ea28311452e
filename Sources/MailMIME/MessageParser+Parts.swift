extension MessageParser {
    static func newPart(index: Int, parent: Int?, depth: Int, at offset: Int, isInDigest: Bool) -> BodyPart {
        BodyPart(
            index: index, parentIndex: parent, depth: depth, contentType: isInDigest ? .message : .plainText,
            headerRange: offset..<offset, bodyRange: offset..<offset)
    }

    /// Handles the held line if it is a delimiter of an open multipart; false if it is not.
    // delimiter := CRLF "--" boundary; close-delimiter := delimiter "--"; both with transport-padding   ; RFC 2046 §5.1.1
    mutating func completeCandidate(_ handler: inout some MessageEventHandler) -> Bool {
        guard held.count >= heldLineEnd + 2 else { return false }
        let line = ASCII.trimEnd(held[(heldLineEnd + 2)...])
        stepCount &+= held.count + frames.count
        guard held[heldLineEnd] == ASCII.hyphen, held[heldLineEnd + 1] == ASCII.hyphen,
            let (frame, isClose) = match(line)
        else { return false }
        guard isClose || parts.count < limits.partCount else {
            record(.tooManyParts, at: heldOffset)
            return false
        }
        let offset = heldOffset
        if phase == .header { endHeader(isCut: true, &handler) }
        if phase == .leaf { handler.bodyEnd(current) }
        for open in frames[(frame + 1)...] {
            record(.closeDelimiterMissing, at: parts[open.part].headerRange.lowerBound)
        }
        frames.removeSubrange((frame + 1)...)
        let multipart = frames[frame].part
        closeParts(above: multipart, at: offset)
        let end = offset + held.count
        emitHeldAsStructure(&handler)
        lineState = .start
        if isClose {
            if parts[multipart].childIndices.isEmpty {
                record(.multipartWithoutParts, at: parts[multipart].headerRange.lowerBound)
            }
            frames.removeLast()
            (current, phase) = (multipart, .epilogue)
        } else {
            open(in: multipart, at: end, isInDigest: parts[multipart].contentType.subtype == "digest")
        }
        return true
    }

    /// The innermost open multipart whose delimiter this is.
    private func match(_ line: ArraySlice<UInt8>) -> (frame: Int, isClose: Bool)? {
        for (index, frame) in frames.enumerated().reversed() {
            let boundary = frame.boundary
            if line.count == boundary.count {
                if line.elementsEqual(boundary) { return (index, false) }
            } else if line.count == boundary.count + 2, line.last == ASCII.hyphen,
                line[line.endIndex - 2] == ASCII.hyphen, line.starts(with: boundary)
            {
                return (index, true)
            }
        }
        return nil
    }

    private mutating func open(in parent: Int, at offset: Int, isInDigest: Bool) {
        let index = parts.count
        parts[parent].childIndices.append(index)
        parts.append(
            Self.newPart(
                index: index, parent: parent, depth: parts[parent].depth + 1, at: offset, isInDigest: isInDigest))
        (current, phase, lineState) = (index, .header, .start)
    }

    /// Ends the current part and those around it, up to but without `ancestor`.
    mutating func closeParts(above ancestor: Int?, at offset: Int) {
        var index: Int? = current
        while let open = index, open != ancestor {
            parts[open].bodyRange = parts[open].bodyRange.lowerBound..<max(offset, parts[open].bodyRange.lowerBound)
            index = parts[open].parentIndex
        }
    }

    /// Reads the header that has passed and decides what its body is.
    mutating func endHeader(isCut: Bool, _ handler: inout some MessageEventHandler) {
        let start = parts[current].headerRange.lowerBound
        let bodyStart = isCut ? (held.isEmpty ? chunkOffset + runStart : heldOffset) : chunkOffset + runStart
        let headerEnd = isCut ? bodyStart : start + headerLength
        if isCut, bodyStart > 0 { record(.headerNotEnded, at: bodyStart) }
        if isHeaderCut { record(.headerTooLong, at: start) }
        var found: [Defect] = []
        let header = HeaderFields(
            parsing: headerOctets, offset: start, bareReturns: lineEnd == .carriageReturn, defects: &found)
        for defect in found { record(defect.kind, at: defect.offset) }
        headerOctetTotal += headerOctets.count
        headerOctets.removeAll(keepingCapacity: true)
        headerLength = 0
        isHeaderCut = false
        parts[current].headerRange = start..<headerEnd
        parts[current].bodyRange = bodyStart..<bodyStart
        describe(header)
        lineState = .start
        enterBody(isCut: isCut, &handler)
    }

    /// Takes over the fields that say what the body is.
    private mutating func describe(_ header: HeaderFields) {
        let offset = header.offset
        parts[current].header = header
        if let body = header.first("content-type") {
            if let contentType = ContentType(parsing: body) {
                parts[current].contentType = contentType
            } else {
                // RFC 2045 §5.2: what cannot be read is text/plain.
                parts[current].contentType = .plainText
                record(.contentTypeInvalid, at: offset)
            }
        }
        if let body = header.first("content-transfer-encoding") {
            parts[current].transferEncoding = TransferEncoding(parsing: body)
            if case .other = parts[current].transferEncoding { record(.unknownTransferEncoding, at: offset) }
        }
        parts[current].disposition = header.first("content-disposition").flatMap { ContentDisposition(parsing: $0) }
        parts[current].contentID = header.first("content-id").flatMap { body in
            let identifier = MessageID.list(body).first
            return identifier ?? String(decoding: ASCII.trim(body), as: UTF8.self)
        }
    }

    private mutating func enterBody(isCut: Bool, _ handler: inout some MessageEventHandler) {
        let part = parts[current]
        if !isCut, part.contentType.type == "multipart", pushFrame(for: part) {
            parts[current].isLeaf = false
            phase = .preamble
            return
        }
        let isMessage = part.contentType.type == "message" && ["rfc822", "global"].contains(part.contentType.subtype)
        if !isCut, isMessage, part.transferEncoding.isIdentity {
            if part.depth < limits.nestingDepth, parts.count < limits.partCount {
                parts[current].isLeaf = false
                open(in: current, at: part.bodyRange.lowerBound, isInDigest: false)
                return
            }
            let kind: Defect.Kind = part.depth < limits.nestingDepth ? .tooManyParts : .nestingTooDeep
            record(kind, at: part.headerRange.lowerBound)
        }
        phase = .leaf
        handler.bodyStart(parts[current])
    }

    /// False when the multipart has to be taken as a leaf.
    private mutating func pushFrame(for part: BodyPart) -> Bool {
        let offset = part.headerRange.lowerBound
        // A delimiter line loses its trailing white space, so the boundary must too.
        let boundary = ASCII.trimEnd((part.contentType.parameters.octets("boundary") ?? [])[...])
        if boundary.isEmpty {
            record(.boundaryMissing, at: offset)
        } else if boundary.count > limits.boundaryOctetCount {
            record(.boundaryTooLong, at: offset)
        } else if part.depth >= limits.nestingDepth {
            record(.nestingTooDeep, at: offset)
        } else {
            if !part.transferEncoding.isIdentity { record(.encodedMultipart, at: offset) }
            frames.append(Frame(part: part.index, boundary: Array(boundary)))
            return true
        }
        return false
    }
}
