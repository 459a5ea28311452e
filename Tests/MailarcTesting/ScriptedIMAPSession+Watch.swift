/// IDLE and NOTIFY of the scripted server.
extension ScriptedIMAPSession {
    /// Answers IDLE as ``ScriptedIMAPServer/Watch`` says, until DONE comes.
    func idle(_ model: Model) throws {
        let script = takeIdle()
        for line in script?.before ?? [] { try wire.write("\(line)\r\n") }
        if model.watch.neverIdles {
            try wire.flush()
            _ = try wire.readCommand()
            return
        }
        try wire.write("+ idling\r\n")
        for line in script?.during ?? [] { try wire.write("\(line)\r\n") }
        guard let end = try wire.readCommand() else { throw ScriptedIMAPWire.Closed() }
        guard end == Array("DONE\r\n".utf8) else { return try complete("BAD not DONE") }
        if model.watch.neverEnds {
            try wire.flush()
            _ = try wire.readCommand()
            return
        }
        for line in script?.after ?? [] { try wire.write("\(line)\r\n") }
        try complete("OK idle is over")
    }

    /// Answers NOTIFY with the next of the scripted completions, OK when they are used up.
    func notify(_ model: Model) throws {
        try complete(model.watch.notifyAnswers.first ?? "OK")
        for line in model.watch.notified.first ?? [] { try wire.write("\(line)\r\n") }
        server.update {
            if !$0.watch.notifyAnswers.isEmpty { $0.watch.notifyAnswers.removeFirst() }
            if !$0.watch.notified.isEmpty { $0.watch.notified.removeFirst() }
        }
    }

    private func takeIdle() -> ScriptedIMAPServer.Idle? {
        var script: ScriptedIMAPServer.Idle?
        server.update { if !$0.watch.idles.isEmpty { script = $0.watch.idles.removeFirst() } }
        return script
    }
}

extension ScriptedIMAPServer {
    /// Lines of one IDLE.
    public struct Idle: Sendable {
        /// Before the continuation request.
        public var before: [String] = []
        public var during: [String] = []
        /// Between DONE and the completion.
        public var after: [String] = []

        public init(before: [String] = [], during: [String] = [], after: [String] = []) {
            (self.before, self.during, self.after) = (before, during, after)
        }
    }

    /// What clients that wait are told.
    public struct Watch: Sendable {
        /// The first, second … IDLE of any connection; later ones are silent.
        public var idles: [Idle] = []
        /// IDLE is neither begun nor refused.
        public var neverIdles = false
        /// DONE is not answered.
        public var neverEnds = false
        /// Completions of the first, second … NOTIFY; OK for later ones.
        public var notifyAnswers: [String] = []
        /// Lines behind them.
        public var notified: [[String]] = []

        public init() {}
    }
}
