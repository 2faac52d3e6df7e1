// Whole numbers of four bits as the files of quantized checkpoints have them: eight to a word of 32 bits,
// in one of three orders. Which checkpoint has which order is the loader's business; how the numbers
// lie in a panel is WeightFormat's.

/// A matrix of whole numbers from 0 to 15 with scales and zero points, as it lies in a file.
///
/// Shape: `[outputs, inputs]`; words are little-endian.
public struct FourBitMatrix: Sendable {
    /// Which numbers share a word, and which words are neighbours.
    public enum Order: Sendable, CaseIterable {
        /// A word has eight neighbouring inputs, the first in its lowest bits. Shape: words
        /// `[outputs, inputs / 8]`, scales `[outputs, groups]`, zero points
        /// `[ceil(outputs / 8), groups]`, a word of those having eight outputs.
        case rows
        /// The same, outputs being neighbours. Shape: words `[inputs / 8, outputs]`, scales
        /// `[groups, outputs]`, zero points `[groups, outputs / 8]`.
        case columns
        /// A word has eight neighbouring outputs, from the lowest bits on 0, 2, 4, 6, 1, 3, 5, 7,
        /// and so have those of zero points. Shape: words `[inputs, outputs / 8]`, scales
        /// `[groups, outputs]`, zero points `[groups, outputs / 8]`.
        case outputs
    }

    /// Where numbers begin: a file's or other memory.
    public struct Place: Sendable {
        let storage: Storage
        let byteOffset: Int

        /// A byte of a storage.
        public init(_ storage: Storage, byteOffset: Int = 0) {
            (self.storage, self.byteOffset) = (storage, byteOffset)
        }

        /// Its address.
        public var address: UnsafeMutableRawPointer { storage.base + byteOffset }
    }

    /// How the numbers lie.
    public let order: Order
    /// Rows, and the numbers of each: a multiple of 8.
    public let outputs, inputs: Int
    /// Inputs that share a scale: a multiple of 8.
    public let group: Int
    /// The whole numbers, and what their groups' scales are.
    public let numbers, scales: Place
    /// Real numbers.
    public let scaleType: DType
    /// The whole numbers that mean zero; nil where all are 8.
    public let zeros: Place?
    /// What those lack: 1 where a file has them less one.
    public let zeroOffset: Int

    /// A matrix whose tensors have the shapes of the order.
    public init(
        order: Order, outputs: Int, inputs: Int, group: Int, numbers: Place, scales: Place,
        scaleType: DType, zeros: Place?, zeroOffset: Int
    ) {
        self.order = order
        (self.outputs, self.inputs, self.group) = (outputs, inputs, group)
        (self.numbers, self.scales, self.scaleType) = (numbers, scales, scaleType)
        (self.zeros, self.zeroOffset) = (zeros, zeroOffset)
    }

    /// Neighbouring rows that become a block of a weight, which has as many.
    public struct Block: Sendable {
        /// The first of them.
        public let row: Int
        /// The block.
        public let block: Int

        /// Rows of a block from one on.
        public init(row: Int, block: Int) { (self.row, self.block) = (row, block) }
    }

    /// Groups of each row.
    public var groups: Int { (inputs + group - 1) / group }
}

/// One by one, for the reference.
extension FourBitMatrix {
    func number(row: Int, input: Int) -> Int {
        switch order {
        case .rows: numbers.number(word: row * (inputs / 8) + input / 8, place: input % 8)
        case .columns: numbers.number(word: input / 8 * outputs + row, place: input % 8)
        case .outputs:
            numbers.number(word: input * (outputs / 8) + row / 8, place: Self.place(of: row))
        }
    }

    /// What turns the numbers of a group into real ones.
    func quantization(row: Int, group: Int) -> Quantization {
        let index = order == .rows ? row * groups + group : group * outputs + row
        let scale = scaleType.load(scales.address, index)
        guard let zeros else { return Quantization(scale: scale, zero: 8) }
        let word = order == .rows ? row / 8 * groups + group : group * (outputs / 8) + row / 8
        let place = order == .outputs ? Self.place(of: row) : row % 8
        return Quantization(
            scale: scale, zero: zeros.number(word: word, place: place) + zeroOffset)
    }

    /// Where a word of outputs has one.
    private static func place(of row: Int) -> Int { row % 8 / 2 + row % 2 * 4 }
}

extension FourBitMatrix.Place {
    fileprivate func number(word: Int, place: Int) -> Int {
        let value = address.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self)
        return Int(UInt32(littleEndian: value) >> (4 * UInt32(place)) & 15)
    }

    /// Whether so many bytes are there.
    func holds(bytes: Int) -> Bool {
        byteOffset >= 0 && bytes >= 0 && bytes <= storage.bytes - byteOffset
    }
}
