import MailCore
import MailSync
import MailarcTesting
import Synchronization
import Testing

/// Two stores after a first run and some random changes by their users.
struct PairHistory {
    /// All that makes a history: it can be told again, and with less.
    struct Recipe: CustomStringConvertible {
        var strategy: String
        var seed: Int
        var features = BothFeatures()
        var batchLimit = 500
        var partCount = 5_000
        /// What users did, in the grammar of ``PairEvents``; `RUN` where the first runs were.
        var steps: [String] = []

        var description: String {
            "\(strategy) seed \(seed), batches of \(batchLimit), parts of \(partCount), \(features): \(steps)"
        }

        /// Differs from recipe to recipe, and not when it is shortened.
        var generator: SplitMix {
            SplitMix(seed: UInt64(seed) &* 7_919 &+ strategy.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })
        }
    }

    let scenario: PairScenario
    private(set) var recipe: Recipe

    private static let points = Mutex(0)
    private static let mark = "RUN"

    /// Adds to the number of (history, fault point) pairs, and prints it now and then.
    static func count(_ more: Int) {
        let (old, new) = points.withLock { count in
            defer { count += more }
            return (count, count + more)
        }
        if old / 2_000 != new / 2_000 { print("sync: \(new) fault points") }
    }

    /// - Parameter partCount: messages of a mailbox that are described at once.
    init(_ strategy: String, seed: Int, events: Int = 7, partCount: Int = 5_000) async throws {
        recipe = Recipe(strategy: strategy, seed: seed, partCount: partCount)
        var generator = recipe.generator
        for side in [\BothFeatures.a, \BothFeatures.b] {
            recipe.features[keyPath: side].hasModSeq = Bool.random(using: &generator)
            recipe.features[keyPath: side].givesDeltas = Bool.random(using: &generator)
            recipe.features[keyPath: side].hasObjectIDs = Bool.random(using: &generator)
            recipe.features[keyPath: side].hasMailboxIDs = Bool.random(using: &generator)
            recipe.features[keyPath: side].tellsUIDs = Int.random(in: 0..<4, using: &generator) > 0
            recipe.features[keyPath: side].givesStatus = Int.random(in: 0..<4, using: &generator) > 0
        }
        recipe.batchLimit = Int.random(in: 1...4, using: &generator)
        scenario = try Self.scenario(recipe)
        var writer = EventWriter(generator: generator)
        recipe.steps += writer.write(8, scenario)
        try await Self.settle(scenario)
        recipe.steps.append(Self.mark)
        recipe.steps += writer.write(events, scenario)
    }

    /// Tells it again.
    init(_ recipe: Recipe) async throws {
        self.recipe = recipe
        scenario = try Self.scenario(recipe)
        for step in recipe.steps {
            if step == Self.mark { try await Self.settle(scenario) } else { scenario.perform(step) }
        }
    }

    private static func scenario(_ recipe: Recipe) throws -> PairScenario {
        let scenario = try PairScenario(try #require(policy(recipe.strategy)), recipe.features)
        (scenario.batchLimit, scenario.partCount) = (recipe.batchLimit, recipe.partCount)
        scenario.allowsMassDelete = true
        return scenario
    }

    /// LIMIT: what one run may leave for the next (a message moved and renamed at once, UIDs nobody told) is done by two.
    static func settle(_ scenario: PairScenario) async throws {
        for _ in 0..<3 { try await scenario.run() }
    }

    /// Records what `check` finds wrong with this history, with the fewest steps for which it is wrong.
    func expect(_ check: (PairHistory) async throws -> String?) async throws {
        guard var failure = try await check(self) else { return }
        // What was checked is not as it was told any more.
        var shortest = recipe
        var position = 0
        while position < shortest.steps.count {
            var shorter = shortest
            guard shorter.steps.remove(at: position) != Self.mark,
                let found = try await check(PairHistory(shorter))
            else {
                position += 1
                continue
            }
            (shortest, failure) = (shorter, found)
        }
        Issue.record("\(failure) after \(shortest)")
    }
}
