import ArchiveStore
import Glibc
import MailCore

/// Files of a Postfix: read whole, replaced in one step, with owner and mode as they were.
enum PostfixFile {
    /// LIMIT: a map of everybody in a large firm.
    private static let octetLimit = 64 << 20

    /// `nil`: there is none.
    static func read(_ path: String) throws(KitError) -> String? {
        guard FileTree.exists(path) else { return nil }
        do throws(ArchiveError) {
            let octets = try FileTree.read(path, limit: octetLimit)
            guard let text = String(validating: octets, as: UTF8.self) else {
                throw ArchiveError(.damaged, "it is no text in UTF-8", path: path)
            }
            return text
        } catch {
            throw KitError(error.kind == .damaged ? .usage : .ioFailed, "\(path): \(error.message)", cause: error.cause)
        }
    }

    /// Copies `path` to a new file beside it.
    static func copy(_ path: String, to backup: String, _ text: String) throws(KitError) {
        try create(backup, text, like: path, mode: 0o600)
        try sync(backup)
    }

    /// Puts `text` in the place of the file, or makes it with `mode`; a link stays one.
    static func replace(_ path: String, with text: String, mode: UInt32) throws(KitError) {
        let target = resolved(path)
        let temporary = "\(target).mailarc.tmp"
        _ = unsafe unlink(temporary)
        try create(temporary, text, like: target, mode: mode)
        guard unsafe rename(temporary, target) == 0 else {
            let error = failure("cannot write", target)
            _ = unsafe unlink(temporary)
            throw error
        }
        try sync(target)
    }

    static func remove(_ path: String) { _ = unsafe unlink(path) }

    private static func create(_ path: String, _ text: String, like model: String, mode: UInt32) throws(KitError) {
        do throws(ArchiveError) {
            let file = try SystemFile(path, .create)
            try file.write(Array(text.utf8), at: 0)
            var status = stat()
            if unsafe stat(model, &status) == 0 {
                _ = fchown(file.descriptor, status.st_uid, status.st_gid)
                _ = fchmod(file.descriptor, status.st_mode & 0o7777)
            } else {
                _ = fchmod(file.descriptor, mode)
            }
            try file.sync()
        } catch { throw KitError(storing: error, at: path) }
    }

    private static func sync(_ path: String) throws(KitError) {
        do throws(ArchiveError) { try FileTree.syncDirectory(FileTree.parent(of: path)) } catch {
            throw KitError(storing: error, at: path)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func failure(_ what: String, _ path: String) -> KitError {
        KitError(.ioFailed, "\(what) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}

extension PostfixPlan {
    /// Writes everything; each file that was there has a copy beside it, with the time in its name.
    ///
    /// - Throws: `.busy` where somebody changed a file meanwhile; `.ioFailed`. What was written then is put back.
    public func apply() throws(KitError) -> [PostfixDifference] {
        for change in changes where try PostfixFile.read(change.path) != change.before {
            throw KitError(.busy, "\(change.path) was changed meanwhile", hint: "run it again")
        }
        let stamp = CivilTime(secondsSinceEpoch: Clock.now()).rfc3339.filter { $0 != "-" && $0 != ":" }
        var differences = differences
        for (index, change) in changes.enumerated() {
            guard let before = change.before else { continue }
            let backup = "\(change.path).\(stamp)"
            try PostfixFile.copy(change.path, to: backup, before)
            differences[index].backup = backup
        }
        do throws(KitError) {
            for change in changes {
                try PostfixFile.replace(change.path, with: change.after, mode: change.isSecret ? 0o600 : 0o644)
            }
            for table in tables { try run("postmap", ["-c", folder, table]) }
            try run("postconf", ["-c", folder, "-n"])
        } catch {
            for (index, change) in changes.enumerated().reversed() {
                guard let before = change.before else {
                    PostfixFile.remove(change.path)
                    continue
                }
                // What cannot be put back keeps its copy.
                guard (try? PostfixFile.replace(change.path, with: before, mode: 0o600)) != nil else { continue }
                if let backup = differences[index].backup { PostfixFile.remove(backup) }
            }
            for table in tables { try? run("postmap", ["-c", folder, table]) }
            throw error
        }
        return differences
    }

    private func run(_ program: String, _ arguments: [String]) throws(KitError) {
        let result = try ChildProcess.run(program, arguments, input: [], seconds: 60)
        guard result.status == 0 else {
            throw KitError(
                .ioFailed, "\(program) does not take what was written; it is as before",
                hint: "see what it says: \(program) \(arguments.joined(separator: " "))")
        }
    }
}
