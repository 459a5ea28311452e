import ArgumentParser
import FoundationEssentials
import Glibc
import MailarcKit
import Synchronization

/// How progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    /// A bar on a terminal, plain lines otherwise.
    case auto
    case bar, plain, json, none
}

/// Shows how far a long task has come, with rate and time left, on standard error.
final class ProgressView: Sendable {
    private struct State {
        var started: ContinuousClock.Instant?
        var lastShown: ContinuousClock.Instant?
        var isLineOpen = false
    }

    private let style: ProgressStyle
    private let state = Mutex(State())

    init(_ style: ProgressStyle, output: Output) {
        let isTerminal = isatty(STDERR_FILENO) == 1
        self.style =
            switch style {
            case .auto where output.isQuiet: .none
            case .auto: isTerminal ? .bar : .plain
            default: style
            }
    }

    /// The handler to hand to the Kit.
    var handler: ProgressHandler {
        { [self] progress in show(progress) }
    }

    /// Takes the bar away.
    func finish() {
        let isLineOpen = state.withLock { state in
            defer { state.isLineOpen = false }
            return state.isLineOpen
        }
        if isLineOpen { Output.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
    }

    private func show(_ progress: KitProgress) {
        guard style != .none else { return }
        let now = ContinuousClock.now
        // A bar moves 10 times a second; plain lines come every 5 seconds so that a log stays readable.
        let interval: Duration =
            style == .bar ? .milliseconds(100) : style == .json ? .seconds(1) : .seconds(5)
        let elapsed: Duration? = state.withLock { state in
            let started = state.started ?? now
            state.started = started
            if let last = state.lastShown ?? (style == .bar ? nil : started),
                last.duration(to: now) < interval
            {
                return nil
            }
            state.lastShown = now
            state.isLineOpen = style == .bar
            return started.duration(to: now)
        }
        guard let elapsed else { return }
        switch style {
        case .bar:
            Output.write(Array("\r\(Self.line(progress, elapsed))\u{1B}[K".utf8), to: STDERR_FILENO)
        case .json: Output.write(Array((Self.json(progress) + "\n").utf8), to: STDERR_FILENO)
        default: Output.write(Array((Self.line(progress, elapsed) + "\n").utf8), to: STDERR_FILENO)
        }
    }

    static func line(_ progress: KitProgress, _ elapsed: Duration) -> String {
        let seconds = max(
            0.001, Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        var line = "\(progress.phase) \(Format.count(progress.done))"
        if progress.total > 0 { line += "/\(Format.count(progress.total))" }
        if progress.octetsDone > 0 {
            line += ", \(Format.octets(progress.octetsDone))"
            line += ", \(Format.octets(Int(Double(progress.octetsDone) / seconds)))/s"
        } else if progress.done > 0 {
            line += ", \(Format.count(Int(Double(progress.done) / seconds)))/s"
        }
        let share =
            progress.octetsTotal > 0
            ? Double(progress.octetsDone) / Double(progress.octetsTotal)
            : progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
        if share > 0.01 && share < 1 {
            line += ", ETA \(Format.duration(Int(seconds / share - seconds)))"
        }
        if !progress.subject.isEmpty {
            line += "  \(Output.printable(Format.clipped(progress.subject, to: 30)))"
        }
        return line
    }

    private static func json(_ progress: KitProgress) -> String {
        struct Line: Encodable {
            var phase: String
            var subject: String
            var done: Int
            var total: Int
            var octetsDone: Int
            var octetsTotal: Int
        }
        let line = Line(
            phase: progress.phase, subject: progress.subject, done: progress.done, total: progress.total,
            octetsDone: progress.octetsDone, octetsTotal: progress.octetsTotal)
        return (try? JSONEncoder().encode(line)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
