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
    func nested(_ key: String, or older: String) throws(CheckpointError) -> ConfigurationReader? {
        guard let value = value(key) ?? value(older) else { return nil }
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

    /// A finite positive number, or a default.
    func positive(_ key: String, default fallback: Double? = nil) throws(CheckpointError) -> Double
    {
        guard let value = value(key) else {
            if let fallback { return fallback }
            throw CheckpointError(file, "\(key) is missing, expected a positive number")
        }
        guard let number = value.number, number > 0, number.isFinite else {
            throw mismatch(key, value, "a positive number")
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
