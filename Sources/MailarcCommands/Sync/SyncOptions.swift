import ArgumentParser
import MailarcKit

/// How one store follows another: what 'sync' and 'watch' take alike.
struct SyncOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Bend the strategy; may be repeated. See 'sync --list-bends'.", valueName: "option"))
    var bend: [String] = []
    @Flag(help: "Delete in the destination what the source does not have (--bend delete-extra).") var deleteExtra =
        false
    @OptionGroup(title: "Selection and names") var selection: SelectionOptions
    @OptionGroup(title: "Limits") var throttle: ThrottleOptions
    @Option(
        help: ArgumentHelp(
            "Delete in the source what arrived so long ago (0 = all), once its copy was read back and found equal.",
            valueName: "age"))
    var deleteSourceAfter: String?
    @Option(help: ArgumentHelp("Read the source's password from this file.", valueName: "file"))
    var sourcePasswordFile: String?
    @Option(help: ArgumentHelp("Read the destination's password from this file.", valueName: "file"))
    var destinationPasswordFile: String?
    @Option(help: ArgumentHelp("Keep what is known of the pair here.", valueName: "folder")) var state: String?
    @Flag(help: "Compare every mailbox in full, whatever its counters say.") var full = false
    @Flag(help: "Delete however many messages the strategy says.") var allowMassDelete = false
    @Flag(help: "Go on although an end is another account than before.") var acceptOtherAccount = false
    @OptionGroup var log: SyncLogOptions

    func validate() throws {
        if let deleteSourceAfter, Quantity.seconds(deleteSourceAfter) == nil {
            throw ValidationError("not an age such as 30d, 12h, 4w or 1y: \(deleteSourceAfter)")
        }
    }

    private var bends: [String] { bend + (deleteExtra ? ["delete-extra"] : []) }

    /// Refuses what `strategy` cannot be bent by.
    func check(_ strategy: SyncStrategy) throws {
        let known = strategy.bends.map(\.name)
        for name in bends where !known.contains(name) {
            throw ValidationError(
                "--bend \(name) means nothing with \(strategy.rawValue); it takes \(known.joined(separator: ", "))")
        }
    }

    func request(_ strategy: SyncStrategy) throws(KitError) -> SyncRequest {
        var request = SyncRequest(strategy: strategy)
        (request.bends, request.looksAtEverything) = (bends, full)
        (request.allowsMassDelete, request.acceptsOtherAccount) = (allowMassDelete, acceptOtherAccount)
        (request.stateFolder, request.limits) = (state, throttle.limits)
        request.sourceDeletionAge = deleteSourceAfter.flatMap(Quantity.seconds)
        try selection.apply(to: &request)
        return request
    }

    /// Nothing but `--mailbox` was given.
    var isMailboxesAlone: Bool {
        bends.isEmpty && throttle.limits.isUnlimited && deleteSourceAfter == nil && !full && state == nil
            && !allowMassDelete && !acceptOtherAccount && sourcePasswordFile == nil && destinationPasswordFile == nil
            && log.logFile == nil && selection.isMailboxesAlone
    }

    /// Refuses what an account of an archive that follows its source cannot do.
    ///
    /// - Parameter deletes: whether it may delete in the source.
    func checkIntoArchive(deletes: Bool) throws(KitError) {
        var others = self
        others.sourcePasswordFile = nil
        if deletes { others.deleteSourceAfter = nil }
        guard others.isMailboxesAlone else {
            throw KitError(
                .usage,
                "into an archive only --mailbox\(deletes ? ", --delete-source-after and --dry-run" : "") can be given",
                hint: "with backup it takes whole mailboxes, under the names they have; --strategy copy takes a choice")
        }
    }
}
