import Glibc
import MailarcKit

/// How secrets come in: prompt, file, descriptor, command. Never from the argument list.
enum Secrets {
    /// LIMIT: no passphrase or password is longer; a larger file is the wrong file.
    static let maxOctets = 65_536

    /// The octets of the file at `path`.
    static func file(_ path: String, what: String) throws(KitError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw KitError(.ioFailed, "cannot read the \(what) file \(path): \(describe(errno))")
        }
        defer { _ = Glibc.close(descriptor) }
        return try read(descriptor, what: "the \(what) file \(path)")
    }

    /// Writes a secret to a new file that nobody else may read.
    static func save(_ octets: [UInt8], to path: String) throws(KitError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw KitError(.ioFailed, "cannot make \(path): \(describe(errno))", hint: "name a file that is not there")
        }
        Output.write(octets, to: descriptor)
        let isSafe = fsync(descriptor) == 0
        guard Glibc.close(descriptor) == 0, isSafe else {
            throw KitError(.ioFailed, "cannot write \(path): \(describe(errno))")
        }
    }

    /// What can be read from descriptor `number` up to its end.
    static func descriptor(_ number: Int32, what: String) throws(KitError) -> [UInt8] {
        try read(number, what: "the \(what) from descriptor \(number)")
    }

    /// The standard output of `command`, run by the shell.
    static func command(_ command: String, what: String) throws(KitError) -> [UInt8] {
        guard let stream = unsafe popen(command, "re") else {
            throw KitError(.ioFailed, "cannot run the \(what) command: \(describe(errno))")
        }
        // SAFETY: `stream` is open until the pclose below, and read only between.
        let octets = Result { () throws(KitError) in
            try read(unsafe fileno(stream), what: "the \(what) command's output")
        }
        let status = unsafe pclose(stream)
        guard status == 0 else {
            throw KitError(.ioFailed, "the \(what) command failed with status \(status >> 8 & 0xFF)")
        }
        return try octets.get()
    }

    /// Asks on the terminal without echo.
    static func prompt(_ text: String) throws(KitError) -> [UInt8] {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw KitError(
                .usage, "a secret is needed and there is no terminal to ask on",
                hint: "give --passphrase-file, --passphrase-fd, --passphrase-command, --key-file or --identity-file")
        }
        defer { _ = Glibc.close(terminal) }
        var saved = termios()
        guard unsafe tcgetattr(terminal, &saved) == 0 else {
            throw KitError(.ioFailed, "cannot switch off the terminal's echo: \(describe(errno))")
        }
        var silent = saved
        silent.c_lflag &= ~UInt32(ECHO)
        guard unsafe tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else {
            throw KitError(.ioFailed, "cannot switch off the terminal's echo: \(describe(errno))")
        }
        defer {
            _ = unsafe tcsetattr(terminal, TCSAFLUSH, &saved)
            Output.write([UInt8(ascii: "\n")], to: terminal)
        }
        Output.write(Array(text.utf8), to: terminal)
        return try read(terminal, what: "the passphrase", untilLineEnd: true)
    }

    /// `octets` without one trailing line end.
    static func trimmed(_ octets: [UInt8]) -> [UInt8] {
        var octets = octets
        if octets.last == UInt8(ascii: "\n") { octets.removeLast() }
        if octets.last == UInt8(ascii: "\r") { octets.removeLast() }
        return octets
    }

    static func read(_ descriptor: Int32, what: String, untilLineEnd: Bool = false)
        throws(KitError) -> [UInt8]
    {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw KitError(.ioFailed, "cannot read \(what): \(describe(errno))") }
            result += buffer.prefix(count)
            guard result.count <= maxOctets else {
                throw KitError(.usage, "\(what) is larger than \(maxOctets) octets: is it the right one?")
            }
            if count == 0 || (untilLineEnd && result.contains(UInt8(ascii: "\n"))) { return result }
        }
    }

    /// The environment variable `name`; `nil` if it is not set or empty.
    static func variable(_ name: String) -> String? {
        let value = unsafe getenv(name).map { unsafe String(cString: $0) }
        return value?.isEmpty == false ? value : nil
    }

    static func isReadable(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

    static func describe(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
