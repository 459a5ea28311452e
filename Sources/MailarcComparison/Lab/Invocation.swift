import FoundationEssentials
import Glibc
import MailCore
import MailarcKit

/// A program as it is called: nothing secret is among the arguments.
public struct Invocation: Sendable {
    /// A path, or a name on PATH.
    public var program: String
    public var arguments: [String]
    /// Besides what this process has.
    public var environment: [String: String] = [:]
    /// Codes besides 0 by which it says that all is well; they are told as 0.
    public var goodCodes: Set<Int32> = []
    /// LIMIT: a program that hangs is ended; a copy at full scale takes less.
    public var seconds = 3_600

    public init(_ program: String, _ arguments: [String] = []) {
        (self.program, self.arguments) = (program, arguments)
    }

    /// As a shell would take it, nearly.
    public var text: String {
        ([program] + arguments).map { $0.contains(" ") || $0.isEmpty ? "'\($0)'" : $0 }.joined(separator: " ")
    }

    /// The program as a shell would find it, `sbin` included; `nil`: not installed.
    public static func find(_ name: String) -> String? {
        if name.contains("/") { return unsafe access(name, X_OK) == 0 ? name : nil }
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        for folder in path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
            if unsafe access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
        }
        return nil
    }
}

/// How a program ended, what it said and what it used.
public struct ToolResult: Sendable {
    /// 128 and more for a signal.
    public var exitCode: Int32
    public var isOutOfTime: Bool
    public var seconds: Double
    /// User and system time, those of its children it waited for included.
    public var processorSeconds: Double
    /// Peak resident set, of the program or a child of it; 0: it was over too soon to be seen.
    public var peakOctets: Int
    /// Both outputs, in the order they came.
    public var output: String
}

extension Invocation {
    /// Runs the program to its end, on the calling thread; both its outputs go to the file `log`.
    ///
    /// - Throws: `.notFound` when it is not there, `.ioFailed` when it cannot be started, `.cancelled`.
    func run(
        log: String, _ stop: StopFlag, started: (pid_t) -> Void = { _ in }
    ) throws(KitError) -> ToolResult {
        guard let path = Self.find(program) else { throw KitError(.notFound, "\(program) is not installed") }
        guard !stop.isStopped else { throw KitError(.cancelled, "interrupted") }
        let began = ContinuousClock.now
        let process = try start(path, log: log)
        stop.add(process)
        let sampler = PeakSampler(of: process)
        started(process)
        let timer = DeadlineTimer(seconds: seconds) { kill(-process, SIGKILL) }
        var info = unsafe siginfo_t()
        // Look without reaping: until it is out of reach of signals, the number is its own.
        while unsafe waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        let (isOutOfTime, peak) = (timer.cancel(), sampler.stop())
        var status: Int32 = 0
        var usage = rusage()
        stop.remove(process) { _ = unsafe wait4(process, &status, 0, &usage) }
        let elapsed = (ContinuousClock.now - began).components
        guard !stop.isStopped else { throw KitError(.cancelled, "interrupted") }
        let signal = status & 0x7F
        let code = signal == 0 ? status >> 8 & 0xFF : 128 + signal
        return ToolResult(
            exitCode: goodCodes.contains(code) ? 0 : code, isOutOfTime: isOutOfTime,
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18,
            processorSeconds: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
            peakOctets: peak, output: Self.text(of: log))
    }

    /// Starts the program at `path`; the caller waits for it.
    func start(_ path: String, log: String) throws(KitError) -> pid_t {
        let output = unsafe open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw KitError(.ioFailed, "cannot write \(log)") }
        defer { close(output) }
        return try spawn(path, output)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// LIMIT: evidence of one run; a log of megabytes is read up to here.
    private static let outputLimit = 1 << 20

    private static func text(of log: String) -> String {
        let octets = (try? Data(contentsOf: URL(filePath: log))) ?? Data()
        return String(decoding: octets.prefix(outputLimit), as: UTF8.self)
    }

    private func spawn(_ path: String, _ output: Int32) throws(KitError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // A group of its own: Ctrl-C is for the harness, which ends the group. Its threads may have signals blocked
        // or ignored, and children would inherit that.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe Self.environment(environment).map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        // SAFETY: the strings live until the defer above, and both lists end with NULL.
        let code = unsafe posix_spawn(&process, path, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw KitError(.ioFailed, "cannot run \(path): error \(code)") }
        return process
    }

    private static func environment(_ more: [String: String]) -> [String] {
        var all = ProcessInfo.processInfo.environment
        // The lab's runs are told everything; what the caller has for mailarc is not theirs.
        for name in ["MAILARC_ARCHIVE", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] { all[name] = nil }
        return all.merging(more) { $1 }.map { "\($0.key)=\($0.value)" }
    }
}
