import Foundation

/// A folder of a test's own, removed with everything in it by `remove()`.
public struct TestFolder: Sendable {
    public let path: String

    /// Makes a fresh folder below `parent` (default: the temporary folder), readable by other users, so that a server
    /// running under its own uid can reach what is put there.
    public init(_ label: String = "test", in parent: String? = nil) throws {
        let parent = parent ?? FileManager.default.temporaryDirectory.path
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        path = "\(parent)/mailarc-\(label)-\(unique)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    }

    /// The path of `name` inside; the name may hold slashes.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, making the folders above it.
    @discardableResult
    public func write(_ name: String, _ octets: some Sequence<UInt8>, mode: Int = 0o644) throws -> String {
        let path = file(name)
        let parent = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(octets), attributes: [.posixPermissions: mode])
        guard isWritten else { throw ProcessFailure("\(path) cannot be written") }
        return path
    }

    @discardableResult
    public func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
        try write(name, text.utf8, mode: mode)
    }

    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Every regular file below, as paths relative to the folder, sorted.
    public func files() -> [String] { TestFolder.files(below: path) }

    /// Every regular file below `path`, as relative paths, sorted.
    public static func files(below path: String) -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: path) else { return [] }
        var found: [String] = []
        while let name = walker.nextObject() as? String {
            if walker.fileAttributes?[.type] as? FileAttributeType == .typeRegular { found.append(name) }
        }
        return found.sorted()
    }
}

/// The corpora of real and published mail, when the machine has them.
public enum Corpora {
    /// The folder named by MAILARC_CORPORA, or nil after saying that what needs it is not run.
    public static func folder() -> String? {
        guard let path = ProcessInfo.processInfo.environment["MAILARC_CORPORA"], !path.isEmpty else {
            print("not run: MAILARC_CORPORA is not set")
            return nil
        }
        return path
    }
}
