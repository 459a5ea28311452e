import MailCore
import MailIMAPCore

/// A message that remembers whether the connection failed in it.
protocol FailableMessage: IncomingMessage {
    var failure: StoreError? { get }
}

/// A message that came whole: between quotes, or before its UID.
final class WholeMessage: FailableMessage {
    let uid: UID
    let announcedOctetCount: Int?
    let failure: StoreError? = nil
    private var octets: ArraySlice<UInt8>
    private static let pieceOctetCount = 1 << 16

    init(_ uid: UID, _ octets: [UInt8]) {
        (self.uid, announcedOctetCount, self.octets) = (uid, octets.count, octets[...])
    }

    func next() async throws(StoreError) -> [UInt8]? {
        guard !octets.isEmpty else { return nil }
        defer { octets = octets.dropFirst(Self.pieceOctetCount) }
        return Array(octets.prefix(Self.pieceOctetCount))
    }
}

/// A message as its literal comes in; whole only when the response around it is.
final class StreamedMessage: FailableMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private(set) var failure: StoreError?
    private let session: IMAPSession
    private var isOver = false

    init(_ uid: UID, announcedOctetCount: Int, session: IMAPSession) {
        (self.uid, self.announcedOctetCount, self.session) = (uid, announcedOctetCount, session)
    }

    func next() async throws(StoreError) -> [UInt8]? {
        guard let range = try await nextRange() else { return nil }
        return session.octets(range)
    }

    /// Reads what `consume` left.
    func finish() async throws(StoreError) {
        while try await nextRange() != nil {}
    }

    private func nextRange() async throws(StoreError) -> Range<Int>? {
        if let failure { throw failure }
        do throws(StoreError) {
            while !isOver {
                switch try await session.nextEvent() {
                case .literalOctets(let range): return range
                case .literalBegin, .literalEnd: continue
                case .response(.fetch(let fetch)):
                    guard fetch.uid == nil || fetch.uid == uid else { throw Self.unframed(uid) }
                    isOver = true
                case .response: throw Self.unframed(uid)
                }
            }
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    private static func unframed(_ uid: UID) -> StoreError {
        let cause = ProtocolError(.garbled, "The response around UID \(uid) is not one")
        return StoreError(.protocolViolation, cause.message, cause: cause)
    }
}

/// A large message, asked for part by part; a broken connection costs one part.
final class PartialMessage: FailableMessage {
    let uid: UID
    let announcedOctetCount: Int?
    private(set) var failure: StoreError?
    private(set) var refusal = Refusal(.notDelivered)
    private let fetch: BodyFetch
    private var offset = 0
    private var isOver = false
    private var tag: String?
    /// Octets of the part asked for that came.
    private var partCount = 0
    private var breaks = 0
    private var pending: [UInt8]?

    init(_ uid: UID, announcedOctetCount: Int?, fetch: BodyFetch) {
        (self.uid, self.announcedOctetCount, self.fetch) = (uid, announcedOctetCount, fetch)
    }

    /// Gets the first octets; false, with ``refusal`` set, when the server has none.
    func begin() async throws(StoreError) -> Bool {
        pending = try await next()
        if pending == nil, (announcedOctetCount ?? 0) > 0 {
            if offset == 0, refusal.reason == .notDelivered, partSeen { refusal = Refusal(.emptyBody) }
            return false
        }
        return true
    }

    private var partSeen = false

    func next() async throws(StoreError) -> [UInt8]? {
        if let octets = pending {
            pending = nil
            return octets
        }
        if let failure { throw failure }
        do throws(StoreError) {
            while !isOver {
                do throws(StoreError) {
                    if let octets = try await nextOfPart() { return octets }
                } catch {
                    breaks += 1
                    let isGarbled = (error.cause as? ProtocolError)?.kind == .garbled
                    guard error.kind == .connectionLost, !isGarbled, breaks < BodyFetch.attempts else { throw error }
                    tag = nil
                    try await fetch.open()
                }
            }
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    func finish() async throws(StoreError) {
        while try await next() != nil {}
    }

    /// Octets of the part in flight, which is asked for when there is none; `nil` when it is over.
    private func nextOfPart() async throws(StoreError) -> [UInt8]? {
        let session = try fetch.session
        let size = fetch.configuration.partialFetchOctetCount
        if tag == nil {
            partCount = 0
            let item = FetchItem.bodyPart(offset: offset, octetCount: size)
            tag = try await session.send(.uidFetch(uid.description, [.uid, item]))
        }
        while true {
            switch try await session.nextEvent() {
            case .literalOctets(let range):
                let octets = session.octets(range)
                partCount += octets.count
                offset += octets.count
                breaks = 0
                return octets
            case .literalBegin: partSeen = true
            case .literalEnd: continue
            case .response(.fetch(let fetch)): try take(fetch)
            case .response(.tagged(let answered, let status)) where answered == tag:
                tag = nil
                guard status.condition == .ok else { return try refused(status) }
                if partCount < size { isOver = true }
                return nil
            case .response: continue
            }
        }
    }

    /// A part that came between quotes or as NIL.
    private func take(_ fetch: FetchResponse) throws(StoreError) {
        guard fetch.uid == uid else { return }
        for case .string(let octets) in fetch.bodies.values where !octets.isEmpty {
            throw StoreError(.protocolViolation, "A part of UID \(uid) came between quotes (\(octets.count) octets)")
        }
        if !fetch.bodies.isEmpty { partSeen = true }
    }

    private func refused(_ status: StatusResponse) throws(StoreError) -> [UInt8]? {
        if status.asksForPatience { throw .throttled(status) }
        guard offset == 0 else {
            throw StoreError(.refused, "The server refused a part of UID \(uid): \(status.text)")
        }
        refusal = Refusal(.refusedByServer, detail: status.text)
        isOver = true
        return nil
    }
}
