import ArgumentParser
import MailarcKit

/// How much a sync may move.
struct ThrottleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("At most so many octets per second on average (500K, 2M).", valueName: "size"))
    var maxRate: String?
    @Option(help: ArgumentHelp("At most so many messages per second on average.", valueName: "n"))
    var maxMessagesPerSecond: Double?
    @Option(
        help: ArgumentHelp(
            "At most so many octets a day (UTC) each way, over all runs; then the run ends as partial.",
            valueName: "size"))
    var dailyBytes: String?
    @Option(
        help: ArgumentHelp(
            "Keep to what the source's provider lets through: gmail, m365, icloud, yahoo, fastmail or gmx.",
            valueName: "provider"))
    var sourceProvider: MailProvider?
    @Option(
        help: ArgumentHelp(
            "Keep to what the destination's provider lets through.", valueName: "provider"))
    var destinationProvider: MailProvider?

    func validate() throws {
        for size in [maxRate, dailyBytes].compactMap({ $0 }) where (Quantity.octets(size) ?? 0) == 0 {
            throw ValidationError("not a size such as 500K or 2M: \(size)")
        }
        if let maxMessagesPerSecond, !(maxMessagesPerSecond > 0 && maxMessagesPerSecond.isFinite) {
            throw ValidationError("--max-messages-per-second takes a number above 0")
        }
    }

    var limits: SyncLimits {
        var limits = SyncLimits()
        (limits.maxRate, limits.maxMessagesPerSecond) = (maxRate.flatMap(Quantity.octets), maxMessagesPerSecond)
        limits.dailyOctets = dailyBytes.flatMap(Quantity.octets)
        (limits.sourceProvider, limits.destinationProvider) = (sourceProvider, destinationProvider)
        return limits
    }
}
