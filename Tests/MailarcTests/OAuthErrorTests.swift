import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What goes wrong with logins, and how tokens are kept; no mail server is needed for it.
    @Suite("OAuth 2 logins and tokens", .timeLimit(.minutes(10)))
    struct OAuthErrorTests {
        /// A way to log in that fails, its exit code, and what its one line says.
        struct Case: Sendable, CustomTestStringConvertible {
            var behaviour: String
            var code: Int32
            var words: [String]
            var testDescription: String { behaviour }
        }

        static let cases = [
            Case(
                behaviour: #"{"device_error": "access_denied"}"#, code: 9,
                words: ["access_denied", "run mailarc account login test again, and confirm"]),
            Case(
                behaviour: #"{"pending": 1, "device_error": "expired_token"}"#, code: 9,
                words: ["Nobody confirmed the code in time", "run mailarc account login test again"]),
            Case(
                behaviour: #"{"client_secret": "another"}"#, code: 9,
                words: ["invalid_client", "check the client id and secret of test"]),
            Case(behaviour: #"{"device_error": "invalid_scope"}"#, code: 9, words: ["invalid_scope", "scope of test"]),
            Case(
                behaviour: #"{"body": "huge"}"#, code: 8,
                words: ["more than 65536 octets", "is that an authorization server?"]),
            Case(behaviour: #"{"body": "redirect"}"#, code: 8, words: ["redirects to another place", "name the URL"]),
            Case(behaviour: #"{"body": "garbage"}"#, code: 8, words: ["sent no device code"]),
        ]

        @Test("what fails is told in a line, and what to do", arguments: cases)
        func failures(_ item: Case) async throws {
            try await AuthorizationServer.with { authority in
                try await withProgram { program in
                    try await program.addTokenAccount(authority)
                    try authority.behave(item.behaviour)
                    let result = try await program.run(
                        ["account", "login", "test", "--device", "--progress", "none"], opens: false, codes: [item.code]
                    )
                    for word in item.words { #expect(result.errors.contains(word), "\(result.errors)") }
                    #expect(!FileManager.default.fileExists(atPath: "\(program.tokenFolder)/key.tmp"))
                    #expect(try program.tokenFiles().isEmpty)
                }
            }
        }

        @Test("what cannot be is refused before anything is asked")
        func badInput() async throws {
            try await withProgram { program in
                let custom = ["--oauth", "custom", "--client-id", "x", "--host", "h", "--user", "u"]
                let urls = ["--oauth-scope", "s", "--oauth-device-url", "https://h/d", "--oauth-token-url"]
                let cases: [([String], String)] = [
                    (["--oauth", "google", "--user", "u"], "--oauth needs --client-id"),
                    (["--client-id", "x", "--host", "h", "--user", "u"], "need --oauth google, microsoft or custom"),
                    (custom, "--oauth custom needs --oauth-token-url"),
                    (custom + urls + ["http://login.example.org/t"], "tokens go over https:// only"),
                    (custom + urls + ["https://h/t#x"], "is no URL"),
                    (custom + urls + ["https://h/t", "--password-file", "f"], "leave the password out"),
                    (custom + urls + ["https://h/t", "--mechanism", "plain"], "takes auto, oauthbearer or xoauth2"),
                    (["--oauth", "aol", "--client-id", "x", "--user", "u"], "aol"),
                    (
                        ["--oauth", "google", "--client-id", "x", "--user", "u", "--oauth-tenant", "t"],
                        "microsoft only"
                    ),
                ]
                for (arguments, words) in cases {
                    let result = try await program.run(
                        ["account", "add", "new"] + arguments, opens: false, codes: [64])
                    #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                }
                try await program.run(["account", "add", "old", "--host", "h", "--user", "u"], opens: false)
                let password = try await program.run(["account", "login", "old"], opens: false, codes: [64])
                #expect(password.errors.contains("old has a password"))
                try await program.run(
                    ["account", "add", "g", "--oauth", "google", "--client-id", "x", "--user", "u@gmail.com"],
                    opens: false)
                let device = try await program.run(["account", "login", "g", "--device"], opens: false, codes: [64])
                #expect(device.errors.contains("no device flow for mail") && device.errors.contains("--loopback"))
                let port = try await program.run(
                    ["account", "login", "g", "--loopback", "--no-browser", "--port", "0"], opens: false, codes: [64])
                #expect(port.errors.contains("--port takes 1 to 65535"))
                let taken = try ScriptedIMAPServer(ScriptedIMAPServer.Model(mailboxes: []))
                defer { taken.stop() }
                let busy = try await program.run(
                    ["account", "login", "g", "--loopback", "--no-browser", "--port", "\(taken.port)"], opens: false,
                    codes: [11])
                #expect(busy.errors.contains("Address already in use") && busy.errors.contains("another --port"))
            }
        }

        @Test("presets stand in the configuration by name, and comments stay")
        func presets() async throws {
            try await withProgram { program in
                let written = "# Ours.\n[oauth]\nkey-file = '/none/such'   # elsewhere\n"
                try program.folder.write("config/mailarc/config.toml", written, mode: 0o600)
                let add = [
                    "account", "add", "work", "--oauth", "microsoft", "--user", "me@example.com", "--client-id", "1-2",
                ]
                let result = try await program.run(add, opens: false)
                #expect(result.output.contains("outlook.office365.com:993 (tls)"))
                #expect(result.output.contains("log in now: mailarc account login work"))
                let text = try String(
                    contentsOfFile: program.folder.file("config/mailarc/config.toml"), encoding: .utf8)
                #expect(text.hasPrefix(written))
                for line in ["oauth = 'microsoft'", "oauth-client-id = '1-2'", "provider = 'm365'"] {
                    #expect(text.contains(line), "\(text)")
                }
                let key = try await program.run(["account", "login", "work"], opens: false, codes: [11])
                #expect(key.errors.contains("/none/such"), "\(key.errors)")
                try await program.run(["account", "remove", "work"], opens: false)
                #expect(
                    try String(contentsOfFile: program.folder.file("config/mailarc/config.toml"), encoding: .utf8)
                        .hasPrefix(written))
            }
        }

        @Test("over TLS the certificate counts")
        func overTLS() async throws {
            try await AuthorizationServer.with(overTLS: true) { authority in
                try await withProgram { program in
                    try await program.addTokenAccount(authority, "bad")
                    let bad = try await program.run(["account", "login", "bad"], opens: false, codes: [10])
                    #expect(
                        bad.errors.contains("certificate") && bad.errors.contains("--oauth-ca-file"), "\(bad.errors)")
                    let trust = ["--oauth-ca-file", authority.certificates?.authority ?? ""]
                    try await program.addTokenAccount(authority, "good", more: trust)
                    try await program.run(["account", "login", "good"], opens: false)
                    #expect(try authority.takeLog() == ["device ok", "device_code ok"])
                }
            }
        }

        @Test("an authorization server that is not there")
        func unreachable() async throws {
            try await withProgram { program in
                let port = try Loopback.freePorts(1)[0]
                let url = "http://127.0.0.1:\(port)/x"
                try await program.run(
                    [
                        "account", "add", "test", "--host", "h", "--user", "u", "--oauth", "custom", "--client-id", "x",
                        "--oauth-token-url", url, "--oauth-device-url", url, "--oauth-scope", "s",
                    ], opens: false)
                let result = try await program.run(["account", "login", "test"], opens: false, codes: [8])
                #expect(result.errors.contains("127.0.0.1") && result.errors.contains("Connection refused"))
            }
        }

        @Test("tokens are sealed, and nobody else's; a login mends what does not open; logout and remove delete them")
        func store() async throws {
            try await AuthorizationServer.with { authority in
                try await withProgram { program in
                    try await program.addTokenAccount(authority)
                    // The secret is given once, and kept with the tokens.
                    try authority.behave(#"{"client_secret": "hush"}"#)
                    var login = program.command(
                        ["account", "login", "test", "--client-secret-fd", "0", "--json"], opens: false)
                    login.input = Array("hush\n".utf8)
                    let result = try await login.runSuccessfully()
                    #expect(
                        result.output.contains(#""flow":"device""#) && result.output.contains(#""isRenewable":true"#))
                    #expect(!(result.output + result.errors).contains("access-"))

                    let file = try #require(try program.tokenFiles().first)
                    #expect(try program.tokenFiles().count == 1)
                    for path in [file, "\(program.tokenFolder)/key"] {
                        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                        #expect(mode == 0o600)
                    }
                    for path in TestFolder.files(below: program.folder.file("state")) {
                        let octets = try Data(contentsOf: URL(fileURLWithPath: program.folder.file("state/\(path)")))
                        for word in ["access-", "refresh-", "hush"] {
                            #expect(octets.range(of: Data(word.utf8)) == nil, "\(word) in \(path)")
                        }
                    }
                    // Renewed with the kept secret; the mail server is not there, so that is as far as it goes.
                    try authority.behave(#"{"client_secret": "hush", "lifetime": 30}"#)
                    login.arguments = ["account", "login", "test", "--client-secret-fd", "0"]
                    try await login.runSuccessfully()
                    _ = try authority.takeLog()
                    try await program.run(["account", "test", "test"], opens: false, codes: [8])
                    #expect(try authority.takeLog() == ["refresh_token ok"])

                    // A changed file, another account's, another key.
                    let good = try Data(contentsOf: URL(fileURLWithPath: file))
                    var changed = good
                    changed[changed.count - 1] ^= 1
                    for octets in [changed, Data(good.prefix(30)), Data()] {
                        try octets.write(to: URL(fileURLWithPath: file))
                        let damaged = try await program.run(["account", "test", "test"], opens: false, codes: [9])
                        #expect(damaged.errors.contains("do not open") && damaged.errors.contains("account login test"))
                    }
                    try good.write(to: URL(fileURLWithPath: file))
                    try FileManager.default.removeItem(atPath: "\(program.tokenFolder)/key")
                    try await program.run(["account", "test", "test"], opens: false, codes: [9])
                    try await login.runSuccessfully()

                    let logout = try await program.run(["account", "logout", "test"], opens: false)
                    #expect(logout.output.contains("test: logged out"))
                    #expect(try program.tokenFiles().isEmpty)
                    #expect(
                        try await program.run(["account", "logout", "test"], opens: false).output.contains("was not"))
                    try await login.runSuccessfully()
                    try await program.run(["account", "remove", "test"], opens: false)
                    #expect(try program.tokenFiles().isEmpty)
                }
            }
        }

        @Test("what tokens are sealed under can be elsewhere")
        func otherKey() async throws {
            try await AuthorizationServer.with { authority in
                try await withProgram { program in
                    let key = try program.folder.write("token.key", "a long passphrase\n", mode: 0o600)
                    try program.folder.write(
                        "config/mailarc/config.toml", "[oauth]\nkey-command = 'cat \(key)'\n", mode: 0o600)
                    try await program.addTokenAccount(authority)
                    try await program.run(["account", "login", "test"], opens: false)
                    #expect(!FileManager.default.fileExists(atPath: "\(program.tokenFolder)/key"))
                    try await program.run(["account", "test", "test"], opens: false, codes: [8])
                    try program.folder.write("token.key", "another one\n", mode: 0o600)
                    let other = try await program.run(["account", "test", "test"], opens: false, codes: [9])
                    #expect(other.errors.contains("sealed under another key"))
                }
            }
        }

        @Test("of many processes one renews, and none shows a refresh token that was used")
        func atOnce() async throws {
            try await AuthorizationServer.with { authority in
                try await withProgram { program in
                    try await program.addTokenAccount(authority)
                    try authority.behave(#"{"lifetime": 30}"#)
                    try await program.run(["account", "login", "test"], opens: false)
                    _ = try authority.takeLog()
                    // Their time is always nearly over: each renews, one behind the other.
                    let count = 6
                    func run() async throws {
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for _ in 0..<count {
                                group.addTask {
                                    try await program.run(["account", "test", "test"], opens: false, codes: [8])
                                }
                            }
                            try await group.waitForAll()
                        }
                    }
                    try await run()
                    #expect(try authority.takeLog() == Array(repeating: "refresh_token ok", count: count))
                    // The first of them gets one that is good for all.
                    try authority.behave("{}")
                    try await run()
                    #expect(try authority.takeLog() == ["refresh_token ok"])
                }
            }
        }
    }
}

/// Runs `body` with a program that has no archive.
private func withProgram(_ body: (MailarcProgram) async throws -> Void) async throws {
    let program = try MailarcProgram()
    defer { program.remove() }
    try await body(program)
}

extension MailarcProgram {
    /// The files of tokens, one an account.
    fileprivate func tokenFiles() throws -> [String] {
        TestFolder.files(below: tokenFolder).filter { $0 != "key" && !$0.hasSuffix(".lock") }
            .map { "\(tokenFolder)/\($0)" }
    }
}
