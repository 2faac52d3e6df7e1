// The fixtures of Tests/Golden for the tests of the tokenizer, and random texts made from them.

import Glibc
import TernJSON
import TernText
import Testing

enum Golden {
    /// The families that have a fixture.
    static let names = byteLevelNames + characterNames
    /// Those whose tokens are rows of bytes.
    static let byteLevelNames = [
        "gpt2", "llama3", "qwen2", "o200k", "flags", "deepseek2", "deepseek3", "tekken",
    ]
    /// Those whose tokens are rows of characters.
    static let characterNames = [
        "llama2", "mistral3", "gemma", "unknowns", "t5", "unigram_bytes", "words",
    ]

    static func fixture(_ name: String) throws -> JSON {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(folder)/Golden/tokenizers/\(name).json"
        let file = try #require(fopen(path, "rb"), "\(path) is missing")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
        }
        return try JSON(parsing: bytes)
    }

    /// The text of a family's tokenizer.json, with members replaced.
    static func description(_ name: String, _ changes: [(String, JSON)] = []) throws -> [UInt8] {
        var object = try #require(try fixture(name)["tokenizer"]?.object)
        for (path, value) in changes {
            let keys = path.split(separator: ".").map(String.init)
            if keys.count == 1 {
                object[keys[0]] = value
            } else {
                var inner = object[keys[0]]?.object ?? JSONObject()
                inner[keys[1]] = value
                object[keys[0]] = .object(inner)
            }
        }
        return Array(JSON.object(object).text().utf8)
    }

    static func tokenizer(_ name: String, _ changes: [(String, JSON)] = []) throws -> Tokenizer {
        try Tokenizer(tokenizerJSON: description(name, changes))
    }

    /// The texts of a family's fixture.
    static func texts(_ name: String) throws -> [String] {
        try #require(try fixture(name)["encoded"]?.array).compactMap { $0["text"]?.string }
    }
}

/// A generator whose run can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Source: Steele, Lea, Flood 2014, SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
