import FoundationEssentials

/// What an authorization server says, read.
///
/// - SeeAlso: RFC 6749 §5.1, §5.2, RFC 8628 §3.2, §3.5
enum TokenAnswer {
    private struct Tokens: Decodable {
        var accessToken: String?
        var tokenType: String?
        var refreshToken: String?
        var expiresIn: Count?
        var scope: String?
    }

    private struct Failure: Decodable {
        var error: String?
        var errorDescription: String?
    }

    private struct Device: Decodable {
        var deviceCode: String?
        var userCode: String?
        var verificationUri: String?
        /// QUIRK: what Google says in its place.
        var verificationUrl: String?
        var verificationUriComplete: String?
        var expiresIn: Count?
        var interval: Count?
    }

    /// A number of seconds; QUIRK: some servers write it as a string.
    private struct Count: Decodable {
        var value: Int64

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                // LIMIT: a year; what is beyond is no answer.
                value = Int64(min(max(number, 0), 31_536_000))
            } else {
                value = min(max(Int64(try container.decode(String.self)) ?? 0, 0), 31_536_000)
            }
        }
    }

    /// The tokens in `reply`.
    ///
    /// - Throws: the server's refusal; `.malformed`.
    static func tokens(_ reply: HTTPReply, now: Int64) throws(OAuthError) -> TokenSet {
        guard reply.status == 200 else { throw failure(reply) }
        guard let tokens = decoded(Tokens.self, reply), let token = tokens.accessToken, isPrintable(token) else {
            throw OAuthError(.malformed, "The authorization server sent no access token")
        }
        guard tokens.tokenType?.lowercased() ?? "bearer" == "bearer" else {
            throw OAuthError(.malformed, "The authorization server sent a token that is no bearer token")
        }
        return TokenSet(
            accessToken: token, refreshToken: tokens.refreshToken,
            expires: tokens.expiresIn.map { now + $0.value }, scope: tokens.scope)
    }

    static func device(_ reply: HTTPReply) throws(OAuthError) -> DeviceAuthorization {
        guard reply.status == 200 else { throw failure(reply) }
        guard let device = decoded(Device.self, reply), let code = device.deviceCode, let user = device.userCode,
            let page = device.verificationUri ?? device.verificationUrl, let lifetime = device.expiresIn?.value
        else { throw OAuthError(.malformed, "The authorization server sent no device code") }
        return DeviceAuthorization(
            deviceCode: code, userCode: user, page: page, completePage: device.verificationUriComplete,
            lifetime: .seconds(lifetime), interval: .seconds(device.interval?.value ?? 5))
    }

    /// The server's `error`, and in words for people; whatever it sent.
    static func code(_ reply: HTTPReply) -> String? {
        decoded(Failure.self, reply)?.error.map(printable)
    }

    static func failure(_ reply: HTTPReply) -> OAuthError {
        let code = code(reply) ?? "HTTP status \(reply.status)"
        let told = decoded(Failure.self, reply)?.errorDescription.map { ": " + printable($0) } ?? ""
        let kind: OAuthError.Kind =
            switch code {
            case "access_denied", "authorization_declined": .denied
            case "expired_token": .expired
            case "invalid_grant", "interaction_required": .invalidGrant
            case "invalid_client", "unauthorized_client": .invalidClient
            default: reply.status >= 500 || reply.status == 429 ? .connection : .refused
            }
        return OAuthError(kind, "The authorization server refused (\(code))\(told)")
    }

    private static func decoded<Answer: Decodable>(_ type: Answer.Type, _ reply: HTTPReply) -> Answer? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(reply.body))
    }

    /// Nothing in a token may end the line it is put in. RFC 6750 §2.1
    private static func isPrintable(_ token: String) -> Bool {
        !token.isEmpty && token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// LIMIT: the first line, and what fits beside the rest of a message.
    private static func printable(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).first ?? ""
        return String(
            line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init).prefix(300))
    }
}
