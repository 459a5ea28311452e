import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Accounts of OAuth 2 through the real binary: real Dovecot asks a local authorization server about each token.
    @Suite("OAuth 2", .timeLimit(.minutes(10)), .enabled(if: DovecotServer.reasonNotRunnable == nil))
    struct OAuthTests {
        @Test("a code is confirmed, mail is pulled, tokens end and are renewed", arguments: ["oauthbearer", "xoauth2"])
        func device(mechanism: String) async throws {
            try await withTokenServer { server, authority in
                try await withArchive { program in
                    try await program.addTokenAccount(authority, port: server.port, more: ["--mechanism", mechanism])
                    let early = try await program.run(["pull"], codes: [9])
                    #expect(
                        early.errors.contains("not logged in") && early.errors.contains("mailarc account login test"))
                    try authority.behave(#"{"pending": 2, "body": "chunked"}"#)
                    let login = try await program.run(["account", "login", "test", "--device"], opens: false)
                    #expect(login.errors.contains("WDJB-MJHT") && login.errors.contains(authority.url("activate")))
                    #expect(login.output.contains("test: logged in") && login.output.contains("renewed by itself"))
                    #expect(
                        try authority.takeLog() == [
                            "device ok", "device_code authorization_pending", "device_code authorization_pending",
                            "device_code ok",
                        ])

                    let expected = try await Dump.server(port: server.port)
                    let first = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                    #expect(first.isBalanced && first.newMessages == expected.count)
                    expectEqual(try await program.exported(), expected)
                    #expect(try !authority.takeLog().contains { $0.hasPrefix("refresh") })

                    // The server forgets the token although its time is not over: one refresh, one more login.
                    try authority.behave(#"{"revoked": 1, "lifetime": 30}"#)
                    try await server.deliver("Subject: one\r\n\r\nmore\r\n", to: "INBOX")
                    let second = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                    #expect(second.newMessages == 1)
                    let log = try authority.takeLog()
                    #expect(Array(log.prefix(3)) == ["introspect False", "refresh_token ok", "introspect True"])

                    // Its time is over: renewed before it is shown. The refresh token of before is good no more.
                    try authority.behave(#"{"revoked": 1}"#)
                    #expect(try await program.run(["pull"]).output.contains("nothing changed"))
                    #expect(try authority.takeLog() == ["refresh_token ok", "introspect True"])
                    #expect(try await program.run(["pull"]).output.contains("nothing changed"))
                    #expect(try authority.takeLog() == ["introspect True"])

                    let test = try await program.run(["account", "test", "test"], opens: false)
                    let words =
                        "logs in by \(mechanism.uppercased()) (the server offers LOGIN, OAUTHBEARER, PLAIN, XOAUTH2)"
                    #expect(
                        test.output.contains(words) && test.output.contains("token is good until"), "\(test.output)")
                    let list = try await program.run(["account", "list"], opens: false)
                    #expect(list.output.contains("oauth custom"))
                    try await program.expectClean()
                }
            }
        }

        @Test("a browser comes back, whatever others bring; sync and restore take the account, too")
        func loopback() async throws {
            try await withTokenServer { server, authority in
                try await withArchive { program in
                    try await program.addTokenAccount(authority, port: server.port)
                    try authority.behave(#"{"consent": "forged"}"#)
                    let (page, login) = try await program.browserLogin()
                    #expect(page.contains("You can close this window"))
                    #expect(login.output.contains("test: logged in"), "\(login.errors)")
                    #expect(
                        try authority.takeLog() == ["forged 400", "authorize mail offline", "authorization_code ok"])
                    let test = try await program.run(["account", "test", "test"], opens: false)
                    #expect(test.output.contains("logs in by OAUTHBEARER"))

                    let expected = try await Dump.server(port: server.port)
                    let copy = program.folder.file("copy")
                    try await program.run(["sync", "test", "maildir:\(copy)", "--strategy", "copy"], opens: false)
                    #expect(try await Dump.maildir(copy).count == expected.count)
                    try await program.run(["sync", "test", "archive:kept", "--strategy", "backup"])
                    let restored = try await program.run(["restore", "", "--to", "test", "--dry-run"])
                    #expect(restored.output.contains("0 actions planned"), "\(restored.output)")

                    try authority.behave(#"{"consent": "denied"}"#)
                    let (other, refused) = try await program.browserLogin(code: 9)
                    #expect(other.contains("Nothing was granted"))
                    #expect(refused.errors.contains("access_denied") && refused.errors.contains("The user said no"))
                }
            }
        }

        @Test("tokens that cannot be renewed, and fresh ones that are refused, are one clear error each")
        func needsLogin() async throws {
            try await withTokenServer(messages: 10) { server, authority in
                try await withArchive { program in
                    try await program.addTokenAccount(authority, port: server.port)
                    try await program.run(["account", "login", "test"], opens: false)
                    _ = try authority.takeLog()

                    try authority.behave(#"{"revoked": 99, "refresh_error": "invalid_grant"}"#)
                    for command in [["pull"], ["account", "test", "test"]] {
                        let result = try await program.run(command, opens: command == ["pull"], codes: [9])
                        #expect(result.errors.contains("invalid_grant"), "\(result.errors)")
                        #expect(result.errors.contains("→ run mailarc account login test"), "\(result.errors)")
                        #expect(result.errors.split(separator: "\n").count == 2)
                        #expect(try authority.takeLog() == ["introspect False", "refresh_token invalid_grant"])
                    }

                    try authority.behave(#"{"revoked": 99}"#)
                    let refused = try await program.run(["pull"], codes: [9])
                    #expect(refused.errors.contains("its token is new"), "\(refused.errors)")
                    #expect(
                        try authority.takeLog() == ["introspect False", "refresh_token ok", "introspect False"])

                    try authority.behave(#"{"revoked": 99, "refresh_error": "temporarily_unavailable", "status": 503}"#)
                    #expect(try await program.run(["pull"], codes: [8]).errors.contains("temporarily_unavailable"))

                    try authority.behave("{}")
                    try await program.run(["account", "login", "test"], opens: false)
                    try await program.run(["pull"])
                }
            }
        }

        @Test("a watch renews its token, outlives one that counts no more, and goes on after a login")
        func watch() async throws {
            try await withTokenServer(messages: 5) { server, authority in
                try await withArchive { program in
                    try await program.addTokenAccount(authority, port: server.port)
                    try await program.run(["account", "login", "test"], opens: false)
                    try authority.behave(#"{"revoked": 1, "lifetime": 30}"#)
                    let archived = #""event":"archived""#
                    try await watching(program, []) { watch in
                        try await wait("the first pull") { watch.outputSoFar.contains(archived) }
                        // All connections end, and what tokens there are count no more.
                        try authority.behave(#"{"revoked": 99, "refresh_error": "invalid_grant"}"#)
                        await server.stop(keepsFolder: true)
                        let again = try await server.restarted()
                        try await wait("the refusal") { watch.outputSoFar.contains("invalid_grant") }
                        try authority.behave("{}")
                        try await program.run(["account", "login", "test"], opens: false)
                        try await again.deliver("Subject: late\r\n\r\nmail\r\n", to: "INBOX")
                        try await wait("mail after the login") {
                            watch.outputSoFar.components(separatedBy: "invalid_grant").last?.contains(archived) == true
                        }
                        await again.stop(keepsFolder: true)
                    } ended: { events in
                        let refusal = events.first { $0.text.contains("invalid_grant") }
                        #expect(refusal?.event == "disconnected" && refusal?.retryAfter != nil)
                    }
                }
            }
        }

        @Test("a POP3 account logs in by both mechanisms", .enabled(if: DovecotServer.reasonNoPOP3 == nil))
        func pop3() async throws {
            try await withTokenServer(messages: 20, servesPOP3: true) { server, authority in
                try await withArchive { program in
                    for mechanism in ["xoauth2", "oauthbearer"] {
                        try await program.addTokenAccount(
                            authority, mechanism, port: server.pop3Port,
                            more: ["--protocol", "pop3", "--mechanism", mechanism])
                        try await program.run(["account", "login", mechanism], opens: false)
                        let test = try await program.run(["account", "test", mechanism], opens: false)
                        #expect(test.output.contains("logs in by \(mechanism.uppercased())"), "\(test.output)")
                        let pull = try #require(try await program.json([PullDocument].self, ["pull", mechanism]).first)
                        #expect(pull.isBalanced && pull.archived > 0)
                    }
                    try authority.behave(#"{"revoked": 99}"#)
                    let refused = try await program.run(["pull", "xoauth2"], codes: [9])
                    #expect(refused.errors.contains("refused the login (401)"), "\(refused.errors)")
                }
            }
        }

        @Test("a token that another program got is shown as it is; its file is named, never it")
        func foreignToken() async throws {
            try await withTokenServer(messages: 10) { server, authority in
                let program = try MailarcProgram()
                defer { program.remove() }
                let token = try program.folder.write("token", try await authority.token(), mode: 0o600)
                try await program.run(
                    [
                        "account", "add", "foreign", "--host", "127.0.0.1", "--port", "\(server.port)", "--user",
                        "anna",
                        "--security", "plain", "--mechanism", "xoauth2", "--password-file", token,
                    ], opens: false)
                let test = try await program.run(["account", "test", "foreign"], opens: false)
                #expect(test.output.contains("logs in by XOAUTH2"))
                try await withSampleServer(messages: 1) { other in
                    let ends = [
                        "copy", "--host1", "127.0.0.1", "--port1", "\(server.port)", "--user1", "anna", "--nossl1",
                        "--notls1", "--host2", "127.0.0.1", "--port2", "\(other.port)", "--user2", "anna", "--nossl2",
                        "--notls2", "--passfile2", program.folder.file("password"), "--state",
                        program.folder.file("pair"), "--oauthaccesstoken1",
                    ]
                    try await program.run(ends + [token], opens: false)
                    let wrong = try await program.run(ends + ["access-secret"], opens: false, codes: [64])
                    #expect(
                        wrong.errors.contains("takes the name of a file") && !wrong.errors.contains("access-secret"))
                }
            }
        }
    }
}

/// A Dovecot with the sample account of "anna" that asks an authorization server about tokens.
func withTokenServer<R>(
    messages: Int = 60, servesPOP3: Bool = false, _ body: (DovecotServer, AuthorizationServer) async throws -> R
) async throws -> R {
    try await AuthorizationServer.with { authority in
        var options = DovecotServer.Options()
        options.extraConfiguration = try authority.dovecotConfiguration()
        options.servesPOP3 = servesPOP3
        return try await withSampleServer(messages: messages, options: options) { server in
            try await body(server, authority)
        }
    }
}

extension MailarcProgram {
    /// Configures an account of OAuth 2.
    @discardableResult
    func addTokenAccount(
        _ authority: AuthorizationServer, _ name: String = "test", port: Int = 1, more: [String] = [],
        codes: Set<Int32> = [0]
    ) async throws -> ProcessResult {
        try await run(
            [
                "account", "add", name, "--host", "127.0.0.1", "--port", "\(port)", "--user", "anna", "--security",
                "plain", "--oauth", "custom", "--client-id", AuthorizationServer.clientID, "--oauth-device-url",
                authority.url("device"), "--oauth-authorize-url", authority.url("authorize"), "--oauth-token-url",
                authority.url("token"), "--oauth-scope", "mail offline",
            ] + more, opens: false, codes: codes)
    }

    /// Logs in by a browser that goes to the page the program names; what it showed last, and how the login ended.
    func browserLogin(_ name: String = "test", code: Int32 = 0) async throws -> (page: String, ProcessResult) {
        let login = try command(["account", "login", name, "--loopback", "--no-browser"], opens: false).start()
        var address: String?
        while address == nil, login.isRunning {
            address = login.errorsSoFar.split(separator: "\n").first { $0.hasPrefix("  http") && $0.contains("state=") }
                .map { String($0.dropFirst(2)) }
            try await Task.sleep(for: .milliseconds(10))
        }
        let page = address == nil ? "" : try await AuthorizationServer.browse(address ?? "")
        let result = try await login.waitAsync()
        #expect(result.exitCode == code, "\(result.ending)\n\(result.errors)")
        return (page, result)
    }

    /// Where tokens are.
    var tokenFolder: String { folder.file("state/mailarc/tokens") }
}
