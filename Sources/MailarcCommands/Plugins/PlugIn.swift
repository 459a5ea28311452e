import Glibc
import MailarcKit

/// An executable `mailarc-NAME` on PATH, which is then the command `mailarc NAME`.
struct PlugIn: Sendable, Codable {
    var name: String
    var path: String
    /// What it says of itself, where it was asked.
    var summary: String?

    private static let prefix = "mailarc-"
    /// Executables of another protocol (Documentation/Anchors.md).
    private static let anchorPrefix = "anchor-"

    /// Those on PATH in order of their names; of two with one name the first on PATH. Built-in commands have precedence.
    static func all(except builtIn: Set<String>) -> [PlugIn] {
        var found: [String: PlugIn] = [:]
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        for directory in path.split(separator: ":") where directory.hasPrefix("/") {
            for file in names(in: String(directory)) {
                let name = String(file.dropFirst(prefix.count))
                let path = "\(directory)/\(file)"
                guard isName(name), !name.hasPrefix(anchorPrefix), found[name] == nil, !builtIn.contains(name),
                    unsafe access(path, X_OK) == 0
                else { continue }
                found[name] = PlugIn(name: name, path: path)
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// Becomes the plug-in; comes back only if it cannot.
    func run(_ arguments: [String]) -> KitError {
        _ = unsafe setenv("MAILARC_PROGRAM", CommandLine.arguments.first ?? "mailarc", 1)
        var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        // SAFETY: the array ends with nil, and its strings live until the call took over or came back.
        unsafe execv(path, &words)
        return KitError(.ioFailed, "cannot run \(path): \(Secrets.describe(errno))")
    }

    /// One line from `mailarc-NAME --mailarc-summary`, asked for two seconds at most.
    func summarised() -> PlugIn {
        var result = self
        let outcome = try? ChildProcess.run(path, ["--mailarc-summary"], input: [], seconds: 2)
        if let outcome, outcome.status == 0 {
            let line = String(decoding: outcome.output.prefix { $0 != UInt8(ascii: "\n") }.prefix(200), as: UTF8.self)
            result.summary = line.isEmpty ? nil : line
        }
        return result
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { octet in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) || octet == UInt8(ascii: "-")
            }
    }

    /// The files in a directory that are named like a plug-in; it may hold thousands of others.
    private static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            // SAFETY: d_name is zero-terminated and valid until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    unsafe strncmp(name, prefix, prefix.utf8.count) == 0 ? unsafe String(cString: name) : nil
                }
            }
            if let name { names.append(name) }
        }
        return names
    }
}
