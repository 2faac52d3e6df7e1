// The way back of station 5 where ranks live in a process of their own: the fields of a result, and
// whether it answers a plan. A process that has lost its mind must not take the server with it.

import TernPlanning

extension StepResult: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(integer: number)
        writer.write(samples)
        writer.write(scores)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            number: try reader.integer(), samples: try reader.values(),
            scores: try reader.values())
    }

    /// Checks that it holds what a plan asks for, in its order, and only tokens that there are.
    ///
    /// Throws: what it lacks or has too much.
    func checkAnswers(_ plan: StepPlan, vocabularySize: Int) throws(FrameError) {
        guard number == plan.number else {
            throw FrameError("result of plan \(number), expected \(plan.number)")
        }
        let drawn = plan.spans.filter { $0.sampling != nil }.map(\.sequence)
        guard samples.map(\.sequence) == drawn else {
            throw FrameError("plan \(number): \(samples.count) samples, expected \(drawn.count)")
        }
        let scoring = plan.spans.filter { $0.scoring != nil }
        let isComplete = scores.elementsEqual(scoring) { scores, span in
            scores.sequence == span.sequence
                && scores.tokens.map(\.token) == span.scoring?.targets
        }
        guard isComplete else {
            throw FrameError("plan \(number): \(scores.count) scores, expected \(scoring.count)")
        }
        let tokens =
            samples.map(\.token) + samples.flatMap { $0.top.map(\.token) }
            + scores.flatMap { $0.tokens.flatMap { $0.top.map(\.token) } }
        for token in tokens where !(0..<vocabularySize).contains(Int(token.rawValue)) {
            throw FrameError("plan \(number): token \(token) of a vocabulary of \(vocabularySize)")
        }
    }
}

extension SampledToken: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(sequence)
        writer.write(token)
        writer.write(optional: logprob)
        writer.write(top)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            sequence: try reader.value(), token: try reader.value(),
            logprob: try reader.optional(), top: try reader.values())
    }
}

extension TokenLogprob: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(token)
        writer.write(logprob)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(token: try reader.value(), logprob: try reader.value())
    }
}

extension SequenceScores: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(sequence)
        writer.write(tokens)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(sequence: try reader.value(), tokens: try reader.values())
    }
}

extension ScoredToken: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(token)
        writer.write(logprob)
        writer.write(rank)
        writer.write(top)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            token: try reader.value(), logprob: try reader.value(), rank: try reader.value(),
            top: try reader.values())
    }
}
