public import ArgumentParser
public import MailarcKit

/// `--oauth` and what goes with it.
struct OAuthOptions: ParsableArguments {
    @Option(
        name: .customLong("oauth"),
        help: ArgumentHelp(
            "Log in by tokens, with the authorization server of google or microsoft, or custom with its URLs.",
            valueName: "provider"))
    var preset: OAuthPreset?
    @Option(
        name: .customLong("client-id"),
        help: ArgumentHelp("The client id that was registered with the provider.", valueName: "id"))
    var clientID: String?
    @Option(
        help: ArgumentHelp(
            "Read the client's secret from this file, where it has one (or give it once: account login --client-secret-fd).",
            valueName: "file"))
    var clientSecretFile: String?
    @Option(
        help: ArgumentHelp("Run this command and take its output as the client's secret.", valueName: "command"))
    var clientSecretCommand: String?
    @Option(
        help: ArgumentHelp(
            "With microsoft: the organisation's tenant (default: common).", valueName: "tenant"))
    var oauthTenant: String?
    @Option(name: .customLong("oauth-device-url"), help: ArgumentHelp("Where a device code is had.", valueName: "url"))
    var deviceURL: String?
    @Option(
        name: .customLong("oauth-authorize-url"), help: ArgumentHelp("Where a browser is sent.", valueName: "url"))
    var authorizeURL: String?
    @Option(name: .customLong("oauth-token-url"), help: ArgumentHelp("Where tokens are had.", valueName: "url"))
    var tokenURL: String?
    @Option(
        name: .customLong("oauth-scope"),
        help: ArgumentHelp("What is asked for, with spaces between.", valueName: "scope"))
    var scope: String?
    @Option(
        help: ArgumentHelp(
            "PEM file with the certificates to trust for these URLs instead of the system's.", valueName: "file"))
    var oauthCaFile: String?

    func validate() throws {
        guard let preset else {
            let named = [
                clientID, clientSecretFile, clientSecretCommand, oauthTenant, deviceURL, authorizeURL, tokenURL, scope,
                oauthCaFile,
            ]
            guard named.allSatisfy({ $0 == nil }) else {
                throw ValidationError("the options of OAuth 2 need --oauth google, microsoft or custom")
            }
            return
        }
        guard clientID?.isEmpty == false else {
            throw ValidationError(
                "--oauth needs --client-id: register one with the provider (Documentation/Accounts.md tells how)")
        }
        if clientSecretFile != nil, clientSecretCommand != nil {
            throw ValidationError("name one of --client-secret-file and --client-secret-command")
        }
        if oauthTenant != nil, preset != .microsoft { throw ValidationError("--oauth-tenant goes with microsoft only") }
        if let oauthTenant, oauthTenant.contains(where: { "/?# ".contains($0) }) || oauthTenant.isEmpty {
            throw ValidationError("--oauth-tenant takes a name or an id, such as example.onmicrosoft.com")
        }
        guard preset == .custom else { return }
        guard tokenURL != nil, deviceURL != nil || authorizeURL != nil, scope != nil else {
            throw ValidationError(
                "--oauth custom needs --oauth-token-url, --oauth-scope, and --oauth-device-url or --oauth-authorize-url"
            )
        }
    }

    /// For the configuration file; `nil` without ``preset``.
    var entry: OAuthEntry? {
        guard let preset, let clientID else { return nil }
        return OAuthEntry(
            preset: preset, clientID: clientID, clientSecretFile: clientSecretFile,
            clientSecretCommand: clientSecretCommand, tenant: oauthTenant, deviceURL: deviceURL,
            authorizeURL: authorizeURL, tokenURL: tokenURL, scope: scope, caFile: oauthCaFile)
    }
}

extension OAuthPreset: ExpressibleByArgument {}
