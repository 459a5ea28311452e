package import NIOCore

/// The end of the pipeline: holds what the other end sent until it is asked for, and reads no faster.
///
/// Used on its event loop only.
package final class Inlet: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    private enum End {
        case closed
        case failed(any Error)
    }

    /// TLS decrypts into one buffer again and again, and copies all of it where somebody still holds what it gave out.
    package var isBehindTLS = false
    /// Octets read before they are asked for; 0 until no TLS upgrade can follow.
    package var readAhead = 0
    private var queue: [ByteBuffer] = []
    private var queuedOctetCount = 0
    private var waiter: CheckedContinuation<[ByteBuffer], any Error>?
    private var deadline: Scheduled<Void>?
    private var end: End?
    private var isReading = false
    /// The demand is for the middle of a message: more is sure to come, so little is not worth a thread switch.
    private var isBulk = false
    private var gathering: Scheduled<Void>?

    /// LIMIT: what is handed over at once in the middle of a message, and how long it may be gathered.
    private static let bulkOctetCount = 1 << 18
    private static let gatheringTime = TimeAmount.microseconds(200)
    private var context: ChannelHandlerContext?

    package init() {}

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        finish(.closed)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if isBehindTLS { buffer = context.channel.allocator.buffer(buffer: buffer) }
        queuedOctetCount += buffer.readableBytes
        queue.append(buffer)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if isBulk, waiter != nil, queuedOctetCount < Self.bulkOctetCount {
            gather(context.eventLoop)
        } else {
            deliver()
        }
        readMore()
    }

    package func channelInactive(context: ChannelHandlerContext) { finish(.closed) }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failed(error))
        context.close(promise: nil)
    }

    private func gather(_ eventLoop: any EventLoop) {
        guard gathering == nil else { return }
        gathering = eventLoop.assumeIsolated().scheduleTask(in: Self.gatheringTime) {
            self.gathering = nil
            self.deliver()
        }
    }

    /// Resumes `continuation` with all octets there are, none at the end of the stream, or an error.
    package func demand(
        _ continuation: CheckedContinuation<[ByteBuffer], any Error>, within timeout: TimeAmount, isBulk: Bool = false
    ) {
        guard waiter == nil else {
            continuation.resume(throwing: ChannelError.operationUnsupported)
            return
        }
        waiter = continuation
        self.isBulk = isBulk
        deliver()
        guard waiter != nil, let context else { return readMore() }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { self.give(up: InletTimeout()) }
        readMore()
    }

    /// Ends a waiting ``demand(_:within:)`` with `error`.
    package func give(up error: any Error) { resume(.failure(error)) }

    private func readMore() {
        guard !isReading, end == nil, let context, waiter != nil || queuedOctetCount < readAhead else { return }
        isReading = true
        context.read()
    }

    private func deliver() {
        guard waiter != nil else { return }
        if !queue.isEmpty {
            let buffers = queue
            (queue, queuedOctetCount) = ([], 0)
            resume(.success(buffers))
        } else if let end {
            switch end {
            case .closed: resume(.success([]))
            case .failed(let error): resume(.failure(error))
            }
        }
    }

    private func resume(_ result: Result<[ByteBuffer], any Error>) {
        deadline?.cancel()
        gathering?.cancel()
        (deadline, gathering) = (nil, nil)
        let continuation = waiter
        waiter = nil
        continuation?.resume(with: result)
    }

    private func finish(_ end: End) {
        if self.end == nil { self.end = end }
        deliver()
    }
}

/// The other end stayed silent for too long.
package struct InletTimeout: Error {}
