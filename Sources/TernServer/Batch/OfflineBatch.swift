// A batch of requests from a file to a file, without HTTP: what the endpoints make of a request, for
// every line. Answers are written in the order in which they are complete. A run that was killed is
// gone on with by running it again: each request is answered once.
//
// Thread: the caller's reads, tokenizes and writes; the engine's threads tell it over a queue.

import Glibc
import TernEngine
import TernJSON

/// How far a batch is.
public struct BatchProgress: Sendable, Equatable {
    /// Requests of the input.
    public let requests: Int
    /// Those that earlier runs have answered.
    public let resumed: Int
    /// Those that this run has answered.
    public var answered = 0
    /// Those among them whose answer is an error.
    public var refused = 0

    /// The share of the requests that are answered, from 0 to 1.
    public var share: Double {
        requests == 0 ? 1 : Double(resumed + answered) / Double(requests)
    }
}

/// A batch between its two files.
public final class OfflineBatch {
    /// How far it is.
    public private(set) var progress: BatchProgress

    private let input: BatchInput
    private let output: BatchOutput

    /// Choices that the engine works on at one time: enough to fill its steps, and few enough that
    /// the memory of a batch does not grow with its file.
    private static let mostOpenChoices = 512

    /// Opens both files, before a model is loaded; takes over what an earlier run has answered.
    ///
    /// Throws: `BatchError` with file and line where they are no batch.
    public init(input: String, output: String) throws(BatchError) {
        self.input = try BatchInput(path: input)
        self.output = try BatchOutput(path: output, of: self.input)
        progress = BatchProgress(
            requests: self.input.lines.count, resumed: self.output.answered.count)
    }

    /// Answers every request that has no answer yet; what is wrong with one is its answer.
    ///
    /// - modelNames: the names by which requests may call the model.
    /// - report: hears how far it is, after each answer or round of them.
    ///
    /// Throws: `BatchError` where the engine or a file fails. Requests without an answer have none
    /// then, and the next run goes on with them.
    public func run(
        on engine: Engine, modelNames: [String], report: (BatchProgress) -> Void = { _ in }
    ) throws(BatchError) {
        try run(generator: engine, modelNames: modelNames, report: report)
    }

    func run(
        generator: any Generator, modelNames: [String],
        report: (BatchProgress) -> Void = { _ in }
    ) throws(BatchError) {
        var open = try OpenBatch(ServedModel(generator, names: modelNames))
        defer { open.cancelAll() }
        var isAtEnd = false
        while true {
            while !isAtEnd && open.choices < Self.mostOpenChoices {
                guard let request = try input.next() else {
                    isAtEnd = true
                    break
                }
                guard !output.answered.contains(request.name) else { continue }
                if let refusal = try open.start(request) { try write([refusal], report) }
            }
            guard !open.isEmpty else { break }
            let answers = try open.wait()
            guard !answers.isEmpty else { continue }
            try write(answers, report)
            try output.sync()
        }
        try output.sync()
    }

    private func write(
        _ answers: [BatchAnswer], _ report: (BatchProgress) -> Void
    ) throws(BatchError) {
        for answer in answers {
            try output.append(answer)
            progress.answered += 1
            if case .failure = answer.result { progress.refused += 1 }
        }
        report(progress)
    }
}
