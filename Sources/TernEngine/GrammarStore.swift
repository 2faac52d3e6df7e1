// Grammars that were compiled, by their sources, for the whole engine: who admits a request finds out
// whether its grammar can be kept, who samples takes it from here. A pure cache, for a grammar is made
// of its source alone; a process that has none of it makes its own.

import Synchronization
import TernPlanning
import TernText

/// Compiled grammars of one model.
///
/// Thread: any.
final class GrammarStore: Sendable {
    private struct State {
        var vocabulary: Result<GrammarVocabulary, GrammarError>?
        var grammars: [GrammarSource: Grammar] = [:]
    }

    /// Grammars kept before all are forgotten.
    private static let capacity = 256

    private let tokenizer: Tokenizer
    private let vocabularySize: Int
    private let state = Mutex(State())

    init(_ tokenizer: Tokenizer, vocabularySize: Int) {
        self.tokenizer = tokenizer
        self.vocabularySize = vocabularySize
    }

    /// The grammar of a source.
    ///
    /// Throws: `GrammarError` where it cannot be compiled.
    func grammar(_ source: GrammarSource) throws(GrammarError) -> Grammar {
        if let grammar = state.withLock({ $0.grammars[source] }) { return grammar }
        let grammar = try Grammar(text: source.text)
        state.withLock { state in
            if state.grammars.count >= Self.capacity { state.grammars = [:] }
            state.grammars[source] = grammar
        }
        return grammar
    }

    /// The model's tokens. Cost: sorts the vocabulary, once.
    ///
    /// Throws: `GrammarError` where they cannot spell every text.
    func vocabulary() throws(GrammarError) -> GrammarVocabulary {
        try state.withLock { state throws(GrammarError) in
            if let made = state.vocabulary { return try made.get() }
            let made = Result { () throws(GrammarError) in
                try GrammarVocabulary(tokenizer, size: vocabularySize)
            }
            state.vocabulary = made
            return try made.get()
        }
    }
}

extension Engine {
    /// The source of a form that texts are to have, compiled and so known to be kept.
    ///
    /// Throws: `GrammarError` where the form, the model's tokens or its lack of an end do not allow
    /// it.
    public func grammar(_ form: GrammarForm) throws(GrammarError) -> GrammarSource {
        let source = GrammarSource(text: Array(form.json.text().utf8))
        try check(source)
        return source
    }

    func check(_ source: GrammarSource) throws(GrammarError) {
        let grammar = try grammars.grammar(source)
        let vocabulary = try grammars.vocabulary()
        try grammar.check(vocabulary)
        guard !defaultParameters(maxTokens: 1).endOfSequenceIDs.isEmpty else {
            throw GrammarError(
                "vocabulary", "the model has no end-of-sequence token, with which a text could end")
        }
    }
}
