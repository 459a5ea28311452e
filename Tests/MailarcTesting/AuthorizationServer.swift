import Foundation
import Glibc

/// An authorization server on a free loopback port, in a process of its own: `Fixtures/bin/oauth-server.py`.
public final class AuthorizationServer: Sendable {
    /// The client it knows.
    public static let clientID = "mailarc-tests"

    public let port: Int
    public let folder: TestFolder
    /// Present over TLS.
    public let certificates: TestCertificates?
    private let process: RunningProcess

    /// Starts it, hands it to `body`, and stops it however `body` ends.
    public static func with<R>(
        overTLS: Bool = false, _ body: (AuthorizationServer) async throws -> R
    ) async throws -> R {
        let folder = try TestFolder("authority")
        let certificates = overTLS ? try await TestCertificates.make(in: folder) : nil
        let arguments = [Repository.script("oauth-server.py"), folder.path]
        let (port, process) = try await PortedProgram.start(
            arguments + (certificates.map { [$0.certificate, $0.key] } ?? []), in: folder)
        let server = AuthorizationServer(port: port, folder: folder, certificates: certificates, process: process)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(port: Int, folder: TestFolder, certificates: TestCertificates?, process: RunningProcess) {
        (self.port, self.folder, self.certificates, self.process) = (port, folder, certificates, process)
    }

    public func url(_ path: String) -> String {
        "http\(certificates == nil ? "" : "s")://127.0.0.1:\(port)/\(path)"
    }

    /// From now on as `json` says; the script tells what can be said.
    public func behave(_ json: String) throws { try folder.write("behaviour.json", json) }

    /// What was asked since the last time, in order: the grant and its outcome, or `introspect` and what was found.
    public func takeLog() throws -> [String] {
        let path = folder.file("requests.log")
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        try folder.write("requests.log", "")
        return text.split(separator: "\n").map(String.init)
    }

    /// What makes Dovecot ask here about each token.
    public func dovecotConfiguration() throws -> String {
        let path = try folder.write(
            "dovecot-oauth2.conf.ext",
            """
            introspection_mode = auth
            introspection_url = \(url("introspect"))
            username_attribute = username
            active_attribute = active
            active_value = true

            """)
        return """
            auth_mechanisms = plain login oauthbearer xoauth2
            passdb {
              driver = oauth2
              mechanisms = xoauth2 oauthbearer
              args = \(path)
            }
            """
    }

    /// Goes to `url` and where it leads, as a browser does; the last page.
    public static func browse(_ url: String) async throws -> String {
        try await ProcessCommand("python3", [Repository.script("oauth-server.py"), "--browse", url])
            .runSuccessfully().output
    }

    /// An access token that somebody else got.
    public func token() async throws -> String {
        try await ProcessCommand("python3", [Repository.script("oauth-server.py"), "--token", String(port)])
            .runSuccessfully().output
    }

    private func stop() async {
        process.signal(SIGKILL)
        _ = try? await process.waitAsync()
        folder.remove()
    }
}
