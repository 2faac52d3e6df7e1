// Texts made by chance under masks: each one parses and satisfies its schema, whatever the schema.

import TernJSON
import Testing

@testable import TernText

@Suite("Grammar masks")
struct GrammarMaskTests {
    /// Bytes, and tokens that cross the borders of what a grammar tells apart.
    private static func smallVocabulary() throws -> GrammarVocabulary {
        var tokens = (UInt8.min...UInt8.max).map { [$0] }
        tokens += [
            "{\"", "\":", "\": ", "\",\"", "},{", "true", "null", "12", "-1", "0.", "]}", "\"}",
            "é\"",
            "[[", "[]", "{}", "ab", "a\"", "\\u0", "2024-", ", ", "\"a\":", "\"value\":", "\"",
        ].map { Array($0.utf8) }
        tokens += [[0xC3], [0xF0, 0x9F], [0x98, 0x80], [0xA9, 0x22], []]
        return try GrammarVocabulary(tokens, size: tokens.count + 3)
    }

    /// The grammar of a schema, by way of its text; nil where no value satisfies it.
    private static func grammar(_ schema: JSON) throws -> Grammar? {
        let form = GrammarForm.schema(schema)
        do {
            return try Grammar(text: Array(form.json.text().utf8))
        } catch {
            guard error.reason.contains("bounds") || error.reason.contains("finite") else {
                throw error
            }
            return nil
        }
    }

    private static func allowed(_ mask: [UInt64]) -> [Int32] {
        (0..<Int32(mask.count * 64)).filter { mask[Int($0) / 64] >> UInt64($0 % 64) & 1 == 1 }
    }

    /// A text made of allowed tokens by chance; after some bytes, of those that end it soonest.
    private static func walk(
        _ machine: GrammarMachine, _ vocabulary: GrammarVocabulary, _ random: inout GrammarRandom
    ) throws -> [UInt8] {
        var text: [UInt8] = []
        var state = machine.start
        while true {
            let isLate = text.count > 60
            if machine.mayEnd(state) && (isLate || random.below(4) == 0) { return text }
            let tokens = allowed(machine.mask(state, vocabulary))
            guard !tokens.isEmpty else {
                try #require(
                    machine.mayEnd(state), "stuck after \(String(decoding: text, as: UTF8.self))")
                return text
            }
            let closing = tokens.filter { "\"}]nl".utf8.contains(vocabulary.bytes[Int($0)][0]) }
            let token = random.pick(
                isLate && random.below(8) > 0 && !closing.isEmpty ? closing : tokens)
            text += vocabulary.bytes[Int(token)]
            state = machine.advance(state, token: token, vocabulary)
            try #require(state != .dead)
            try #require(text.count < 20_000, "a walk that does not end")
        }
    }

    @Test("Every text made under the masks of a random schema satisfies it")
    func soundness() throws {
        let vocabulary = try Self.smallVocabulary()
        for seed in Array(1...60) + [UInt64.random(in: 0...UInt64.max)] {
            var random = GrammarRandom(seed: seed)
            let schema = random.document()
            guard let grammar = try Self.grammar(schema) else { continue }
            let machine = GrammarMachine(grammar)
            for _ in 0..<4 {
                let text = try Self.walk(machine, vocabulary, &random)
                let shown = String(decoding: text, as: UTF8.self)
                let value = try JSON(parsing: text)
                #expect(
                    SchemaValidator(root: schema).admits(value, schema),
                    "seed \(seed): \(shown) under \(schema.text())")
            }
        }
    }

    @Test("A mask holds exactly the tokens whose bytes the grammar lets pass")
    func exactness() throws {
        let vocabulary = try Self.smallVocabulary()
        for seed in Array(1...8) + [UInt64.random(in: 0...UInt64.max)] {
            var random = GrammarRandom(seed: seed)
            let schema = random.document()
            guard let grammar = try Self.grammar(schema) else { continue }
            let (machine, other) = (GrammarMachine(grammar), GrammarMachine(grammar))
            var (state, text) = (machine.start, [UInt8]())
            for _ in 0..<30 {
                let tokens = Self.allowed(machine.mask(state, vocabulary))
                let expected = vocabulary.bytes.indices.filter { id in
                    let bytes = vocabulary.bytes[id]
                    return !bytes.isEmpty && other.advance(other.start, text + bytes) != .dead
                }
                #expect(tokens == expected.map { Int32($0) }, "seed \(seed) after \(text)")
                guard !tokens.isEmpty else { break }
                let token = random.pick(tokens)
                text += vocabulary.bytes[Int(token)]
                state = machine.advance(state, token: token, vocabulary)
            }
        }
    }

    @Test("Forgetting changes no mask")
    func forgetting() throws {
        var limits = GrammarLimits()
        limits.states = 4
        let small = GrammarMachine(try Grammar(.object, limits: limits))
        let usual = GrammarMachine(try Grammar(.object))
        let vocabulary = try Self.smallVocabulary()
        let text = Array(#"{"a": [1, {"é": "x\n"}], "b": null}"#.utf8)
        let before = small.generation
        for count in 0...text.count {
            small.trim()
            let states = [small, usual].map { $0.advance($0.start, Array(text[..<count])) }
            #expect(small.mask(states[0], vocabulary) == usual.mask(states[1], vocabulary))
            #expect(small.mayEnd(states[0]) == usual.mayEnd(states[1]))
        }
        #expect(small.generation > before + 5)
    }

    @Test("A control token passes only where the grammar names it")
    func marks() throws {
        var tokens = (UInt8.min...UInt8.max).map { [$0] }
        tokens.append([])
        let vocabulary = try GrammarVocabulary(
            tokens, size: 257, special: [(Array("[CALL]".utf8), 256)])
        let form = GrammarForm.sequence([.mark("[CALL]"), .schema(["const": 1])])
        let machine = GrammarMachine(try Grammar(form))
        #expect(Self.allowed(machine.mask(machine.start, vocabulary)) == [256])
        let next = machine.advance(machine.start, token: 256, vocabulary)
        #expect(Self.allowed(machine.mask(next, vocabulary)) == [0x20, 0x31])
        #expect(machine.advance(next, token: 256, vocabulary) == .dead)
    }

    @Test("A vocabulary that cannot spell every text, or cuts characters for good, is told so")
    func poorVocabularies() throws {
        let ascii = (UInt8(0x20)...0x7E).map { [$0] }
        #expect(throws: GrammarError.self) {
            try GrammarVocabulary(Array(ascii.dropLast()), size: 99)
        }
        let vocabulary = try GrammarVocabulary(ascii + [Array("é".utf8), [0xC3]], size: 99)
        #expect(vocabulary.bytes[95] == Array("é".utf8) && vocabulary.bytes[96].isEmpty)
    }
}
