// The element types that weights, activations and caches are held in. Conversion between them is
// a backend's work, except for single elements, which the reference and the tests read.

/// The type of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
    case float32
    case bfloat16
    case float16
    case int32
    /// Keys and values of a cache that holds scales beside them.
    case int8

    /// Size of one element.
    public var bytes: Int {
        switch self {
        case .float32, .int32: 4
        case .bfloat16, .float16: 2
        case .int8: 1
        }
    }

    /// Whether it holds real numbers as they are, rounded: what weights must be.
    public var isFloatingPoint: Bool {
        switch self {
        case .float32, .bfloat16, .float16: true
        case .int32, .int8: false
        }
    }
}

/// The upper half of a float32: the same exponent, 8 bits of significand.
///
/// Source: the same rounding (to nearest, ties to even) as PyTorch's conversion.
public struct BFloat16: Sendable, Equatable {
    /// Sign, 8 bits of exponent, 7 bits of fraction.
    public let bitPattern: UInt16

    /// Takes the bits as they are.
    public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

    /// Rounds to nearest, ties to even; a NaN stays a quiet NaN.
    public init(_ value: Float) {
        let bits = value.bitPattern
        if value.isNaN {
            bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
        } else {
            bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
        }
    }

    /// The same value as a float32: exact.
    public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
}
