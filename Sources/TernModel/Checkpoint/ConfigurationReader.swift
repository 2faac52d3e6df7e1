// Reads typed fields of a JSON configuration and says, for each that does not fit, what was found
// and what is expected. It knows no model.

import TernJSON

/// The fields of a JSON object in a file, read with their types.
public struct ConfigurationReader {
    let file: String
    let object: JSON

    /// Reads and parses a file of a model folder.
    ///
    /// Throws: `CheckpointError` where it is missing or no JSON object.
    public init(folder: String, file: String) throws(CheckpointError) {
        let bytes: [UInt8]
        do {
            bytes = try FileContent.bytes(of: folder + "/" + file)
        } catch {
            throw CheckpointError(file, "\(error.reason) in the model folder \(folder)")
        }
        do {
            self.init(file: file, object: try JSON(parsing: bytes))
        } catch {
            throw CheckpointError(file, error.description)
        }
        guard object.object != nil else {
            throw CheckpointError(file, "holds \(object.kind), expected an object")
        }
    }

    init(file: String, object: JSON) {
        self.file = file
        self.object = object
    }

    /// A member that is present and not null.
    public func value(_ key: String) -> JSON? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A nested object under a key or its older name, nil where both are absent or null.
    func nested(
        _ key: String, or older: String? = nil
    ) throws(CheckpointError) -> ConfigurationReader? {
        guard let value = value(key) ?? older.flatMap(value) else { return nil }
        guard value.object != nil else { throw mismatch(key, value, "an object") }
        return ConfigurationReader(file: file, object: value)
    }

    /// A size from 1 to a bound, or a default where the key is absent; without one it is required.
    func count(
        _ key: String, default fallback: Int? = nil, atMost bound: Int = 1 << 31
    ) throws(CheckpointError) -> Int {
        guard let value = value(key) else {
            if let fallback { return fallback }
            throw CheckpointError(file, "\(key) is missing, expected a positive integer")
        }
        guard let number = value.integer, number > 0 else {
            throw mismatch(key, value, "a positive integer")
        }
        guard number <= bound else { throw mismatch(key, value, "at most \(bound)") }
        return number
    }

    /// A size from 0 on, or a default.
    func size(_ key: String, default fallback: Int) throws(CheckpointError) -> Int {
        value(key)?.integer == 0 ? 0 : try count(key, default: fallback)
    }

    /// A list of positive numbers.
    func positives(_ key: String) throws(CheckpointError) -> [Double] {
        guard let value = value(key) else {
            throw CheckpointError(file, "\(key) is missing, expected a list of positive numbers")
        }
        let numbers = (value.array ?? []).compactMap(\.number).filter(Self.isPositive)
        guard let array = value.array, numbers.count == array.count else {
            throw mismatch(key, value, "a list of positive numbers in float's range")
        }
        return numbers
    }

    /// A positive number; nil where the file says null, a default where it says nothing.
    func optional(_ key: String, absent: Float?) throws(CheckpointError) -> Float? {
        guard object[key] != nil else { return absent }
        return value(key) == nil ? nil : Float(try positive(key))
    }

    /// The window of each layer that has one: as `layer_types` says, else by a pattern.
    func windows(
        layers: Int, window: Int, _ isLocal: (Int) -> Bool
    ) throws(CheckpointError) -> [Int?] {
        guard let value = value("layer_types") else {
            return (0..<layers).map { isLocal($0) ? window : nil }
        }
        let types = (value.array ?? []).compactMap(\.string)
        guard types.count == layers, value.array?.count == layers else {
            throw mismatch("layer_types", value, "a list of \(layers) names")
        }
        var windows: [Int?] = []
        for type in types {
            switch type {
            case "full_attention": windows.append(nil)
            case "sliding_attention": windows.append(window)
            default:
                throw CheckpointError(
                    file,
                    "layer_types holds \(type), supported are full_attention, sliding_attention")
            }
        }
        return windows
    }

    /// Whether the backends can work with a number: as a float it is neither zero nor infinite.
    private static func isPositive(_ number: Double) -> Bool {
        Float(number).isNormal && number > 0
    }

    /// A positive number, or a default.
    func positive(_ key: String, default fallback: Double? = nil) throws(CheckpointError) -> Double
    {
        guard let value = value(key) else {
            if let fallback { return fallback }
            throw CheckpointError(file, "\(key) is missing, expected a positive number")
        }
        guard let number = value.number, Self.isPositive(number) else {
            throw mismatch(key, value, "a positive number in float's range")
        }
        return number
    }

    /// True or false, or a default.
    public func flag(_ key: String, default fallback: Bool) throws(CheckpointError) -> Bool {
        guard let value = value(key) else { return fallback }
        guard let flag = value.bool else { throw mismatch(key, value, "true or false") }
        return flag
    }

    /// A number within a range; nil where the key is absent.
    public func number(
        _ key: String, in range: ClosedRange<Double>
    ) throws(CheckpointError) -> Float? {
        guard let value = value(key) else { return nil }
        guard let number = value.number, range.contains(number) else {
            throw mismatch(
                key, value, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Float(number)
    }

    /// A string under a key, or under its older name.
    func text(_ key: String, or older: String? = nil) throws(CheckpointError) -> String? {
        guard let value = value(key) ?? older.flatMap(value) else { return nil }
        guard let text = value.string else { throw mismatch(key, value, "a string") }
        return text
    }

    /// One integer or a list of them, as `eos_token_id` is written.
    public func integers(_ key: String) throws(CheckpointError) -> [Int] {
        guard let value = value(key) else { return [] }
        if let single = value.integer { return [single] }
        let list = (value.array ?? []).compactMap(\.integer)
        guard let array = value.array, list.count == array.count else {
            throw mismatch(key, value, "an integer or a list of integers")
        }
        return list
    }

    func mismatch(_ key: String, _ found: JSON, _ expected: String) -> CheckpointError {
        let shown = found.text().prefix(60)
        return CheckpointError(file, "\(key) is \(shown), expected \(expected)")
    }
}
