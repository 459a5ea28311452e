import FoundationEssentials
import Glibc

extension ComparisonReport.Machine {
    /// This machine: its class, not its name.
    static var current: Self {
        Self(
            system: system, processor: processor, cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            memoryOctets: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)), load: load)
    }

    private static func lines(_ path: String) -> [Substring] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
    }

    private static var system: String {
        let line = lines("/etc/os-release").first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { $0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } } ?? "Linux"
    }

    private static var processor: String {
        let line = lines("/proc/cpuinfo").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { String($0.drop(while: \.isWhitespace)) } ?? "unknown"
    }

    private static var load: Double {
        lines("/proc/loadavg").first?.split(separator: " ").first.flatMap { Double($0) } ?? 0
    }
}
