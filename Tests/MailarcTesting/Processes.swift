import Foundation
import Glibc
import Synchronization

/// A program to run: what to start, with which environment, and how it may end.
public struct ProcessCommand: Sendable {
    /// Path of the executable, or a bare name looked up on PATH.
    public var executable: String
    public var arguments: [String]
    /// Added to (and overriding) the environment of the test process.
    public var environment: [String: String] = [:]
    /// Octets given on standard input; none reads from `/dev/null`.
    public var input: [UInt8]?
    /// After this time the process is killed and the result says so.
    public var timeout: Duration = .seconds(120)
    /// Kill with SIGKILL after this time, on purpose (crash tests).
    public var killAfter: Duration?

    public init(_ executable: String, _ arguments: [String] = []) {
        self.executable = executable
        self.arguments = arguments
    }
}

/// How a process ended, and what it said and used.
public struct ProcessResult: Sendable {
    public enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
    }
    public let ending: Ending
    public let standardOutput: [UInt8]
    public let standardError: [UInt8]
    public let isTimedOut: Bool
    /// Wall clock from start to end.
    public let duration: Duration
    public let userSeconds: Double
    public let systemSeconds: Double
    /// Peak resident set of the process itself, in octets.
    public let peakResidentOctets: Int

    public var output: String { String(decoding: standardOutput, as: UTF8.self) }
    public var errors: String { String(decoding: standardError, as: UTF8.self) }
    public var exitCode: Int32? { if case .exited(let code) = ending { code } else { nil } }
    public var isSuccess: Bool { ending == .exited(0) }
    public var isKilled: Bool { ending == .signalled(SIGKILL) }
}

/// Why a process could not be started or did not do what the caller insisted on.
public struct ProcessFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

extension ProcessCommand {
    /// Runs the command to its end, off the cooperative thread pool.
    ///
    /// - Throws: ``ProcessFailure`` when it cannot be started; every other ending is a result.
    public func run() async throws -> ProcessResult {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.runBlocking() }) }
        }
    }

    /// Runs the command and insists on exit code 0.
    ///
    /// - Throws: ``ProcessFailure`` with both outputs otherwise.
    @discardableResult
    public func runSuccessfully() async throws -> ProcessResult {
        let result = try await run()
        guard result.isSuccess else {
            throw ProcessFailure("\(self): \(result.ending)\n\(result.output)\(result.errors)")
        }
        return result
    }

    /// Runs the command to its end on the calling thread.
    public func runBlocking() throws -> ProcessResult {
        let running = try start()
        return try running.wait()
    }

    /// Starts the command; the caller owns the process and must `wait`.
    public func start() throws -> RunningProcess {
        try RunningProcess(self)
    }
}

extension ProcessCommand: CustomStringConvertible {
    public var description: String { ([executable] + arguments).joined(separator: " ") }
}

/// A started child process. Its outputs go to unlinked temporary files, so no pipe can fill and block it.
public final class RunningProcess: Sendable {
    public let pid: Int32
    private let command: ProcessCommand
    private let outputs: (standardOutput: FileHandle, standardError: FileHandle)
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    private struct State {
        var isReaped = false
        var isTimedOut = false
    }

    fileprivate init(_ command: ProcessCommand) throws {
        self.command = command
        outputs = (try temporaryFile(), try temporaryFile())
        let input: FileHandle
        if let octets = command.input {
            input = try temporaryFile()
            try input.write(contentsOf: Data(octets))
            try input.seek(toOffset: 0)
        } else {
            input = FileHandle.nullDevice
        }
        pid = try spawn(
            command,
            descriptors: [
                input.fileDescriptor, outputs.standardOutput.fileDescriptor, outputs.standardError.fileDescriptor,
            ])
        schedule(after: command.timeout) { $0.isTimedOut = true }
        if let instant = command.killAfter { schedule(after: instant) { _ in } }
    }

