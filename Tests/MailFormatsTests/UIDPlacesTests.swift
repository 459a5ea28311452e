import MailCore
import MailFormats
import Testing

@Test("the place of a UID is found whatever their order; of equal ones the first counts")
func uidPlaces() throws {
    let list = try [7, 3, UInt32.max, 5, 3, 1].map { try #require(UID($0)) }
    let places = UIDPlaces(list)
    #expect(list.map { places[$0] } == [0, 1, 2, 3, 1, 5])
    #expect(try [2, 4, 6, 8].allSatisfy { places[try #require(UID($0))] == nil })
    #expect(places.all == UIDSet([1, 3, 5, 7, UInt32.max].compactMap { UID($0) }))
    #expect(UIDPlaces([]).all.isEmpty)
}
