import MailCore
import MailIMAPCore
import MailTransport
import NIOCore

/// One authenticated connection: commands out, events in.
///
/// Runs in its user's isolation; after any error it is good for nothing but ``close()``.
// SAFETY: `ConnectionPool` hands a session to one task at a time, and that task gives it back when it is done.
final class IMAPSession: @unchecked Sendable {
    let transport: Transport
    let configuration: IMAPConfiguration
    private(set) var capabilities = CapabilitySet()
    /// Both sides speak UTF-8 in names.
    var isUTF8 = false
    /// What ID said.
    private(set) var serverID: [String: String] = [:]
    var login = IMAPLogin()
    /// The text of the greeting.
    var greeting = ""
    private(set) var namespaces = Namespaces()
    private(set) var farewell: StatusResponse?
    var pipelining: Pipelining
    /// The mailbox opened by the last successful EXAMINE or SELECT.
    var selected: OpenMailbox?
    /// Commands whose completion nobody waits for (ID, ENABLE, NAMESPACE).
    var unattended: Set<String> = []
    /// How long a read may take where it is not the usual time (``IMAPConfiguration/responseTimeout``).
    var patience: Duration?

    private var parser: ResponseParser
    private var buffer = ByteBuffer()
    private var position = 0
    /// Buffers read together with ``buffer``, not yet looked at.
    private var waiting: ArraySlice<ByteBuffer> = []
    private var stash: CircularBuffer<Response> = []
    private let tagPrefix: String
    private var commandCount = 0
    /// Something was sent since the last wait for the server.
    private var awaitsAnswer = false
    private(set) var literals = Command.LiteralMode.synchronising
    let meter: TrafficMeter

    init(_ transport: Transport, _ configuration: IMAPConfiguration, _ meter: TrafficMeter) {
        (self.transport, self.configuration, self.meter) = (transport, configuration, meter)
        pipelining = configuration.pipelines ? .assumed : .refused
        parser = ResponseParser(limits: configuration.parserLimits)
        // Unguessable, so that no message can hold a line that looks like an answer to this session.
        tagPrefix = String(UInt64.random(in: 0x1_0000_0000...0xFF_FFFF_FFFF), radix: 36, uppercase: true)
    }

    struct OpenMailbox {
        var name: MailboxName
        var uidValidity: UIDValidity
        /// Opened for writing: what it keeps.
        var writing: DeliveryTraits?
    }

    /// Whether the server takes a command before the one before is answered.
    enum Pipelining { case assumed, proven, refused }

    /// QUIRK: see ``Command/open(_:_:bySelect:)``.
    var opensBySelect: Bool {
        !configuration.onlyReads && (examinesFalsely || isCourier)
    }
    private var isCourier: Bool {
        [greeting, serverID["name"] ?? ""].contains { $0.lowercased().contains("courier") }
    }
    /// SELECT tells the UIDVALIDITY that STATUS tells, and EXAMINE another.
    var examinesFalsely = false

    func learn(_ capabilities: CapabilitySet) {
        self.capabilities = capabilities
        literals = Command.LiteralMode(capabilities)
    }

    /// True when octets of the server wait that no event has told yet.
    var hasBufferedOctets: Bool {
        position < buffer.readableBytes || !waiting.isEmpty || !parser.isAtResponseStart || !stash.isEmpty
    }

    /// The octets of a ``ResponseEvent/literalOctets(_:)`` just returned.
    func octets(_ range: Range<Int>) -> [UInt8] {
        buffer.getBytes(at: buffer.readerIndex + range.lowerBound, length: range.count) ?? []
    }

    /// Sends `command`, waiting for continuation requests where its literals need them; returns its tag.
    ///
    /// - Throws: `.refused` for one that could write, where the account is only to be read.
    func send(_ command: Command) async throws(StoreError) -> String {
        guard !configuration.onlyReads || command.onlyReads else { throw .onlyReading(command.name) }
        let tag = nextTag()
        let segments = command.encoded(tag: tag, literals: literals)
        transport.write(segments[0])
        awaitsAnswer = true
        for segment in segments.dropFirst() {
            guard try await isContinued(tag) else { break }
            transport.write(segment)
        }
        return tag
    }

    /// A tag no other command of this session has.
    func nextTag() -> String {
        commandCount += 1
        return tagPrefix + String(commandCount)
    }

