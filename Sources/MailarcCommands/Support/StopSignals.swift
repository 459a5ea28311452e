import Dispatch
import Glibc
import MailarcKit
import Synchronization

/// SIGTERM and SIGINT as the cancellation of what runs.
enum StopSignals {
    /// Runs `body`; the first signal cancels it and waits until it has ended, a second one ends the process.
    static func cancelling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws(KitError) -> Result
    ) async throws -> Result {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        let count = Mutex(0)
        let sources = [SIGTERM, SIGINT].map { number in
            _ = Glibc.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                let isFirst = count.withLock { count in
                    count += 1
                    return count == 1
                }
                if isFirst { signal.yield() } else { _exit(ExitStatus.interrupted.rawValue) }
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            var result = try await group.next() ?? nil
            group.cancelAll()
            if result == nil { result = try await group.next() ?? nil }
            guard let result else { throw CancellationError() }
            return result
        }
    }
}
