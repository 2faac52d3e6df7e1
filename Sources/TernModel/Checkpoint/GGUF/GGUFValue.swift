// A metadata value of a GGUF file. Strings and arrays stay where they lie in the file until they
// are asked for: a vocabulary has hundreds of thousands.

import TernJSON

/// One value of the metadata.
enum GGUFValue: Sendable, Equatable {
    case integer(Int)
    case number(Double)
    case bool(Bool)
    /// Where its bytes lie in the file.
    case text(Range<Int>)
    case array(GGUFArray)
}

/// An array in the metadata: where its first element lies.
struct GGUFArray: Sendable, Equatable {
    let type: GGUFType
    let count: Int
    let start: Int
}

extension GGUF {
    /// Metadata as JSON, so that whoever reads it tells what does not fit; nil where it is absent.
    func json(_ key: String) throws(CheckpointError) -> JSON? {
        guard let value = metadata[key] else { return nil }
        return try json(value, key)
    }

    /// Metadata that must be there.
    func required(_ key: String) throws(CheckpointError) -> JSON {
        guard let value = try json(key) else { throw CheckpointError(file, "\(key) is missing") }
        return value
    }

    /// A whole number, nil where it is absent.
    func integer(_ key: String) throws(CheckpointError) -> Int? {
        guard let value = try json(key) else { return nil }
        guard let number = value.integer else { throw mismatch(key, value, "a whole number") }
        return number
    }

    /// Text, nil where it is absent.
    func text(_ key: String) throws(CheckpointError) -> String? {
        guard let value = try json(key) else { return nil }
        guard let text = value.string else { throw mismatch(key, value, "a string") }
        return text
    }

    /// True or false, nil where it is absent.
    func flag(_ key: String) throws(CheckpointError) -> Bool? {
        guard let value = try json(key) else { return nil }
        guard let flag = value.bool else { throw mismatch(key, value, "true or false") }
        return flag
    }

    /// The elements of an array, nil where it is absent.
    func list(_ key: String) throws(CheckpointError) -> [JSON]? {
        guard let value = metadata[key] else { return nil }
        guard case .array(let array) = value else {
            throw mismatch(key, try json(value, key), "an array")
        }
        var reader = GGUFReader(storage, file: file, at: array.start)
        var list: [JSON] = []
        for element in try reader.elements(array, key) { list.append(try json(element, key)) }
        return list
    }

    private func json(_ value: GGUFValue, _ key: String) throws(CheckpointError) -> JSON {
        switch value {
        case .integer(let number): return .integer(number)
        case .number(let number): return .number(number)
        case .bool(let flag): return .bool(flag)
        case .text(let range):
            guard let text = storage.text(range) else {
                throw CheckpointError(file, "\(key) is not UTF-8")
            }
            return .string(text)
        case .array: return .array(try list(key) ?? [])
        }
    }

    func mismatch(_ key: String, _ found: JSON, _ expected: String) -> CheckpointError {
        CheckpointError(file, "\(key) is \(found.text().prefix(60)), expected \(expected)")
    }
}
