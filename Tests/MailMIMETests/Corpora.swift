import Foundation

/// The corpora's files, if the environment names them.
enum Corpora {
    static let root: URL? = ProcessInfo.processInfo.environment["MAILARC_CORPORA"].map { URL(fileURLWithPath: $0) }

    /// Every regular file below `folder` (of the corpora), sorted by path.
    static func files(_ folder: String = "") -> [URL]? {
        guard let root else {
            print("not run: MAILARC_CORPORA is not set")
            return nil
        }
        let start = folder.isEmpty ? root : root.appendingPathComponent(folder)
        let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: [.isRegularFileKey])
        var result: [URL] = []
        while let file = walk?.nextObject() as? URL {
            if (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true { result.append(file) }
        }
        return result.sorted { $0.path < $1.path }
    }

    static func octets(_ file: URL) -> [UInt8] { (try? Data(contentsOf: file)).map { [UInt8]($0) } ?? [] }
}
