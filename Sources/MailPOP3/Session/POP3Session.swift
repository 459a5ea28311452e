import MailCore
import MailTransport
import NIOCore

/// One authenticated connection: commands out, answers in, one message after the other.
///
/// Runs in its user's isolation; after any error it is good for nothing but ``close()``.
// SAFETY: `POP3Connection` hands a session to one task at a time, and that task gives it back when it is done.
final class POP3Session: @unchecked Sendable {
    let transport: Transport
    let configuration: POP3Configuration
    var capabilities = POP3Capabilities()
    /// What was told before the login, for people.
    var capabilitiesBefore = POP3Capabilities()
    /// How it logged in.
    var method = ""
    /// What LIST and UIDL told, once asked for, and the UIDs of that.
    var listed: MaildropListing?
    var maildrop: Maildrop?
    /// Numbers of messages that came whole in this session.
    var retrieved: Set<Int> = []
    /// Numbers of messages asked for, and not yet come.
    private(set) var inFlight: CircularBuffer<Int> = []
    /// The first of them was promised: what is read now is of it.
    private(set) var isReceiving = false

    private var buffer: [UInt8] = []
    private var position = 0
    private var lines = LineDecoder()
    /// A status line that was read before its turn.
    private var early: POP3Reply?

    init(_ transport: Transport, _ configuration: POP3Configuration) {
        (self.transport, self.configuration) = (transport, configuration)
    }

    var pipelines: Bool { configuration.pipelines && capabilities.hasPipelining }

    /// True when octets of the server wait that nobody asked for.
    var hasBufferedOctets: Bool { position < buffer.count || !lines.isAtLineStart }

    func close() { transport.close() }

    // MARK: Commands

    func send(_ line: [UInt8]) { transport.write(line + [0x0D, 0x0A]) }

    /// The next status line.
    func reply() async throws(StoreError) -> POP3Reply {
        if let reply = early {
            early = nil
            return reply
        }
        guard let reply = POP3Reply(parsing: try await line()) else {
            throw StoreError(.protocolViolation, "The server did not answer as a POP3 server does")
        }
        return reply
    }

    func run(_ command: String) async throws(StoreError) -> POP3Reply {
        send(Array(command.utf8))
        return try await reply()
    }

    /// The lines behind a positive status, without their dots.
    ///
    /// - Parameter limit: lines at most.
    /// - Throws: `.limitExceeded`.
    func list(limit: Int) async throws(StoreError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        while true {
            var line = try await line()
            if line.first == UInt8(ascii: ".") {
                if line.count == 1 { return found }
                line.removeFirst()
            }
            guard found.count < limit else {
                throw StoreError(.limitExceeded, "The server's answer has more than \(limit) lines")
            }
            found.append(line)
        }
    }

    // MARK: Messages

    /// Asks for message `number`.
    func askFor(_ number: Int) {
        send(Array("RETR \(number)".utf8))
        inFlight.append(number)
    }

    /// The first of the messages asked for comes now.
    func beginFirst() { isReceiving = true }

    /// The first of the messages asked for is dealt with.
    func settleFirst() {
        isReceiving = false
        if !inFlight.isEmpty { inFlight.removeFirst() }
    }

    /// The next octets of the message that is coming; `nil` at its end.
    func content(_ body: inout BodyDecoder) async throws(StoreError) -> [UInt8]? {
        var octets: [UInt8] = []
        while !body.isOver {
            do throws(POP3ProtocolError) {
                try body.decode(buffer, from: &position, into: &octets)
            } catch { throw Self.storeError(error) }
            if !octets.isEmpty { return octets }
            if !body.isOver { try await fill(isBulk: true) }
        }
        return nil
    }

    /// That the last message ended where it seemed to: what follows it is an answer.
    ///
    /// - Throws: `.protocolViolation`, caused by a ``POP3ProtocolError`` `.garbled`.
    func checkEnd() async throws(StoreError) {
        let isLast = inFlight.count <= 1
        if isLast {
            guard !hasBufferedOctets else { throw Self.storeError(Self.endedEarly) }
            send(Array("NOOP".utf8))
        }
        guard let reply = POP3Reply(parsing: try await line()), reply.indicator != .continuation else {
            throw Self.storeError(Self.endedEarly)
        }
        if !isLast { early = reply }
    }

    private static let endedEarly = POP3ProtocolError(
        .garbled, "A message is longer than its end: a line with a dot alone was sent as it is")

    // MARK: Reading

    private func line() async throws(StoreError) -> [UInt8] {
        do {
            while true {
                var rest = buffer[position...]
                let line = try lines.next(&rest)
                position = rest.startIndex
                if let line { return line }
                try await fill(isBulk: false)
            }
        } catch let error as POP3ProtocolError {
            throw Self.storeError(error)
        } catch { throw TransportError.store(error) }
    }

    private func fill(isBulk: Bool) async throws(StoreError) {
        let buffers = try await transport.read(isBulk: isBulk)
        guard !buffers.isEmpty else {
            throw StoreError(.connectionLost, "The server closed the connection", retry: .now)
        }
        buffer = buffers.reduce(into: []) { $0 += $1.readableBytesView }
        position = 0
    }

    static func storeError(_ error: POP3ProtocolError) -> StoreError {
        StoreError(
            error.kind == .limitExceeded ? .limitExceeded : .protocolViolation, error.message, cause: error)
    }
}
