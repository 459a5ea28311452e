import ArchiveStore
import MailCore
import MailSMTP

extension Workspace {
    /// Takes mail over SMTP and LMTP until the task is cancelled, which is no error.
    ///
    /// A message is acknowledged when it is durable and in the ledger, never before. This workspace is closed; the archive
    /// is opened as it then is for each burst of mail, so that other commands can work.
    /// - Throws: `.usage` for a request that cannot work; `.ioFailed` where an address cannot be listened at.
    public func receive(_ request: ReceiveRequest, _ handler: @escaping CaptureHandler) async throws(KitError) {
        let service = try await CaptureService(request, handler)
        await close()
        try await service.run(
            ArchiveDeliveries(
                archive: archive, command: "mailarc receive", compressionLevel: request.compressionLevel))
    }
}

/// What stands between a listening socket and a store.
struct CaptureService {
    private let request: ReceiveRequest
    private let routing: CaptureRouting
    private let rules: CaptureRules
    private let scanner: SpamScanner?
    private let receiver: MailReceiver
    private let handler: CaptureHandler

    /// - Throws: `.usage` for a request that cannot work; `.ioFailed` where an address cannot be listened at.
    init(_ request: ReceiveRequest, _ handler: @escaping CaptureHandler) async throws(KitError) {
        (self.request, self.handler) = (request, handler)
        routing = try CaptureRouting(request.routes, allowed: request.allowedRecipients)
        rules = try CaptureRules(request.rules)
        scanner = try request.scanner.map { text throws(KitError) in
            try SpamScanner(text) { handler(CaptureEvent(.problem, $0)) }
        }
        do throws(SMTPError) { receiver = try await MailReceiver(MailReceiver.Options(request)) } catch {
            throw KitError(error)
        }
    }

    /// Takes mail until the task is cancelled.
    func run(_ store: any CaptureStore) async throws(KitError) {
        let (receiver, handler) = (receiver, handler)
        var options = CaptureQueue.Options()
        options.lockPatience = .seconds(request.lockSeconds)
        let condition = CaptureCondition()
        let queue = CaptureQueue(store, options, condition: condition) { error in
            handler(CaptureEvent(.problem, error.message))
        }
        let mail = CaptureMail(
            routing: routing, rules: rules, scanner: scanner, queue: queue, condition: condition,
            spooling: SealedSpool(folder: request.spoolFolder ?? store.path), handler: handler)
        for listener in receiver.listeners { handler(CaptureEvent(listener)) }
        let failure = await withTaskGroup(of: Void.self) { group -> SMTPError? in
            group.addTask { await queue.run() }
            var failure: SMTPError?
            do throws(SMTPError) { try await receiver.run(mail) } catch { failure = error }
            // ORDER: every connection has ended: nothing comes any more.
            await queue.end()
            return failure
        }
        if let failure { throw KitError(failure) }
        handler(CaptureEvent(.stopped, "stopped"))
    }
}

extension MailReceiver.Options {
    init(_ request: ReceiveRequest) throws(SMTPError) {
        var listeners: [MailReceiver.Listener] = []
        for (name, addresses) in [(MailProtocol.lmtp, request.lmtp), (.smtp, request.smtp)] {
            for text in addresses { listeners.append(MailReceiver.Listener(name, try ListenAddress(parsing: text))) }
        }
        self.init(listeners: listeners, hostName: request.hostName ?? WriterEnvironment.process.host)
        limits.messageSize = request.maximumMessageSize
        limits.connections = request.maximumConnections
        limits.acceptsBareCR = request.acceptsBareCR
        limits.idleTime = .seconds(request.idleSeconds)
        limits.commandTime = .seconds(request.idleSeconds)
        requiresTLS = request.requiresTLS
        socketMode = request.socketMode
        if let certificate = request.certificateFile, let key = request.keyFile {
            tls = try ReceiverTLS(certificateFile: certificate, keyFile: key)
        }
        guard !request.networks.isEmpty else { return }
        var networks: [ClientNetwork] = []
        for text in request.networks { networks.append(try ClientNetwork(parsing: text)) }
        self.networks = networks
    }
}

extension KitError {
    init(_ error: SMTPError) {
        let (kind, hint): (Kind, String?) =
            switch error.kind {
            case .malformed: (.usage, nil)
            case .tls: (.tls, "both are PEM files, the key without a passphrase")
            case .cannotListen:
                (.ioFailed, "see who listens: ss -lx, ss -lt; a port below 1024 needs CAP_NET_BIND_SERVICE")
            case .failed: (.ioFailed, nil)
            }
        self.init(kind, error.message, hint: hint, cause: error.kind == .cannotListen ? nil : error.cause)
    }
}

extension CaptureEvent {
    fileprivate init(_ listener: MailReceiver.Listener) {
        self.init(.listening, "\(listener.mailProtocol.rawValue) at \(listener.address)")
        (self.protocol, address) = (listener.mailProtocol.rawValue, listener.address.description)
    }
}
