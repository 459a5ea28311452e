import Foundation

/// Where this package's own files are, for tests that read them.
public enum Repository {
    /// The package's top folder, from the place of this source file or MAILARC_REPOSITORY.
    public static let root: String = {
        if let path = ProcessInfo.processInfo.environment["MAILARC_REPOSITORY"] { return path }
        let file = URL(fileURLWithPath: #filePath)
        return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }()

    public static var fixtures: String { root + "/Fixtures" }

    /// A script in `Fixtures/bin`.
    public static func script(_ name: String) -> String { "\(fixtures)/bin/\(name)" }
}
