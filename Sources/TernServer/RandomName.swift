// Names for requests and completions that nobody can guess or meet twice.

/// Random names.
enum RandomName {
    /// 24 hexadecimal digits.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<24).reduce(into: "") { name, _ in
            name += String(generator.next(upperBound: UInt(16)), radix: 16)
        }
    }
}
