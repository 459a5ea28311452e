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

    var pair: PairLimits {
        func least(_ published: Int?) -> Int64? { [dailyOctets, published].compactMap { $0 }.min().map { Int64($0) } }
        return PairLimits(
            octetsPerSecond: maxRate, messagesPerSecond: maxMessagesPerSecond,
            dailyFetchedOctets: least(sourceProvider?.dailyDownload),
            dailyDeliveredOctets: least(destinationProvider?.dailyUpload))
    }
}

/// A provider that publishes how much it lets through in a day.
public enum MailProvider: String, Sendable, CaseIterable {
    case gmail

    /// LIMIT: nine tenths of the 2,500 MB a day that Google names for IMAP downloads; other programs count, too.
    var dailyDownload: Int { 2_250_000_000 }
    /// LIMIT: nine tenths of the 500 MB a day for uploads.
    var dailyUpload: Int { 450_000_000 }
}