    /// Reads on until the server asks for the literal; false if it refused the command instead.
    func isContinued(_ tag: String) async throws(StoreError) -> Bool {
        while true {
            let response = try await readResponse()
            if case .continuation = response { return true }
            stash.append(response)
            if case .tagged(tag, _) = response { return false }
        }
    }

    /// The next event.
    func nextEvent() async throws(StoreError) -> ResponseEvent {
        while true {
            if let response = stash.popFirst() { return .response(response) }
            let event = try await readEvent()
            if case .response(let response) = event, isOwnBusiness(response) { continue }
            return event
        }
    }

    /// The next whole response; bodies nobody asked for are dropped.
    func nextResponse() async throws(StoreError) -> Response {
        while true {
            if case .response(let response) = try await nextEvent() { return response }
        }
    }

    /// Sends `command` and gives every response to `each` until its completion, which is returned.
    func run(
        _ command: Command, each: (Response) throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> StatusResponse {
        let tag = try await send(command)
        while true {
            let response = try await nextResponse()
            if case .tagged(tag, let status) = response { return status }
            try each(response)
        }
    }

    func close() { transport.close() }

    private func readResponse() async throws(StoreError) -> Response {
        while true {
            if case .response(let response) = try await readEvent(), !isOwnBusiness(response) { return response }
        }
    }

    private func readEvent() async throws(StoreError) -> ResponseEvent {
        do {
            while true {
                let bytes = buffer
                if let event = try parser.next(bytes.readableBytesUInt8Span, from: &position) { return event }
                if waiting.isEmpty {
                    if parser.isInBody, endsWithOwnCompletion { throw Self.overlong }
                    if awaitsAnswer { meter.addRoundTrip() }
                    awaitsAnswer = false
                    waiting = ArraySlice(try await transport.read(isBulk: parser.isInBody, within: patience))
                    meter.add(waiting.reduce(0) { $0 + $1.readableBytes })
                }
                guard let next = waiting.popFirst() else { throw closed }
                (buffer, position) = (next, 0)
            }
        } catch let error as ProtocolError {
            throw StoreError(
                error.kind == .limitExceeded ? .limitExceeded : .protocolViolation, error.message, cause: error)
        } catch {
            throw TransportError.store(error)
        }
    }

    /// The server closed; perhaps it said why.
    private var closed: StoreError {
        guard let farewell else {
            return StoreError(.connectionLost, "The server closed the connection", retry: .now)
        }
        guard !farewell.isTemporary, !farewell.refusesConnection else { return .throttled(farewell) }
        return StoreError(.connectionLost, "The server closed the connection: \(farewell.text)", retry: .now)
    }

    private static let overlong = ProtocolError(
        .garbled, "A message is shorter than its announced length: the end of the command came inside it")

    /// The last octets read are the completion of a command of this session; no message can hold its tag.
    private var endsWithOwnCompletion: Bool {
        let count = min(buffer.readableBytes, 512)
        guard let tail = buffer.getBytes(at: buffer.writerIndex - count, length: count), tail.last == 10 else {
            return false
        }
        let mark = [10] + Array(tagPrefix.utf8)
        return tail.indices.dropLast(mark.count - 1).contains { tail[$0...].starts(with: mark) }
    }

    /// Takes what concerns the session and not a command.
    private func isOwnBusiness(_ response: Response) -> Bool {
        switch response {
        case .tagged(let tag, let status):
            guard unattended.remove(tag) != nil else { return false }
            // Nobody waits for it, so nobody can ask again: from here on slowly.
            if status.condition == .bad { pipelining = .refused }
            return true
        case .id(let fields):
            serverID = fields
            return true
        case .namespace(let value):
            namespaces = value
            return true
        case .status(let status) where status.condition == .bye:
            farewell = status
            return false
        case .enabled(let names):
            if names.contains("UTF8=ACCEPT") { isUTF8 = true }
            return true
        case .capability(let set):
            learn(set)
            return !unattended.isEmpty
        default: return false
        }
    }
}

/// How a session was logged in.
public struct IMAPLogin: Sendable, Hashable {
    /// `LOGIN`, or the mechanism; empty: the server knew its user without (PREAUTH).
    public var method = ""
    /// What the server offered for it.
    public var mechanisms: [String] = []
}
