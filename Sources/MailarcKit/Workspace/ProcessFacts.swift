import ArchiveStore
import Glibc
import MailCore
import Synchronization

/// The wall clock.
enum Clock {
    /// Seconds since 1970-01-01T00:00:00Z.
    static func now() -> Int64 { Int64(time(nil)) }

    static func text(_ seconds: Int64) -> String { CivilTime(secondsSinceEpoch: seconds).rfc3339 }
}

extension WriterEnvironment {
    /// This process.
    static var process: WriterEnvironment { process(WriterLease.command) }

    /// This process, called `command` where somebody asks who writes.
    static func process(_ command: String) -> WriterEnvironment {
        var name = [CChar](repeating: 0, count: 256)
        let isNamed = unsafe gethostname(&name, name.count - 1) == 0
        let host = isNamed ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        return WriterEnvironment(now: Clock.now, processID: getpid(), host: host, command: command)
    }
}

extension WriterOptions {
    /// The defaults, and for crash tests `MAILARC_FAULT=step:n`: the process kills itself at the n-th passing of a step;
    /// `MAILARC_PACK_TARGET=octets`: small archives with many packs.
    static var process: WriterOptions {
        var options = WriterOptions()
        if let fault = FaultPoint.fromEnvironment { options.fault = { fault.pass($0.rawValue) } }
        if let target = unsafe getenv("MAILARC_PACK_TARGET").flatMap({ UInt64(unsafe String(cString: $0)) }) {
            options.packTarget = max(target, 1)
        }
        return options
    }
}

/// Where a crash test wants the process to die.
final class FaultPoint: Sendable {
    static let fromEnvironment: FaultPoint? = {
        guard let value = unsafe getenv("MAILARC_FAULT").map({ unsafe String(cString: $0) }) else { return nil }
        let halves = value.split(separator: ":")
        guard halves.count == 2, let count = Int(halves[1]) else { return nil }
        return FaultPoint(step: FaultPoint.key(String(halves[0])), count: count)
    }()

    private let step: String
    private let remaining: Mutex<Int>

    private init(step: String, count: Int) {
        self.step = step
        remaining = Mutex(count)
    }

    /// Kills the process, as a power cut would, when `step` is passed for the n-th time.
    func pass(_ step: String) {
        guard Self.key(step) == self.step else { return }
        let isDue = remaining.withLock { remaining in
            remaining -= 1
            return remaining == 0
        }
        if isDue { kill(getpid(), SIGKILL) }
    }

    /// `pack-append` and `packAppend` are one.
    private static func key(_ name: String) -> String { name.lowercased().filter { $0 != "-" } }
}
