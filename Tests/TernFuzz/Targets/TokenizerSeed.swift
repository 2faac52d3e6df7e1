// The tokenizers inside the golden files.

import TernJSON

/// Finds a tokenizer in a golden file.
enum TokenizerSeed {
    /// The tokenizer.json as text.
    static func tokenizer(in golden: [UInt8]) throws -> String {
        let value = try JSON(parsing: golden)
        guard let tokenizer = value["tokenizer"] else {
            throw FuzzError("a golden file has no tokenizer")
        }
        return tokenizer.string ?? tokenizer.text()
    }
}
