// The whole numbers of a quantized weight, and their scales, one by one: for the reference and for tests.

/// What turns a whole number of a weight into a real one.
struct Quantization: Equatable {
    let scale: Float
    /// The whole number that means zero.
    let zero: Int
}

extension PackedWeight {
    /// The whole number as it is stored, by panel and lane and the input counted in the whole.
    func wholeNumber(_ panel: Int, lane: Int, input: Int) -> Int {
        let byte = Int(
            address(ofPanel: panel).load(
                fromByteOffset: format.byteOffset(lane: lane, input: input), as: UInt8.self))
        guard case .int4 = format else { return byte }
        return input % 8 < 4 ? byte & 15 : byte >> 4
    }

    /// Writes a whole number.
    func store(_ value: Int, panel: Int, lane: Int, input: Int) {
        let place = address(ofPanel: panel) + format.byteOffset(lane: lane, input: input)
        var byte = UInt8(value)
        if case .int4 = format {
            let other = place.load(as: UInt8.self)
            byte = input % 8 < 4 ? other & 0xF0 | byte : other & 0x0F | byte << 4
        }
        place.storeBytes(of: byte, as: UInt8.self)
    }

    /// The scale and zero point of the group that an input is in.
    func quantization(_ panel: Int, lane: Int, input: Int) -> Quantization {
        let address = address(ofPanel: panel)
        let group = input / format.groupInputs(of: storedInputs)
        let scale = address + format.scaleOffset(lane: lane, group: group, inputs: storedInputs)
        guard case .int4 = format else {
            return Quantization(scale: scale.load(as: Float.self), zero: WeightFormat.int8Zero)
        }
        let zero = format.zeroOffset(lane: lane, group: group, inputs: storedInputs)
        return Quantization(
            scale: Float(scale.load(as: Float16.self)),
            zero: Int(address.load(fromByteOffset: zero, as: UInt8.self)))
    }

    /// Writes the scale and zero point of the group that an input is in.
    func store(_ quantization: Quantization, panel: Int, lane: Int, input: Int) {
        let address = address(ofPanel: panel)
        let group = input / format.groupInputs(of: storedInputs)
        let scale = address + format.scaleOffset(lane: lane, group: group, inputs: storedInputs)
        guard case .int4 = format else {
            scale.storeBytes(of: quantization.scale, as: Float.self)
            return
        }
        scale.storeBytes(of: Float16(quantization.scale), as: Float16.self)
        address.storeBytes(
            of: UInt8(quantization.zero),
            toByteOffset: format.zeroOffset(lane: lane, group: group, inputs: storedInputs),
            as: UInt8.self)
    }
}
