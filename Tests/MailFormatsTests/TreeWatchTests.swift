import Foundation
import Glibc
import MailFormats
import MailarcTesting
import Synchronization
import Testing

@Suite("watching files", .timeLimit(.minutes(2)))
struct TreeWatchTests {
    /// A change, and whether it is told of.
    struct Case: CustomTestStringConvertible, Sendable {
        let label: String
        let kind: TreeWatch.Kind
        let isTold: Bool
        let change: @Sendable (TestFolder) throws -> Void
        var testDescription: String { label }
    }

    private static func move(_ folder: TestFolder, _ old: String, _ new: String) throws {
        try FileManager.default.moveItem(atPath: folder.file(old), toPath: folder.file(new))
    }

    private static func append(_ folder: TestFolder, _ name: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: folder.file(name)))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("From a@b\n\n".utf8))
        try handle.close()
    }

    static let cases = [
        Case(label: "a delivered message", kind: .maildir, isTold: true) { try move($0, "tmp/1", "new/1") },
        Case(label: "a flag", kind: .maildir, isTold: true) { try move($0, "cur/2:2,", "cur/2:2,S") },
        Case(label: "a removed message in a folder", kind: .maildir, isTold: true) {
            try FileManager.default.removeItem(atPath: $0.file(".Lists/cur/3:2,"))
        },
        Case(label: "a renamed folder", kind: .maildir, isTold: true) { try move($0, ".Lists", ".Letters") },
        Case(label: "another program's file", kind: .maildir, isTold: false) {
            try $0.write("dovecot.index.log", "x")
            try $0.write("tmp/9", "half")
        },
        Case(label: "an appended message", kind: .mbox, isTold: true) { try append($0, "INBOX") },
        Case(label: "a message in a mailbox in a folder", kind: .mbox, isTold: true) { try append($0, "Work.sbd/Old") },
        Case(label: "an mbox that takes the place of another", kind: .mbox, isTold: true) {
            try $0.write(".INBOX.new", "From a@b\n\n")
            let result = unsafe rename($0.file(".INBOX.new"), $0.file("INBOX"))
            try #require(result == 0)
        },
        Case(label: "a new mailbox", kind: .mbox, isTold: true) { try $0.write("Fresh", "From a@b\n\n") },
        Case(label: "a lock, an index, a hidden file", kind: .mbox, isTold: false) {
            for name in ["INBOX.lock", "INBOX.msf", ".INBOX.mailarc"] { try $0.write(name, "x") }
        },
    ]

    @Test("changes of mail are told, and nothing else", arguments: cases, TreeWatchMethod.allCases)
    func changes(_ item: Case, _ method: TreeWatchMethod) async throws {
        let folder = try makeTree()
        defer { folder.remove() }
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        let interval = method == .poll ? Duration.milliseconds(50) : .seconds(3_600)
        let watch = TreeWatch(path: folder.path, kind: item.kind, interval: interval, method: method)
        let (ready, arm) = AsyncStream.makeStream(of: TreeWatchMethod.self)
        let task = Task { try await watch.run(armed: { arm.yield($0) }, changed: { tell.yield() }) }
        var armed = ready.makeAsyncIterator()
        #expect(await armed.next() == method)
        try item.change(folder)
        var changes = told.makeAsyncIterator()
        if item.isTold {
            #expect(await changes.next() != nil)
        } else {
            // Silence can only be waited for: long enough for a change to be told several times over.
            let count = Mutex(0)
            let counting = Task { for await _ in told { count.withLock { $0 += 1 } } }
            try await Task.sleep(for: .milliseconds(500))
            #expect(count.withLock { $0 } == 0)
            counting.cancel()
        }
        task.cancel()
        try await task.value
    }

    @Test("a folder that comes is watched, and one that goes is told", arguments: TreeWatchMethod.allCases)
    func folders(_ method: TreeWatchMethod) async throws {
        let folder = try makeTree()
        defer { folder.remove() }
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        let watch = TreeWatch(path: folder.path, kind: .maildir, interval: .milliseconds(200), method: method)
        let (ready, arm) = AsyncStream.makeStream(of: TreeWatchMethod.self)
        let task = Task { try await watch.run(armed: { arm.yield($0) }, changed: { tell.yield() }) }
        var (armed, changes) = (ready.makeAsyncIterator(), told.makeAsyncIterator())
        _ = await armed.next()
        try FileManager.default.createDirectory(
            atPath: folder.file(".Fresh/new"), withIntermediateDirectories: true)
        _ = await changes.next()
        try folder.write(".Fresh/new/1", "Subject: x\r\n\r\n")
        _ = await changes.next()
        try FileManager.default.removeItem(atPath: folder.path)
        await #expect(throws: FormatsError.self) { try await task.value }
    }

    @Test("a single mbox file is watched, and its neighbours are not")
    func oneFile() async throws {
        let folder = try makeTree()
        defer { folder.remove() }
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        let watch = TreeWatch(path: folder.file("INBOX"), kind: .mbox, interval: .seconds(3_600))
        let (ready, arm) = AsyncStream.makeStream(of: TreeWatchMethod.self)
        let task = Task { try await watch.run(armed: { arm.yield($0) }, changed: { tell.yield() }) }
        var (armed, changes) = (ready.makeAsyncIterator(), told.makeAsyncIterator())
        #expect(await armed.next() == .inotify)
        try folder.write("Neighbour", "From a@b\n\n")
        try Self.append(folder, "INBOX")
        #expect(await changes.next() != nil)
        task.cancel()
        try await task.value
    }

    /// A Maildir and a tree of mbox files in one.
    private func makeTree() throws -> TestFolder {
        let folder = try TestFolder("watched")
        for path in ["cur", "new", "tmp", ".Lists/cur", ".Lists/new", ".Lists/tmp", "Work.sbd"] {
            try FileManager.default.createDirectory(atPath: folder.file(path), withIntermediateDirectories: true)
        }
        for path in ["tmp/1", "cur/2:2,", ".Lists/cur/3:2,"] { try folder.write(path, "Subject: x\r\n\r\nbody\r\n") }
        for path in ["INBOX", "Work.sbd/Old"] { try folder.write(path, "From a@b\nSubject: x\n\nbody\n\n") }
        return folder
    }
}
