import Synchronization

/// What all connections of an account moved.
final class TrafficMeter: Sendable {
    private let count = Atomic<Int>(0)
    private let trips = Atomic<Int>(0)

    /// Octets that came.
    var octetCount: Int { count.load(ordering: .relaxed) }
    /// How often something was sent and then waited for.
    var roundTripCount: Int { trips.load(ordering: .relaxed) }

    func add(_ octets: Int) { count.wrappingAdd(octets, ordering: .relaxed) }

    func addRoundTrip() { trips.wrappingAdd(1, ordering: .relaxed) }
}
