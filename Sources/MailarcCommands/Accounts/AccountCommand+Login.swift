public import ArgumentParser
import Glibc
public import MailarcKit

extension AccountCommand {
    /// `mailarc account login`
    struct Login: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "login",
            abstract: "Ask the provider of an OAuth account for tokens, and keep them.",
            discussion: """
                By --device a code is shown, to be confirmed in a browser on any machine; by --loopback a browser on \
                this machine comes back to the program. Without either: --device where the provider has it. The tokens \
                are kept sealed, and renewed by pull, sync, watch and restore themselves.

                EXAMPLES:
                  mailarc account login work
                  mailarc account login mine --loopback --no-browser
                  mailarc account login mine --client-secret-fd 3 3<client.secret
                """)
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The account.") var name: String
        @Flag(help: "By a code (device), or by a browser on this machine (loopback).") var flow: LoginFlow?
        @Flag(help: "Print the address only; open no browser.") var noBrowser = false
        @Option(
            help: ArgumentHelp(
                "With --loopback: the port of 127.0.0.1 a browser comes back to (default: a free one).", valueName: "n")
        )
        var port: Int?
        @Option(
            help: ArgumentHelp(
                "Read the client's secret from this descriptor, and keep it with the tokens.", valueName: "n"))
        var clientSecretFd: Int32?

        func validate() throws {
            guard let port else { return }
            if !(1...65_535).contains(port) { throw ValidationError("--port takes 1 to 65535") }
            if flow == .device { throw ValidationError("--port goes with --loopback") }
        }

        func run() async throws {
            let login = OAuthLogin(try configuration.oauth(name))
            let flow = try login.flow(flow)
            let secret = try clientSecretFd.map { number throws(KitError) in
                let octets = Secrets.trimmed(try Secrets.descriptor(number, what: "client secret"))
                return String(decoding: octets, as: UTF8.self)
            }
            let (progress, name, opensBrowser, port) = (output.progressView, name, !noBrowser, port ?? 0)
            let report = try await StopSignals.cancelling { () throws(KitError) in
                try await login.run(
                    flow, clientSecret: secret, port: port,
                    prompt: { prompt in
                        // Nobody could log in without it: quiet or not.
                        let text = LoginText.prompt(prompt, account: name).map { $0 + "\n" }.joined()
                        Output.write(Array(Output.printable(text).utf8), to: STDERR_FILENO)
                        if opensBrowser { LoginText.open(prompt) }
                    }, progress: progress.handler)
            }
            progress.finish()
            try output.output.render(report, command: "account login") {
                [
                    "\($0.account): logged in; \(LoginText.words($0.token))",
                    "try it: mailarc account test \($0.account)",
                ]
            }
        }
    }

    /// `mailarc account logout`
    struct Logout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logout",
            abstract: "Delete the tokens of an OAuth account here.",
            discussion: """
                What was granted stays granted at the provider until it is withdrawn there.

                EXAMPLE:
                  mailarc account logout work
                """)
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The account.") var name: String

        func run() async throws {
            let wasLoggedIn = try await OAuthLogin(try configuration.oauth(name)).forget()
            try output.output.render(LogoutReport(account: name, wasLoggedIn: wasLoggedIn), command: "account logout") {
                [
                    $0.wasLoggedIn
                        ? "\($0.account): logged out; withdraw what was granted at the provider, too"
                        : "\($0.account) was not logged in"
                ]
            }
        }
    }
}

struct LogoutReport: Encodable {
    var account: String
    var wasLoggedIn: Bool
}

extension ConfigurationOptions {
    /// OAuth 2 of the account `name`.
    fileprivate func oauth(_ name: String) throws(KitError) -> OAuthConfiguration {
        guard let oauth = try account(name).configuration.oauth else {
            throw KitError(
                .usage, "\(name) has a password, and needs no login",
                hint: "for tokens remove it, and add it again with --oauth (mailarc help account add)")
        }
        return oauth
    }
}

/// Logins and tokens as text.
enum LoginText {
    static func prompt(_ prompt: LoginPrompt, account: String) -> [String] {
        switch prompt {
        case .device(let page, let code, let completePage, let lifetime):
            let minutes = Format.plural(max(1, Int(lifetime.components.seconds / 60)), "minute")
            return [
                "To log in \(account), open in a browser, on any machine:", "  \(page)", "and type in the code:",
                "  \(code)",
            ] + (completePage.map { ["or open, with the code in it:", "  \($0)"] } ?? []) + [
                "It is good for \(minutes); waiting."
            ]
        case .browser(let page):
            return ["To log in \(account), open in a browser on this machine:", "  \(page)", "Waiting."]
        }
    }

    /// Opens the page, where there is a screen; that it does not open is no error, for the address stands above.
    ///
    /// What stands in the address is no secret: the challenge, not the verifier (RFC 7636 §1).
    static func open(_ prompt: LoginPrompt) {
        let hasScreen = Secrets.variable("DISPLAY") != nil || Secrets.variable("WAYLAND_DISPLAY") != nil
        guard hasScreen, case .browser(let page) = prompt else { return }
        try? ChildProcess.start("xdg-open", [page])
    }

    static func words(_ token: TokenReport) -> String {
        let end = token.expires.map { "the token is good until \($0)" } ?? "nothing is said about the token's end"
        return end + (token.isRenewable ? ", and is renewed by itself" : ", and CANNOT be renewed")
    }

    /// What `account test` tells of a login.
    static func lines(_ report: AccountTestReport) -> [String] {
        var lines: [String] = []
        if let method = report.mechanism, !method.isEmpty {
            let offered = report.mechanisms ?? []
            lines.append(
                "logs in by \(method)"
                    + (offered.isEmpty ? "" : " (the server offers \(offered.joined(separator: ", ")))"))
        }
        if let token = report.token { lines.append(words(token)) }
        return lines
    }
}

extension LoginFlow: EnumerableFlag {}
