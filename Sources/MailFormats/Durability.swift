import Dispatch
import Glibc

/// When what a writer wrote is safe from a power cut.
public enum Durability: Sendable {
    /// Each message, before its name says it is there.
    case eachMessage
    /// All messages, once the writer's `finish` came back: many times faster where a folder is written in one go.
    case atFinish
}

extension Durability {
    /// Makes the files in `directories`, and their names, durable: what ``atFinish`` puts off.
    ///
    /// One `sync` writes all of it in an order that suits the disk; then each file's own sync costs next to nothing,
    /// and reports what could not be written.
    public static func settle(_ directories: some Sequence<String>) throws(FormatsError) {
        sync()
        for path in directories {
            let path = Array(path.utf8)
            for name in try Directory.names(path) {
                try Descriptor.openForReading(path + [0x2F] + name).sync()
            }
            try Descriptor.openDirectory(path).sync()
        }
    }
}

/// Files made durable several at once, beside the threads that others compute on.
///
/// A file system makes durable together what is waited for together: a hundred small files one after the other cost a
/// hundred turns of its journal, and four at a time a handful.
enum SyncLanes {
    /// LIMIT: files waited for at once; more gain nothing.
    private static let lanes = (0..<4).map { DispatchQueue(label: "mailarc.durability.\($0)") }

    /// Makes the files, or directories, at `paths` durable.
    static func sync(_ paths: [[UInt8]]) async throws(FormatsError) {
        let count = min(lanes.count, paths.count)
        let results = await withTaskGroup(of: Result<Void, FormatsError>.self) { group in
            for lane in 0..<count {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        lanes[lane].async {
                            continuation.resume(returning: sync(paths, from: lane, by: count))
                        }
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for result in results { try result.get() }
    }

    private static func sync(_ paths: [[UInt8]], from first: Int, by step: Int) -> Result<Void, FormatsError> {
        do throws(FormatsError) {
            for place in stride(from: first, to: paths.count, by: step) {
                try Descriptor.openForReading(paths[place]).sync()
            }
            return .success(())
        } catch { return .failure(error) }
    }
}
