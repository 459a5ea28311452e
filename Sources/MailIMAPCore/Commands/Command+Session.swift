import MailSASL

extension Command {
    public static let capability = Command("CAPABILITY")
    public static let noop = Command("NOOP")
    public static let logout = Command("LOGOUT")
    public static let startTLS = Command("STARTTLS")
    public static let namespace = Command("NAMESPACE")

    /// LOGIN with `user` and `password` as octets; never shown.
    public static func login(user: [UInt8], password: [UInt8]) -> Command {
        Command("LOGIN").adding(string: user).adding(string: password).secret()
    }

    /// AUTHENTICATE; `initialResponse` (not yet base64) only with SASL-IR, empty as `=`.
    public static func authenticate(_ mechanism: String, initialResponse: [UInt8]?) -> Command {
        let command = Command("AUTHENTICATE").adding(" " + mechanism)
        guard let initialResponse else { return command.secret() }
        return command.adding(" " + (initialResponse.isEmpty ? "=" : Base64.encode(initialResponse))).secret()
    }

    /// ID with `fields`; NIL when empty. RFC 2971.
    public static func id(_ fields: [(String, String)]) -> Command {
        guard !fields.isEmpty else { return Command("ID").adding(" NIL") }
        var command = Command("ID").adding(" (")
        for (index, field) in fields.enumerated() {
            let pair = "\"\(field.0)\" \"\(field.1)\""
            command = command.adding((index > 0 ? " " : "") + pair)
        }
        return command.adding(")")
    }

    /// ENABLE. RFC 5161.
    public static func enable(_ capabilities: [String]) -> Command {
        Command("ENABLE").adding(" " + capabilities.joined(separator: " "))
    }
}
