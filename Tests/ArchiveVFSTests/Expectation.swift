import Testing

/// `#expect(value == expected)` for a value whose making can throw.
func expect<T: Equatable>(
    _ value: T, is expected: T, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(value == expected, comment, sourceLocation: sourceLocation)
}
