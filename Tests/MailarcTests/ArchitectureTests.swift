import Foundation
import MailarcTesting
import Testing

/// The house rules: the manifest and the import lines against one table (Documentation/Architecture.md).
@Suite("the architecture")
struct ArchitectureTests {
    static let nio: Set<String> = ["NIOCore", "NIOPosix", "NIOSSL"]

    /// What each target may import of ours and of others, besides `MailCore` and the platform.
    static let allowed: [String: Set<String>] = [
        "MailCore": [],
        "MailMIME": ["COctets"],
        // Archives of mail are compressed, and labels of mail are encoded-words.
        "MailFormats": ["MailMIME", "CZlib", "CZstd"],
        // What a server says against a token is JSON.
        "MailSASL": ["FoundationEssentials"],
        "MailTransport": nio,
        // What an authorization server says is JSON.
        "MailOAuth": ["MailTransport", "NIOCore", "NIOPosix", "FoundationEssentials"],
        "MailIMAPCore": ["MailSASL"],
        "MailIMAP": ["MailIMAPCore", "MailSASL", "MailTransport", "NIOCore"],
        "MailPOP3": ["MailSASL", "MailTransport", "NIOCore"],
        // What Rspamd says is JSON.
        "MailScan": ["MailTransport", "NIOCore", "FoundationEssentials"],
        "MailSMTP": nio.union(["MailTransport"]),
        "MailSync": ["GRDB", "CSQLite"],
        "ArchiveCompression": ["CZlib", "CZstd"],
        "ArchiveCrypto": ["COctets", "COpenSSL"],
        "ArchiveVFS": ["COpenSSL", "CSQLite"],
        "ArchiveLedger": ["ArchiveCrypto"],
        "ArchiveStore": ["COctets", "MailMIME", "ArchiveCompression", "ArchiveCrypto", "ArchiveLedger"],
        // GRDB speaks of octets as Data.
        "ArchiveCatalog": ["GRDB", "MailMIME", "Foundation"],
        "MailarcKit": [
            "MailMIME", "MailFormats", "MailIMAPCore", "MailIMAP", "MailPOP3", "MailSASL", "MailOAuth", "MailScan",
            "MailSMTP", "MailSync", "MailTransport", "ArchiveCompression", "ArchiveCrypto", "ArchiveVFS",
            "ArchiveLedger", "ArchiveStore", "ArchiveCatalog",
            // Tokens are kept as JSON, sealed.
            "FoundationEssentials",
        ],
        // Files and the environment; SHA-256 of what is seen.
        "MailarcComparison": ["MailarcKit", "ArchiveCrypto", "FoundationEssentials"],
        // JSON is written by FoundationEssentials.
        "MailarcCommands": ["MailarcKit", "MailarcComparison", "ArgumentParser", "TOMLKit", "FoundationEssentials"],
        "mailarc": ["MailarcCommands", "CMalloc"],
    ]

    /// Modules of the platform that any target may use. Foundation is not among them.
    static let platform: Set<String> = ["Glibc", "Synchronization", "Dispatch", "Swift"]
    static let systemLibraries: Set<String> = ["COpenSSL", "CSQLite", "CZlib", "CZstd", "CMalloc"]
    /// Our own C: loops over octets with vector instructions, nothing else.
    static let kernels: Set<String> = ["COctets"]

    @Test("every target may import only what the table allows", arguments: allowed.keys.sorted())
    func imports(target: String) throws {
        let folder = "\(Repository.root)/Sources/\(target)"
        let files = TestFolder.files(below: folder).filter { $0.hasSuffix(".swift") }
        // Rooms of later changes may be announced before they are built.
        if files.isEmpty { print("\(target): no sources yet") }
        let permitted = (Self.allowed[target] ?? []).union(Self.platform).union(["MailCore"])
        for file in files {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            for module in Self.imports(in: text) {
                #expect(permitted.contains(module), "\(target)/\(file) imports \(module)")
            }
        }
    }

    @Test("every folder of Sources is in the table")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: "\(Repository.root)/Sources")
        let known = Set(Self.allowed.keys).union(Self.systemLibraries).union(Self.kernels)
        #expect(Set(folders.filter { !$0.hasPrefix(".") }).subtracting(known).isEmpty)
    }

    @Test("the manifest gives no target more than the table", arguments: allowed.keys.sorted())
    func manifest(target: String) throws {
        let text = try String(contentsOfFile: "\(Repository.root)/Package.swift", encoding: .utf8)
        let declared = try #require(Self.dependencies(of: target, in: text), "\(target) is not in Package.swift")
        let permitted = (Self.allowed[target] ?? []).union(["MailCore"])
        #expect(declared.subtracting(permitted).isEmpty)
    }

    @Test("the entry point stays below twenty lines")
    func entryPoint() throws {
        for file in TestFolder.files(below: "\(Repository.root)/Sources/mailarc") {
            let text = try String(contentsOfFile: "\(Repository.root)/Sources/mailarc/\(file)", encoding: .utf8)
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 20)
        }
    }

    @Test("the import reader sees every way to write one")
    func reader() {
        let text = """
            import A
            public import B
            @preconcurrency package import C.D
            import struct E.F
            // import G
            let important = 1
            """
        #expect(Self.imports(in: text) == ["A", "B", "C", "E"])
    }

    static func imports(in text: String) -> [String] {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import") else { return nil }
            let before = words[..<place]
            let isImport = before.allSatisfy { word in
                word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
            }
            guard isImport, place + 1 < words.count else { return nil }
            var name = words[place + 1]
            if kinds.contains(name), place + 2 < words.count { name = words[place + 2] }
            return name.split(separator: ".").first.map(String.init)
        }
    }

    /// The dependency names of a target's entry in the manifest, with the manifest's constants resolved.
    static func dependencies(of target: String, in text: String) -> Set<String>? {
        let constants = [
            "nioCore": "NIOCore", "nioPosix": "NIOPosix", "nioSSL": "NIOSSL", "grdb": "GRDB",
            "argumentParser": "ArgumentParser", "toml": "TOMLKit",
        ]
        let compact = text.filter { !$0.isWhitespace }
        guard
            let start = compact.range(of: "arget(name:\"\(target)\"", options: .literal)?.upperBound,
            let end = compact[start...].firstIndex(of: ")")
        else { return nil }
        let entry = compact[start..<end]
        guard let list = entry.range(of: "dependencies:[") else { return [] }
        let names = entry[list.upperBound...].prefix { $0 != "]" }.split(separator: ",")
        return Set(
            names.map { name in
                let plain = name.filter { $0 != "\"" }
                return constants[plain] ?? plain
            })
    }
}