    private func schedule(after duration: Duration, _ note: @escaping @Sendable (inout State) -> Void) {
        let parts = duration.components
        let seconds = Double(parts.seconds) + Double(parts.attoseconds) / 1e18
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [self] in
            state.withLock { state in
                guard !state.isReaped else { return }
                note(&state)
                kill(pid, SIGKILL)
            }
        }
    }

    /// Sends a signal unless the process has already ended.
    public func signal(_ number: Int32) {
        state.withLock { state in
            if !state.isReaped { kill(pid, number) }
        }
    }

    /// Asks the process to end and kills it when it has not after `grace`; answers how it ended.
    @discardableResult
    public func stop(grace: Duration = .seconds(10)) async throws -> ProcessResult {
        signal(SIGTERM)
        schedule(after: grace) { _ in }
        return try await waitAsync()
    }

    /// What it wrote to standard output until now.
    public var outputSoFar: String { Self.text(outputs.standardOutput) }

    /// What it wrote to standard error until now.
    public var errorsSoFar: String { Self.text(outputs.standardError) }

    private static func text(_ file: FileHandle) -> String {
        var octets: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // The child writes at the same file offset: it is not to be moved.
            let count = unsafe pread(file.fileDescriptor, &chunk, chunk.count, off_t(octets.count))
            guard count > 0 else { return String(decoding: octets, as: UTF8.self) }
            octets += chunk[..<count]
        }
    }

    /// True until the process was waited for.
    public var isRunning: Bool {
        var info = unsafe siginfo_t()
        let result = unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT)
        guard result == 0 else { return false }
        return unsafe info.si_signo == 0
    }

    /// Waits for the end; blocks the calling thread.
    public func wait() throws -> ProcessResult {
        // Look without reaping first: the pid stays ours until the lock is held, so a late kill cannot hit a stranger.
        var info = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 {
            guard errno == EINTR else { throw ProcessFailure("waitid \(command): errno \(errno)") }
        }
        var status: Int32 = 0
        var usage = rusage()
        let isTimedOut = state.withLock { state in
            _ = unsafe wait4(pid, &status, 0, &usage)
            state.isReaped = true
            return state.isTimedOut
        }
        let duration = ContinuousClock.now - began
        let signal = status & 0x7f
        return ProcessResult(
            ending: signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal),
            standardOutput: try contents(outputs.standardOutput), standardError: try contents(outputs.standardError),
            isTimedOut: isTimedOut, duration: duration,
            userSeconds: seconds(usage.ru_utime), systemSeconds: seconds(usage.ru_stime),
            peakResidentOctets: usage.ru_maxrss * 1024)
    }

    /// Waits without blocking a cooperative thread.
    public func waitAsync() async throws -> ProcessResult {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.wait() }) }
        }
    }
}

private func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

private func contents(_ file: FileHandle) throws -> [UInt8] {
    try file.seek(toOffset: 0)
    return [UInt8](try file.readToEnd() ?? Data())
}

private func temporaryFile() throws -> FileHandle {
    var template = Array((FileManager.default.temporaryDirectory.path + "/mailarc-io-XXXXXX").utf8CString)
    let descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer in
        // SAFETY: the template is NUL-terminated and writable for the whole call.
        guard let base = buffer.baseAddress else { return Int32(-1) }
        let descriptor = unsafe mkstemp(base)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        if descriptor >= 0 { unsafe unlink(base) }
        return descriptor
    }
    guard descriptor >= 0 else { throw ProcessFailure("no temporary file: errno \(errno)") }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
}

/// Finds an executable as a shell would.
public func findExecutable(_ name: String) -> String? {
    if name.contains("/") { return unsafe access(name, X_OK) == 0 ? name : nil }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":") + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
        let candidate = "\(folder)/\(name)"
        if unsafe access(candidate, X_OK) == 0 { return candidate }
    }
    return nil
}

private func spawn(_ command: ProcessCommand, descriptors: [Int32]) throws -> pid_t {
    guard let path = findExecutable(command.executable) else {
        throw ProcessFailure("\(command.executable): not found")
    }
    let environment = ProcessInfo.processInfo.environment.merging(command.environment) { $1 }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for (target, descriptor) in descriptors.enumerated() {
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }
    // Threads of the dispatch pool block signals, and children inherit the mask: give them an empty one.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid: pid_t = 0
    let arguments = [path] + command.arguments
    let code = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment.map { "\($0)=\($1)" }) { envp in
            unsafe posix_spawn(&pid, path, &actions, &attributes, argv, envp)
        }
    }
    guard code == 0 else { throw ProcessFailure("\(path): errno \(code)") }
    return pid
}

/// Calls `body` with a NULL-terminated vector of NUL-terminated copies of `strings`.
private func withCStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws -> R
) rethrows -> R {
    // SAFETY: every copy lives until the defer, and the vector is NULL-terminated.
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { unsafe vector[index] = unsafe strdup(string) }
    unsafe vector[strings.count] = nil
    defer {
        for index in strings.indices { unsafe free(vector[index]) }
        unsafe vector.deallocate()
    }
    return try unsafe body(vector)
}
