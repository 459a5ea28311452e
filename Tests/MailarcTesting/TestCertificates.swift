/// A certificate authority and a server certificate under it, made by the `openssl` program.
public struct TestCertificates: Sendable {
    /// PEM files: the authority's certificate, the server's certificate and its key.
    public let authority: String
    public let certificate: String
    public let key: String

    /// Makes them in `folder`.
    ///
    /// - Parameters:
    ///   - names: subject alternative names, as openssl writes them.
    ///   - isExpired: the server's ran out yesterday.
    public static func make(
        in folder: TestFolder, names: [String] = ["DNS:localhost", "IP:127.0.0.1"], isExpired: Bool = false
    ) async throws -> TestCertificates {
        let made = TestCertificates(
            authority: folder.file("ca.pem"), certificate: folder.file("server.pem"), key: folder.file("server.key"))
        let authorityKey = folder.file("ca.key")
        let request = folder.file("server.csr")
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"]
        try await openssl(
            ["req", "-x509", "-days", "30", "-subj", "/CN=mailarc test authority"] + newKey + [
                "-keyout", authorityKey, "-out", made.authority, "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ])
        try await openssl(["req", "-subj", "/CN=localhost"] + newKey + ["-keyout", made.key, "-out", request])
        let extensions = try folder.write(
            "server.ext",
            """
            basicConstraints=CA:FALSE
            extendedKeyUsage=serverAuth
            subjectAltName=\(names.joined(separator: ","))

            """)
        try await openssl([
            "x509", "-req", "-sha256", "-days", isExpired ? "-1" : "30", "-in", request, "-CA", made.authority,
            "-CAkey", authorityKey,
            "-CAcreateserial", "-extfile", extensions, "-out", made.certificate,
        ])
        return made
    }

    private static func openssl(_ arguments: [String]) async throws {
        try await ProcessCommand("openssl", arguments).runSuccessfully()
    }
}
