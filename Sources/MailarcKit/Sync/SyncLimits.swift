import MailSync

/// How much a sync may move.
public struct SyncLimits: Sendable {
    /// Octets per second on average.
    public var maxRate: Int?
    public var maxMessagesPerSecond: Double?
    /// Octets of one day (UTC) in either direction, over all runs of the pair.
    public var dailyOctets: Int?
    public var sourceProvider: MailProvider?
    public var destinationProvider: MailProvider?

    public init() {}

    public var isUnlimited: Bool {
        maxRate == nil && maxMessagesPerSecond == nil && dailyOctets == nil && sourceProvider == nil
            && destinationProvider == nil
    }

    /// With the providers their accounts were added with, where none is named.
    func completed(_ source: SyncEndpoint, _ destination: SyncEndpoint) -> SyncLimits {
        var limits = self
        limits.sourceProvider = sourceProvider ?? source.provider
        limits.destinationProvider = destinationProvider ?? destination.provider
        return limits
    }

    var pair: PairLimits {
        func least(_ published: Int?) -> Int64? { [dailyOctets, published].compactMap { $0 }.min().map { Int64($0) } }
        return PairLimits(
            octetsPerSecond: maxRate, messagesPerSecond: maxMessagesPerSecond,
            dailyFetchedOctets: least(sourceProvider?.dailyDownload),
            dailyDeliveredOctets: least(destinationProvider?.dailyUpload))
    }
}
