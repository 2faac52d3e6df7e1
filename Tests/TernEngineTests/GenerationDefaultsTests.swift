import TernModel
import TernPlanning
import TernTesting
import Testing

@testable import TernEngine

@Suite("Generation defaults")
struct GenerationDefaultsTests {
    private func defaults(_ text: String?) throws -> GenerationDefaults {
        let folder = try TemporaryFolder()
        if let text { try folder.write("generation_config.json", text.utf8) }
        let model = try ModelConfiguration(folder: Fixture.telemachus)
        let file = try ModelFiles(folder.path).generationConfiguration()
        return try GenerationDefaults(file, model: model)
    }

    @Test("A list of end tokens and the authors' sampling are taken over")
    func values() throws {
        let found = try defaults(
            #"{"eos_token_id": [7, 9], "do_sample": true, "temperature": 0.5, "top_p": 0.25, "#
                + #""top_k": 20, "repetition_penalty": 1.1}"#)
        #expect(found.endOfSequence == [7, 9])
        #expect(found.sampling.samples == true)
        #expect(found.sampling.temperature == 0.5)
        #expect(found.sampling.topP == 0.25 && found.sampling.topK == 20)
        #expect(found.sampling.minP == nil)
        #expect(found.sampling.repetitionPenalty == 1.1 && found.notes.isEmpty)
    }

    @Test("One end token is a list of one, and config.json's stands where none is named")
    func endTokens() throws {
        #expect(try defaults(#"{"eos_token_id": 5}"#).endOfSequence == [5])
        #expect(try defaults("{}").endOfSequence == [4091])
        #expect(try defaults(nil).endOfSequence == [4091])
    }

    @Test("End tokens beyond the vocabulary are left out, which is said")
    func unknownEndTokens() throws {
        let found = try defaults(#"{"eos_token_id": [9, 4096, -1]}"#)
        #expect(found.endOfSequence == [9])
        #expect(found.notes.count == 1)
    }

    @Test("A file that is no JSON object or has values out of range is refused")
    func refusals() {
        for text in [
            "{", "[]", #"{"eos_token_id": ["x"]}"#, #"{"top_p": 0}"#, #"{"temperature": "1"}"#,
            #"{"do_sample": 1}"#, #"{"top_k": -2}"#, #"{"repetition_penalty": 0}"#,
        ] {
            #expect("\(text)") {
                try defaults(text)
            } throws: { "\($0)".hasPrefix("generation_config.json: ") }
        }
    }
}
