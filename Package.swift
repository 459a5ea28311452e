// swift-tools-version: 6.2
// mailarc: one executable over separate library targets. `Documentation/Architecture.md` names each room and what
// it may import; `Tests/MailarcTests/ArchitectureTests.swift` holds this file and the import lines against it.
import PackageDescription

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")

/// What Foundation is made of where it is linked statically; targets that were built for a shared one do not say so.
let foundationParts = ["CoreFoundation", "_FoundationICU", "_FoundationCShims", "_FoundationCollections"]

let package = Package(
    name: "mailarc",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "mailarc", targets: ["mailarc"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CMalloc"),

        // The innermost loops, in C.
        .target(name: "COctets"),

        // Mail.
        .target(name: "MailCore"),
        .target(name: "MailMIME", dependencies: ["MailCore", "COctets"]),
        .target(name: "MailFormats", dependencies: ["MailCore", "MailMIME", "CZlib", "CZstd"]),
        .target(name: "MailSASL"),
        .target(name: "MailTransport", dependencies: ["MailCore", nioCore, nioPosix, nioSSL]),
        .target(name: "MailIMAPCore", dependencies: ["MailCore", "MailSASL"]),
        .target(name: "MailIMAP", dependencies: ["MailCore", "MailIMAPCore", "MailSASL", "MailTransport", nioCore]),
        .target(name: "MailPOP3", dependencies: ["MailCore", "MailSASL", "MailTransport", nioCore]),
        .target(name: "MailSMTP", dependencies: ["MailCore", "MailTransport", nioCore, nioPosix, nioSSL]),
        .target(name: "MailOAuth", dependencies: ["MailCore", "MailTransport", nioCore, nioPosix]),
        .target(name: "MailScan", dependencies: ["MailCore", "MailTransport", nioCore]),
        .target(name: "MailSync", dependencies: ["MailCore", grdb, "CSQLite"]),

        // Archive.
        .target(name: "ArchiveCompression", dependencies: ["MailCore", "CZlib", "CZstd"]),
        .target(name: "ArchiveCrypto", dependencies: ["MailCore", "COctets", "COpenSSL"]),
        .target(name: "ArchiveVFS", dependencies: ["MailCore", "COpenSSL", "CSQLite"]),
        .target(name: "ArchiveLedger", dependencies: ["MailCore", "ArchiveCrypto"]),
        .target(
            name: "ArchiveStore",
            dependencies: ["MailCore", "COctets", "MailMIME", "ArchiveCompression", "ArchiveCrypto", "ArchiveLedger"]),
        .target(name: "ArchiveCatalog", dependencies: ["MailCore", "MailMIME", grdb]),

        // Composition and the command line.
        .target(
            name: "MailarcKit",
            dependencies: [
                "MailCore", "MailMIME", "MailFormats", "MailIMAPCore", "MailIMAP", "MailPOP3", "MailSASL", "MailOAuth",
                "MailScan", "MailSMTP", "MailSync", "MailTransport", "ArchiveCompression", "ArchiveCrypto",
                "ArchiveVFS", "ArchiveLedger", "ArchiveStore", "ArchiveCatalog",
            ]),
        .target(name: "MailarcComparison", dependencies: ["MailarcKit", "MailCore", "ArchiveCrypto"]),
        .target(
            name: "MailarcCommands",
            dependencies: ["MailarcKit", "MailarcComparison", "MailCore", argumentParser, toml]),
        // With the runtime inside: a tenth of a second's start is not spent on finding it, and there is none to install.
        .executableTarget(
            name: "mailarc", dependencies: ["MailarcCommands", "CMalloc"],
            linkerSettings: [
                .unsafeFlags(["-static-stdlib"] + foundationParts.map { "-l\($0)" }, .when(platforms: [.linux]))
            ]),

        // Tests.
        .target(
            name: "MailarcTesting",
            dependencies: ["MailCore", nioCore, nioPosix],
            path: "Tests/MailarcTesting"),
        .testTarget(name: "COctetsTests", dependencies: ["COctets"]),
        .testTarget(name: "MailCoreTests", dependencies: ["MailCore"]),
        .testTarget(name: "MailMIMETests", dependencies: ["MailMIME", "MailCore", "MailarcTesting"]),
        .testTarget(name: "MailFormatsTests", dependencies: ["MailFormats", "MailCore", "MailarcTesting"]),
        .testTarget(
            name: "MailIMAPCoreTests", dependencies: ["MailIMAPCore", "MailSASL", "MailCore", "MailarcTesting"]),
        .testTarget(
            name: "MailIMAPTests",
            dependencies: ["MailIMAP", "MailIMAPCore", "MailSASL", "MailTransport", "MailCore", "MailarcTesting"]),
        .testTarget(
            name: "MailPOP3Tests",
            dependencies: ["MailPOP3", "MailSASL", "MailTransport", "MailCore", "MailarcTesting"]),
        .testTarget(name: "MailOAuthTests", dependencies: ["MailOAuth", "MailCore", "MailarcTesting"]),
        .testTarget(name: "MailScanTests", dependencies: ["MailScan", "MailCore", "MailarcTesting"]),
        .testTarget(name: "MailSMTPTests", dependencies: ["MailSMTP", "MailCore"]),
        .testTarget(name: "MailSyncTests", dependencies: ["MailSync", "MailCore", "MailarcTesting"]),
        .testTarget(name: "ArchiveCompressionTests", dependencies: ["ArchiveCompression", "MailCore"]),
        .testTarget(name: "ArchiveCryptoTests", dependencies: ["ArchiveCrypto", "MailCore"]),
        .testTarget(name: "ArchiveVFSTests", dependencies: ["ArchiveVFS", "MailCore", grdb]),
        .testTarget(name: "ArchiveLedgerTests", dependencies: ["ArchiveLedger", "ArchiveCrypto", "MailCore"]),
        .testTarget(
            name: "ArchiveStoreTests",
            dependencies: [
                "ArchiveStore", "ArchiveCrypto", "ArchiveLedger", "ArchiveCompression", "MailMIME", "MailCore",
                "MailarcTesting",
            ]),
        .testTarget(
            name: "ArchiveCatalogTests",
            dependencies: ["ArchiveCatalog", "ArchiveVFS", "MailMIME", "MailCore", "MailarcTesting", grdb]),
        .testTarget(
            name: "MailarcKitTests",
            dependencies: ["MailarcKit", "MailCore", "MailIMAP", "ArchiveCatalog", "MailarcTesting"]),
        .testTarget(
            name: "MailarcComparisonTests",
            dependencies: ["MailarcComparison", "MailarcKit", "MailCore", "MailarcTesting"]),
        .testTarget(name: "MailarcCommandsTests", dependencies: ["MailarcCommands", "MailarcKit", "MailCore"]),
        .testTarget(name: "MailarcTests", dependencies: ["MailarcTesting", "MailCore"]),
    ],
    swiftLanguageModes: [.v6]
)

// One loop: every Swift target is built under the same strict settings.
for target in package.targets where target.type != .system && target.name != "COctets" {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
    ]
}
