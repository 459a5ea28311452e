import FoundationEssentials
import Glibc
import MailCore
import MailarcKit

/// A folder of the lab's own, below `/tmp`: paths of sockets end at 107 octets (`sockaddr_un`), so a deep one will not do.
struct LabFolder: Sendable {
    let path: String

    init() throws(KitError) {
        path = "/tmp/mailarc-compare-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        // Servers that run as another user pass through it; what is secret below it has modes of its own.
        guard unsafe mkdir(path, 0o755) == 0 else { throw KitError(.ioFailed, "cannot make a folder below /tmp") }
        _ = unsafe chmod(path, 0o755)
    }

    init(existing path: String) { self.path = path }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// A folder inside this one, made with those above it.
    func folder(_ name: String, mode: mode_t = 0o755) throws(KitError) -> LabFolder {
        do {
            try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
        } catch {
            throw KitError(.ioFailed, "cannot make \(file(name))", cause: error)
        }
        _ = unsafe chmod(file(name), mode)
        return LabFolder(existing: file(name))
    }

    /// Writes a file of ours alone; answers its path.
    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws(KitError) -> String {
        let path = try write(name, Array(text.utf8))
        if mode != 0o600 { _ = unsafe chmod(path, mode) }
        return path
    }

    /// Writes a file of ours alone, with `date` as its modification time where one is given; answers its path.
    @discardableResult
    func write(_ name: String, _ octets: [UInt8], date: Int64? = nil) throws(KitError) -> String {
        let path = file(name)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw KitError(.ioFailed, "cannot write \(path)") }
        defer { close(descriptor) }
        var rest = octets[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw KitError(errno == ENOSPC ? .diskFull : .ioFailed, "cannot write \(path)")
            }
            rest = rest.dropFirst(count)
        }
        if let date {
            let time = timespec(tv_sec: Int(date), tv_nsec: 0)
            unsafe futimens(descriptor, [time, time])
        }
        return path
    }

    /// Names of what is inside, sorted.
    func names(_ folder: String = "") -> [String] {
        let path = folder.isEmpty ? path : file(folder)
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Sizes of all files below, those with several names counted once; and how many messages of a Maildir they are.
    static func sizes(below path: String) -> (octets: Int, messages: Int) {
        var (octets, messages) = (0, 0)
        var seen: Set<ino_t> = []
        var folders = [path]
        while let folder = folders.popLast() {
            let isMail = folder.hasSuffix("/cur") || folder.hasSuffix("/new")
            for name in LabFolder(existing: folder).names() {
                var facts = stat()
                guard unsafe lstat("\(folder)/\(name)", &facts) == 0 else { continue }
                if facts.st_mode & S_IFMT == S_IFDIR {
                    folders.append("\(folder)/\(name)")
                    continue
                }
                if isMail { messages += 1 }
                if seen.insert(facts.st_ino).inserted { octets += Int(facts.st_size) }
            }
        }
        return (octets, messages)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
