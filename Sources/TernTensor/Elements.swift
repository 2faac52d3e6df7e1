// Single elements of tensors and weights as float32, whatever type they are held in. For the
// reference and for tests: a backend at work converts whole vectors.

extension DType {
    /// The number of this type that is nearest to one.
    public func rounded(_ value: Float) -> Float {
        withUnsafeTemporaryAllocation(byteCount: 4, alignment: 4) { memory in
            guard let address = memory.baseAddress else { return value }
            store(value, to: address)
            return load(address)
        }
    }

    /// Reads the element at an index from an address; any alignment.
    public func load(_ address: UnsafeRawPointer, _ index: Int = 0) -> Float {
        let place = address + index * bytes
        switch self {
        case .float32: return place.loadUnaligned(as: Float.self)
        case .bfloat16: return BFloat16(bitPattern: place.loadUnaligned(as: UInt16.self)).float
        case .float16: return Float(place.loadUnaligned(as: Float16.self))
        case .int32: return Float(place.loadUnaligned(as: Int32.self))
        case .int8: return Float(place.load(as: Int8.self))
        }
    }

    /// Writes the element at an index, rounding to nearest, ties to even.
    public func store(_ value: Float, to address: UnsafeMutableRawPointer, _ index: Int = 0) {
        let place = address + index * bytes
        switch self {
        case .float32: place.storeBytes(of: value, as: Float.self)
        case .bfloat16: place.storeBytes(of: BFloat16(value).bitPattern, as: UInt16.self)
        case .float16: place.storeBytes(of: Float16(value), as: Float16.self)
        case .int32, .int8: preconditionFailure("a real number stored in a tensor of \(self)")
        }
    }
}

extension Tensor {
    /// One row of the last dimension: where it lies, for up to two outer indices.
    func row(_ first: Int, _ second: Int = 0) -> UnsafeMutableRawPointer {
        address + (first * strides[0] + second * strides[1]) * dtype.bytes
    }

    /// One row of float32.
    func floats(_ first: Int, _ second: Int = 0) -> UnsafeMutablePointer<Float> {
        precondition(dtype == .float32, "float32 read from a tensor of \(dtype)")
        return row(first, second).assumingMemoryBound(to: Float.self)
    }

    /// A vector of int32.
    func integer(_ index: Int, _ second: Int = 0) -> Int {
        precondition(dtype == .int32, "int32 read from a tensor of \(dtype)")
        let place = index * strides[0] + second * strides[1]
        return Int(address.load(fromByteOffset: place * 4, as: Int32.self))
    }
}

extension PackedWeight {
    /// Where a panel of the whole weight begins.
    public func address(ofPanel panel: Int) -> UnsafeMutableRawPointer {
        storage.base + panel * panelBytes
    }

    /// The panel, counted in the whole, that holds an output row of the whole.
    func panel(ofRow row: Int) -> Int {
        var low = 0
        var high = layout.panels
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(layout.panelStarts[middle]) <= row { low = middle } else { high = middle }
        }
        return low
    }

    /// One element, by its row and input counted in the view.
    public func element(row: Int, input: Int) -> Float {
        let (panel, lane) = place(ofRow: row)
        let input = inputRange.lowerBound + input
        guard case .plain(let dtype) = format else {
            let whole = wholeNumber(panel, lane: lane, input: input)
            let quantization = quantization(panel, lane: lane, input: input)
            return Float(whole - quantization.zero) * quantization.scale
        }
        return dtype.load(
            address(ofPanel: panel),
            Self.elementOffset(lane: lane, input: input, dtype: dtype))
    }

    /// The panel and the lane of an output row counted in the view.
    func place(ofRow row: Int) -> (panel: Int, lane: Int) {
        let wholeRow = outputRows.lowerBound + row
        let panel = panel(ofRow: wholeRow)
        return (panel, wholeRow - Int(layout.panelStarts[panel]))
    }
}
