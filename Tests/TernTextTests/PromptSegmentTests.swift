// Prompts of template and literal text: the tokens are those of the joint text, but for control
// tokens, which text from users never becomes.

import TernJSON
import TernText
import Testing

@Suite("Tokenizer, prompt segments")
struct PromptSegmentTests {
    @Test("Control tokens come from the template alone")
    func controlTokens() throws {
        let tokenizer = try Golden.tokenizer("llama3")
        let begin = try #require(tokenizer.tokenID(of: "<|begin|>"))
        let ids = try tokenizer.encode(segments: [
            .template("<|begin|>"), .literal("<|begin|> and <|end|>"), .template("<|begin|>"),
        ])
        #expect(ids.first == begin)
        #expect(ids.last == begin)
        #expect(ids.dropFirst().dropLast().allSatisfy { !tokenizer.isSpecial($0) })
        let text = try tokenizer.decode(ids, skipSpecialTokens: true)
        #expect(text == "<|begin|> and <|end|>")
    }

    @Test("A control token that is template in part only is text")
    func straddlingTokens() throws {
        let tokenizer = try Golden.tokenizer("llama3")
        for cut in 1..<9 {
            let head = String("<|begin|>".prefix(cut))
            let tail = String("<|begin|>".dropFirst(cut))
            for segments: [PromptSegment] in [
                [.template(head), .literal(tail)], [.literal(head), .template(tail)],
            ] {
                let ids = try tokenizer.encode(segments: segments)
                #expect(ids.allSatisfy { !tokenizer.isSpecial($0) }, "\(segments)")
            }
            let whole = try tokenizer.encode(segments: [.template(head), .template(tail)])
            #expect(whole == [try #require(tokenizer.tokenID(of: "<|begin|>"))])
        }
    }

    @Test("What a normalizer makes of a user's text is the user's, and no control token")
    func normalizedTokens() throws {
        let replace: JSON = ["type": "Replace", "pattern": ["String": "@"], "content": "<|x|>"]
        let added: JSON = [["content": "<|x|>", "special": true, "normalized": true]]
        let tokenizer = try Golden.tokenizer(
            "llama2", [("normalizer", replace), ("added_tokens", added)])
        let id = try #require(tokenizer.tokenID(of: "<|x|>"))
        #expect(try tokenizer.encode(segments: [.template("@")]) == [id])
        #expect(try !tokenizer.encode(segments: [.literal("@")]).contains(id))
        let mixed: [PromptSegment] = [.template("a"), .literal("@"), .template("@")]
        #expect(try tokenizer.encode(segments: mixed).filter { $0 == id } == [id])
    }

    @Test("A control token that the file does not flag as special is one all the same")
    func unflaggedTokens() throws {
        for content in ["<|User|>", "<｜User｜>"] {
            let added: JSON = [["content": .string(content), "special": false]]
            let tokenizer = try Golden.tokenizer("qwen2", [("added_tokens", added)])
            let id = try #require(tokenizer.tokenID(of: content))
            #expect(try tokenizer.encode(segments: [.template(content)]) == [id])
            #expect(try !tokenizer.encode(segments: [.literal(content)]).contains(id))
            #expect(try !tokenizer.encode(content, parsesSpecialTokens: false).contains(id))
        }
    }

    @Test("A literal before the template's control token does not swallow it")
    func swallowedTokens() throws {
        let added: JSON = [
            ["content": "<a><b>", "special": true], ["content": "<b>", "special": true],
        ]
        let tokenizer = try Golden.tokenizer("qwen2", [("added_tokens", added)])
        let ids = try tokenizer.encode(segments: [.literal("<a>"), .template("<b>")])
        #expect(ids.last == tokenizer.tokenID(of: "<b>"))
    }

    @Test("Added tokens that control nothing are found in literal text")
    func harmlessTokens() throws {
        let tokenizer = try Golden.tokenizer("flags")
        let hero = try #require(tokenizer.tokenID(of: "hero"))
        #expect(try tokenizer.encode(segments: [.literal("the hero")]).contains(hero))
    }

    @Test("A literal's combining mark leaves the template's text alone")
    func combiningMarks() throws {
        let tokenizer = try Golden.tokenizer("qwen2")
        let ids = try tokenizer.encode(segments: [.template("e"), .literal("\u{301}")])
        let text = try tokenizer.decode(ids, skipSpecialTokens: true)
        #expect(Array(text.utf8) == Array("e\u{301}".utf8))
    }

    @Test(
        "Innocent text gives the tokens of the joint text, however it is cut",
        arguments: Golden.names)
    func cuts(_ name: String) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var chance = SeededGenerator(seed: seed)
        let tokenizer = try Golden.tokenizer(name)
        for text in try Golden.texts(name) where !text.contains("|") && !text.contains("[") {
            let scalars = Array(text.unicodeScalars)
            var segments: [PromptSegment] = []
            var start = 0
            while start < scalars.count {
                var end = Int.random(in: start + 1...scalars.count, using: &chance)
                while end < scalars.count, joins(scalars[end]) { end += 1 }
                let part = String(String.UnicodeScalarView(scalars[start..<end]))
                segments.append(
                    Bool.random(using: &chance) ? .template(part) : .literal(part))
                start = end
            }
            let expected = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(
                try tokenizer.encode(segments: segments) == expected, "seed \(seed): \(segments)")
        }
    }

    /// Whether normalization may change a character's neighbour before it.
    private func joins(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.canonicalCombiningClass != .notReordered
            || (0x1160...0x11FF).contains(scalar.value) || scalar.properties.isGraphemeExtend
    }
}
