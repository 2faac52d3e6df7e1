// How the elements of a weight are held: as numbers of some type, or as whole numbers of few bits with
// scales, which is what quantization is. Where an element lies in a panel is told here and nowhere
// else; in which order products sum is PackedWeight's and Backend.linear's.

/// The format of a weight's elements.
public enum WeightFormat: Sendable, Equatable {
    /// Real numbers. Layout of a panel: bfloat16 `[ceil(inputs / 2)][16][2]`, others `[inputs][16]`;
    /// behind one of whole 32 KiB, padding.
    case plain(DType)
    /// Whole numbers from -127 to 127 with a float32 scale for each output, stored above 128.
    /// Layout of a panel: `[ceil(inputs / 4)][16][4]` bytes, then 16 scales.
    case int8
    /// Whole numbers from 0 to 15, less a zero point, with a float16 scale for so many inputs of
    /// each output. Layout of a panel: `[ceil(inputs / 8)][16][4]` bytes, of which the low halves
    /// hold inputs 0 to 3 of 8 and the high halves the others; `[groups][16]` scales; `[groups][16]`
    /// zero points, a byte each; padding to 64 bytes.
    case int4(group: Int)

    /// Inputs of a group where nothing else is said, as AWQ and GPTQ have them.
    public static let usualGroup = 128
    /// The zero point of int8.
    static let int8Zero = 128

    /// Whether products are of whole numbers.
    public var isQuantized: Bool {
        switch self {
        case .plain: false
        case .int8, .int4: true
        }
    }

    /// Memory of an element, its share of a group's scale included.
    public var bytesPerElement: Double {
        switch self {
        case .plain(let dtype): Double(dtype.bytes)
        case .int8: 1
        case .int4(let group): 0.5 + 3 / Double(group)
        }
    }

    /// Inputs that lie in one word of a panel: where ranks cut, they cut between words.
    public var unit: Int {
        switch self {
        case .plain(let dtype): dtype == .bfloat16 ? 2 : 1
        case .int8: 4
        case .int4: 8
        }
    }

    /// Inputs that share a scale, of so many; all where there is one for all, or none.
    public func groupInputs(of inputs: Int) -> Int {
        switch self {
        case .plain, .int8: max(inputs, 1)
        case .int4(let group): group
        }
    }

    /// Groups of so many inputs.
    public func groups(of inputs: Int) -> Int {
        let group = groupInputs(of: inputs)
        return (inputs + group - 1) / group
    }

    /// Whether the inputs can be cut here: parts begin with a word, and their sums find room in 32
    /// bits.
    public func admits(inputParts: [Int]) -> Bool {
        let longest = zip(inputParts, inputParts.dropFirst()).map { $1 - $0 }.max() ?? 0
        return inputParts.dropLast().allSatisfy { $0 % unit == 0 }
            && (!isQuantized || longest <= Self.longestPart)
    }

    /// 255 · 127 times this is below 2³¹.
    static let longestPart = 1 << 16

    /// Memory of the elements of a panel, without scales.
    private func elementBytes(inputs: Int) -> Int {
        let words = (inputs + unit - 1) / unit
        return switch self {
        case .plain(let dtype): words * unit * PanelLayout.width * dtype.bytes
        case .int8, .int4: words * PanelLayout.width * 4
        }
    }

    /// Panels are read side by side. Those of bfloat16 that lie 64 or 256 KiB apart a Xeon reads 9 %
    /// faster with a bit more between them, at most 1.4 % (docs/performance.md); smaller distances
    /// were not measured.
    private static let evenDistance = 32 << 10
    private static let padding = 7 * 64

    /// Memory of a panel, and what lies between it and the next.
    func panelBytes(inputs: Int) -> Int {
        let elements = elementBytes(inputs: inputs)
        switch self {
        case .plain: return elements % Self.evenDistance == 0 ? elements + Self.padding : elements
        case .int8: return elements + PanelLayout.width * 4
        case .int4:
            let scales = groups(of: inputs) * PanelLayout.width * 3
            return (elements + scales + 63) / 64 * 64
        }
    }

    /// Where the scale of a group lies in a panel.
    func scaleOffset(lane: Int, group: Int, inputs: Int) -> Int {
        let bytes = self == .int8 ? 4 : 2
        return elementBytes(inputs: inputs) + (group * PanelLayout.width + lane) * bytes
    }

    /// Where the zero point of a group of int4 lies in a panel.
    func zeroOffset(lane: Int, group: Int, inputs: Int) -> Int {
        scaleOffset(lane: 0, group: groups(of: inputs), inputs: inputs)
            + group * PanelLayout.width + lane
    }

    /// The byte of a panel that holds a whole number.
    func byteOffset(lane: Int, input: Int) -> Int {
        (input / unit * PanelLayout.width + lane) * 4 + input % 4
    }
}

extension WeightFormat: CustomStringConvertible {
    /// As `tern inspect` and messages name it.
    public var description: String {
        switch self {
        case .plain(let dtype): dtype.rawValue
        case .int8: "int8"
        case .int4(let group): "int4 in groups of \(group)"
        }
    }
}
