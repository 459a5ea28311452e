import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// What the kernel tells of processes. proc(5)
enum ProcessFacts {
    /// User and system time of `root`, of everything below it, and of what those have waited for, until now.
    static func seconds(ofTree root: pid_t) -> Double {
        var parents: [pid_t: pid_t] = [:]
        var ticks: [pid_t: Int] = [:]
        for name in LabFolder(existing: "/proc").names() {
            guard let process = pid_t(name), let fields = fields(of: process), fields.count > 14 else { continue }
            parents[process] = pid_t(fields[1])
            // utime, stime, cutime, cstime
            ticks[process] = fields[11...14].reduce(0) { $0 + (Int($1) ?? 0) }
        }
        let total = ticks.filter { process, _ in isBelow(process, root, parents) }.values.reduce(0, +)
        return Double(total) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// VmHWM of `process` or, where it is larger, of one of its children; 0 for one that is gone.
    static func peakOctets(of process: pid_t) -> Int {
        let children = text("/proc/\(process)/task/\(process)/children").split(separator: " ").compactMap { pid_t($0) }
        return ([process] + children).map(ownPeakOctets).max() ?? 0
    }

    private static func ownPeakOctets(of process: pid_t) -> Int {
        let status = text("/proc/\(process)/status")
        guard let start = status.firstRange(of: "VmHWM:")?.upperBound else { return 0 }
        let digits = status[start...].drop { !$0.isNumber }.prefix { $0.isNumber }
        return (Int(digits) ?? 0) * 1_024
    }

    private static func isBelow(_ process: pid_t, _ root: pid_t, _ parents: [pid_t: pid_t]) -> Bool {
        var current: pid_t? = process
        // LIMIT: a process may get another parent while the table is read, so that it has a circle.
        for _ in 0..<32 {
            if current == root { return true }
            current = current.flatMap { parents[$0] }
        }
        return false
    }

    /// Those behind the name, which may hold anything.
    private static func fields(of process: pid_t) -> [Substring]? {
        let line = text("/proc/\(process)/stat")
        return line.lastIndex(of: ")").map { line[$0...].dropFirst().split(separator: " ") }
    }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}

/// The highest resident set of a running process.
///
/// What wait4 tells counts from what the process that started it had; VmHWM begins with the program itself.
final class PeakSampler {
    private let peak = Peak()
    private let timer: any DispatchSourceTimer

    private final class Peak: Sendable {
        let octets = Mutex(0)
    }

    /// LIMIT: looked at so often; what a process takes in its last moment is not seen.
    private static let interval = DispatchTimeInterval.milliseconds(10)

    init(of process: pid_t) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "mailarc.comparison.peak"))
        timer.schedule(deadline: .now(), repeating: Self.interval)
        timer.setEventHandler { [peak] in
            let now = ProcessFacts.peakOctets(of: process)
            peak.octets.withLock { $0 = max($0, now) }
        }
        timer.resume()
    }

    /// Looks no more; 0 where the process was gone before it was looked at.
    func stop() -> Int {
        timer.cancel()
        return peak.octets.withLock { $0 }
    }
}
