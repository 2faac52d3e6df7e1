// How quantized weights are written: blocks of elements that share their scales. This file turns
// one block into float32, exactly as the format defines it; which blocks a product needs is
// CheckpointTensor's business, and rounding to the resident type is the backend's.

/// A quantized element type of GGUF, by the name that its tools use.
///
/// Source: ggml-common.h and the dequantize functions of ggml; compared bit for bit with
/// gguf.quants of gguf-py.
public enum BlockFormat: String, Sendable, CaseIterable {
    case q4o0 = "Q4_0"
    case q5o0 = "Q5_0"
    case q8o0 = "Q8_0"
    case q4K = "Q4_K"
    case q5K = "Q5_K"
    case q6K = "Q6_K"

    /// Elements of the largest block.
    static let mostElements = 256

    /// Elements of one block.
    public var elements: Int {
        switch self {
        case .q4o0, .q5o0, .q8o0: 32
        case .q4K, .q5K, .q6K: 256
        }
    }

    /// Bytes of one block.
    public var bytes: Int {
        switch self {
        case .q4o0: 18
        case .q5o0: 22
        case .q8o0: 34
        case .q4K: 144
        case .q5K: 176
        case .q6K: 210
        }
    }

    /// Writes the elements of one block as float32.
    func decode(_ block: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>) {
        switch self {
        case .q4o0: Self.decodeQ4o0(block, output)
        case .q5o0: Self.decodeQ5o0(block, output)
        case .q8o0: Self.decodeQ8o0(block, output)
        case .q4K: Self.decodeFours(block, output, highBits: nil, lowBits: 16)
        case .q5K: Self.decodeFours(block, output, highBits: 16, lowBits: 48)
        case .q6K: Self.decodeQ6K(block, output)
        }
    }
}

extension BlockFormat {
    private static func half(_ block: UnsafeRawPointer, at offset: Int) -> Float {
        Float(block.loadUnaligned(fromByteOffset: offset, as: Float16.self))
    }

    private static func byte(_ block: UnsafeRawPointer, _ offset: Int) -> Int {
        Int(block.load(fromByteOffset: offset, as: UInt8.self))
    }

    /// A scale; 16 bytes whose lower halves are the first 16 elements, the upper ones the others.
    private static func decodeQ4o0(
        _ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>
    ) {
        let scale = half(block, at: 0)
        for index in 0..<16 {
            let pair = byte(block, 2 + index)
            output[index] = scale * Float((pair & 15) - 8)
            output[16 + index] = scale * Float((pair >> 4) - 8)
        }
    }

    /// The same with a fifth bit of each element, in a word after the scale.
    private static func decodeQ5o0(
        _ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>
    ) {
        let scale = half(block, at: 0)
        let fifths = Int(block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        for index in 0..<16 {
            let pair = byte(block, 6 + index)
            let low = (pair & 15) | (fifths >> index & 1) << 4
            let high = (pair >> 4) | (fifths >> (index + 16) & 1) << 4
            output[index] = scale * Float(low - 16)
            output[16 + index] = scale * Float(high - 16)
        }
    }

    /// A scale and 32 signed bytes.
    private static func decodeQ8o0(
        _ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>
    ) {
        let scale = half(block, at: 0)
        for index in 0..<32 {
            output[index] = scale * Float(block.load(fromByteOffset: 2 + index, as: Int8.self))
        }
    }

    /// Eight groups of 32 elements, each with a scale and a minimum of six bits that two scales of
    /// the block stretch. Each 32 bytes of `lowBits` hold a group in their lower halves and the
    /// next in the upper; a fifth bit lies in `highBits`, group by group from the lowest bit.
    private static func decodeFours(
        _ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>, highBits: Int?,
        lowBits: Int
    ) {
        let (scale, minimum) = (half(block, at: 0), half(block, at: 2))
        for group in 0..<8 {
            let (groupScale, groupMinimum) = sixBits(block + 4, group)
            let (step, offset) = (scale * Float(groupScale), minimum * Float(groupMinimum))
            let (bytes, shift) = (lowBits + group / 2 * 32, group % 2 * 4)
            for index in 0..<32 {
                var value = byte(block, bytes + index) >> shift & 15
                if let highBits { value |= (byte(block, highBits + index) >> group & 1) << 4 }
                output[group * 32 + index] = step * Float(value) - offset
            }
        }
    }

    /// A group's scale and minimum. The first four groups have theirs in the lower six bits of
    /// bytes 0 to 7; the others have four bits in bytes 8 to 11 and two on top of the first ones'.
    private static func sixBits(
        _ packed: UnsafeRawPointer, _ group: Int
    ) -> (scale: Int, minimum: Int) {
        guard group >= 4 else {
            return (byte(packed, group) & 63, byte(packed, group + 4) & 63)
        }
        let low = byte(packed, group + 4)
        let (scaleTop, minimumTop) = (byte(packed, group - 4) >> 6, byte(packed, group) >> 6)
        return (low & 15 | scaleTop << 4, low >> 4 | minimumTop << 4)
    }

    /// Two halves of 128 elements: 64 bytes of lower four bits, 32 bytes of upper two bits, and
    /// eight signed scales of 16 elements each; the scale of the block comes last.
    private static func decodeQ6K(
        _ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>
    ) {
        let scale = half(block, at: 208)
        for group in 0..<8 {
            let (part, place) = (group / 4, group % 4)
            let (low, high) = (part * 64 + place % 2 * 32, 128 + part * 32)
            for index in 0..<32 {
                let four = byte(block, low + index) >> (place / 2 * 4) & 15
                let two = byte(block, high + index) >> (place * 2) & 3
                let own = block.load(fromByteOffset: 192 + group * 2 + index / 16, as: Int8.self)
                output[group * 32 + index] = scale * Float(own) * Float((four | two << 4) - 32)
            }
        }
    }
}
