import Glibc

/// A program run to its end: what it is given on standard input, what it answered on standard output.
///
/// Standard error stays this process's own. Nothing secret is ever an argument.
public struct ChildProcess {
    public struct Outcome {
        /// The exit status; 128 and more for a signal; `nil` when the time was over and it was killed.
        public var status: Int32?
        public var output: [UInt8]
    }

    /// LIMIT: an answer is a secret file or a list of epochs, unless told otherwise.
    public static let outputLimit = 1 << 16

    /// Runs `program`, found on PATH, with `arguments` behind its name.
    ///
    /// - Parameters:
    ///   - seconds: how long it may take altogether.
    ///   - outputLimit: octets of its answer.
    /// - Throws: `.ioFailed` when it cannot be started.
    public static func run(
        _ program: String, _ arguments: [String], input: [UInt8], seconds: Int64, outputLimit: Int = outputLimit
    ) throws(KitError) -> Outcome {
        let (childInput, feed) = try pipe()
        // What is written is shorter than any pipe's buffer, so nobody waits for a reader.
        let fed = unsafe input.withUnsafeBytes { buffer in unsafe write(feed, buffer.baseAddress, buffer.count) }
        _ = close(feed)
        guard fed == input.count else { throw KitError(.ioFailed, "\(program) cannot be given its input") }
        let result: Int32
        let childOutput: Int32
        do throws(KitError) { (result, childOutput) = try pipe() } catch {
            _ = close(childInput)
            throw error
        }
        defer { _ = close(result) }
        let child: pid_t
        do throws(KitError) {
            child = try spawn(program, arguments, input: childInput, output: childOutput)
        } catch {
            for end in [childInput, childOutput] { _ = close(end) }
            throw error
        }
        for end in [childInput, childOutput] { _ = close(end) }
        let (output, isWhole) = read(result, until: monotonic() + seconds * 1_000, outputLimit)
        if !isWhole { kill(child, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
        guard output.count <= outputLimit else {
            throw KitError(.usage, "the answer of \(program) is larger than \(outputLimit) octets")
        }
        guard isWhole else { return Outcome(status: nil, output: []) }
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return Outcome(status: code, output: output)
    }

    /// Starts `program` and leaves it to itself, without input; what it prints is dropped.
    ///
    /// - Throws: `.ioFailed` when it cannot be started.
    public static func start(_ program: String, _ arguments: [String]) throws(KitError) {
        let nowhere = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard nowhere >= 0 else { throw KitError(.ioFailed, "/dev/null cannot be opened") }
        defer { _ = close(nowhere) }
        _ = try spawn(program, arguments, input: nowhere, output: nowhere)
    }

    /// Everything until the other end closes; false when the time was over or it was too much.
    private static func read(
        _ descriptor: Int32, until deadline: Int64, _ outputLimit: Int
    ) -> (octets: [UInt8], isWhole: Bool) {
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while octets.count <= outputLimit {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = deadline - monotonic()
            guard left > 0 else { return (octets, false) }
            let ready = unsafe poll(&waiting, 1, Int32(clamping: left))
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else { return (octets, false) }
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return (octets, count == 0) }
            octets += buffer.prefix(count)
        }
        return (octets, false)
    }

    /// Milliseconds of a clock nobody sets.
    private static func monotonic() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }

    private static func pipe() throws(KitError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw KitError(.ioFailed, "a pipe cannot be made") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ program: String, _ arguments: [String], input: Int32, output: Int32
    ) throws(KitError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var child: pid_t = 0
        // SAFETY: the strings live until the defer above; the environment is this process's own.
        let code = unsafe posix_spawnp(&child, program, &actions, nil, &words, environ)
        guard code == 0 else {
            throw KitError(.ioFailed, "cannot run \(program): \(unsafe String(cString: strerror(code)))")
        }
        return child
    }
}
