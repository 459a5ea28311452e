/// What `receive` is asked to do.
public struct ReceiveRequest: Sendable {
    /// `unix:/path`, `127.0.0.1:2424`; LMTP and SMTP.
    public var lmtp: [String] = []
    public var smtp: [String] = []
    public var routes: [CaptureRoute] = []
    public var rules: [CaptureRule] = []
    /// `rspamd:127.0.0.1:11333`, `spamd:unix:/run/spamd.sock`; `nil`: rules see what filters wrote into headers.
    public var scanner: String?
    /// Patterns of recipients; empty: whatever a route takes.
    public var allowedRecipients: [String] = []
    /// `192.0.2.0/24`; empty: this machine.
    public var networks: [String] = []
    /// Octets.
    public var maximumMessageSize = 500 << 20
    /// PEM files; both or none.
    public var certificateFile: String?
    public var keyFile: String?
    public var requiresTLS = false
    /// How it calls itself; `nil`: the machine's name.
    public var hostName: String?
    /// Of unix sockets.
    public var socketMode: UInt32 = 0o660
    /// For large messages on their way; `nil`: the archive's folder.
    public var spoolFolder: String?
    /// Connections at once, over all addresses.
    public var maximumConnections = 2_000
    /// Seconds without an octet from the client.
    public var idleSeconds = 300
    public var acceptsBareCR = false
    /// Seconds to wait for another process that writes.
    public var lockSeconds = 30
    public var compressionLevel: Int?

    public init() {}
}
