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
