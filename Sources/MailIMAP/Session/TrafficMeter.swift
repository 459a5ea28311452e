import Synchronization

/// Octets that all connections of an account moved.
final class TrafficMeter: Sendable {
    private let count = Atomic<Int>(0)

    var octetCount: Int { count.load(ordering: .relaxed) }

    func add(_ octets: Int) { count.wrappingAdd(octets, ordering: .relaxed) }
}
