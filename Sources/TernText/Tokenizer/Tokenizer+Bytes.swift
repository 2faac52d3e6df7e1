// A tokenizer for models that have none, as dummy weights of a bare config.json: every byte is a
// token. Its text means nothing; it keeps such a model on the same walk as all others.

import TernJSON

extension Tokenizer {
    /// A tokenizer whose 256 tokens are the bytes, in order, without special tokens.
    public static func ofBytes() throws(TokenizerError) -> Tokenizer {
        let vocabulary = (UInt8.min...UInt8.max).map { byte in
            (key: ByteAlphabet.text(of: [byte]), value: JSON.integer(Int(byte)))
        }
        let byteLevel: JSON = [
            "type": "ByteLevel", "add_prefix_space": false, "use_regex": false,
            "trim_offsets": true,
        ]
        let root: JSON = [
            "added_tokens": [], "pre_tokenizer": byteLevel, "decoder": byteLevel,
            "model": [
                "type": "BPE", "vocab": .object(JSONObject(vocabulary)), "merges": [],
            ],
        ]
        return try Tokenizer(tokenizerJSON: Array(root.text().utf8))
    }
}
