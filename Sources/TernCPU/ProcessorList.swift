// The system's notation for sets of processors, such as 0-3,8,10-11: in /sys, and in what we print.

import Glibc

/// Processors, as the system writes and numbers them.
public struct ProcessorList: Sendable, Equatable, CustomStringConvertible {
    /// Their numbers.
    public let numbers: [Int]

    /// A list of numbers.
    public init(_ numbers: [Int]) { self.numbers = numbers }

    /// Reads `0-3,8`; blanks around it are nothing, and nothing is no processor. Nil for what is no
    /// such list.
    public init?(parsing text: some StringProtocol) {
        var numbers: [Int] = []
        let text = text.split(whereSeparator: \.isWhitespace)
        guard text.count <= 1 else { return nil }
        for range in text.first?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false)
                .map { UInt16($0) }
            guard (1...2).contains(ends.count), let first = ends[0],
                let last = ends[ends.count - 1], first <= last
            else { return nil }
            numbers += Int(first)...Int(last)
        }
        self.numbers = numbers
    }

    /// Reads a file with such a list; nil where there is none.
    init?(file path: String) {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count < bytes.count else { return nil }
        self.init(parsing: String(decoding: bytes[..<count], as: UTF8.self))
    }

    /// As the system writes it, in ascending order.
    public var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, number <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }.joined(separator: ",")
    }
}
