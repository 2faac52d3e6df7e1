import TernCPU
import TernParallel
import TernPlanning
import TernTensor
import TernTesting
import Testing

@testable import TernModel

@Suite("Steps that are taken in turns", .timeLimit(.minutes(1)))
struct TurnTests {
    /// In the widest part a row's hidden values, the same normed, and 192 gates and ups.
    private static let rowBytes = (48 + 48 + 192) * MemoryLayout<Float>.size

    @Test(
        "Each family's bits are those of rows taken at once, in the prompt and behind it",
        arguments: TemporaryFolder.names(in: Fixture.families))
    func families(family: String) throws {
        let prompt = (0..<41).map { ($0 * 37 + 5) % 100 }
        let found = try [256, 41, 16, 7, 1].map { rowsAtOnce in
            let runner = try ModelRunner(
                folder: Fixture.families + "/" + family, dtype: .bfloat16,
                backend: CPUBackend(pins: false), rowsAtOnce: rowsAtOnce)
            let first = runner.logits(Array(prompt[..<30]), at: 0)
            let next = runner.logits(Array(prompt[30...]), at: 30)
            return (first + next + runner.logits([3], at: 41)).map(\.bitPattern)
        }
        for bits in found { #expect(bits == found[0]) }
    }

    @Test("So are they where ranks split the weights, wherever the rows that ask for logits lie")
    func ranks() throws {
        let sampled = [5, 6, 33, 63]
        let model = TinyModel()
        let alone = try ModelRanks(model, Topology())
            .trace(.tensor, tokens: [64], sampled: [sampled])
        for topology in [
            Topology(), Topology(tensor: 2), Topology(sequence: 2),
            Topology(sequence: 2, tensor: 2),
        ] {
            for mode in ParallelMode.allCases {
                let found = try ModelRanks(model, topology, rowsAtOnce: 7)
                    .trace(mode, tokens: [64], sampled: [sampled])
                let isSame = found.map(\.logits).reduce([], +) == alone[0].logits
                #expect(isSame, "\(topology), \(mode)")
            }
        }
    }

    @Test("Ranks that hold the same tokens take as many turns, and move the same bytes")
    func collectives() throws {
        // 64 rows by at most 7 are ten turns; of the last layer, one row alone is walked to the end.
        let topology = Topology(tensor: 2)
        let (whole, turns) = try (
            ModelRanks(TinyModel(), topology).trace(.tensor, tokens: [64], sampled: [[63]]),
            ModelRanks(TinyModel(), topology, rowsAtOnce: 7)
                .trace(.tensor, tokens: [64], sampled: [[63]])
        )
        #expect(whole.map { $0.calls[.allReduce] } == [4, 4])
        #expect(turns.map { $0.calls[.allReduce] } == [22, 22])
        #expect(turns.map(\.bytes) == whole.map(\.bytes))
    }

    @Test("A step reads nothing that it has not written: memory of NaN before it shows nowhere")
    func poison() throws {
        for experts in [0, 8] {
            for topology in [
                Topology(), Topology(tensor: 2), Topology(sequence: 2, tensor: 2),
                Topology(pipeline: 2, tensor: 2),
            ] {
                let ranks = try ModelRanks(
                    TinyModel(experts: experts), topology, rowsAtOnce: 7)
                for mode in ParallelMode.allCases {
                    let found = try ranks.onEveryRank { rank in
                        try [UInt8(0), 0xFF].map { byte in
                            let memory = rank.buffers.memory
                            memory.base.initializeMemory(
                                as: UInt8.self, repeating: byte, count: memory.bytes)
                            return try rank.trace(mode, tokens: 64, sampled: [1, 40, 63]).logits
                        }
                    }
                    for logits in found { #expect(logits[0] == logits[1], "\(topology), \(mode)") }
                }
            }
        }
    }

    @Test("Spans are cut where turns begin, their positions counted on")
    func spans() throws {
        let spans = try Tensor(zeros: [4, 4], dtype: .int32)
        let rows: [[Int32]] = [[0, 3, 10, 0], [3, 0, 5, 1], [3, 9, 0, 2], [12, 1, 7, 9]]
        spans.withElements(of: Int32.self) { elements in
            for (index, number) in rows.joined().enumerated() { elements[index] = number }
        }
        let written = try Tensor(zeros: [8, 4], dtype: .int32)
        let batch = AttentionBatch(spans: spans, blocks: try Tensor(zeros: [10], dtype: .int32))
        let ranges = batch.cut(into: RowTurns(13, atMost: 4), writing: written)
        // Turns of 3, 3, 3 and 4 rows.
        #expect(ranges == [0..<1, 1..<2, 2..<3, 3..<5])
        let numbers = written.withElements(of: Int32.self) { Array($0.prefix(20)) }
        #expect(
            numbers == [
                0, 3, 10, 0, 0, 3, 0, 2, 0, 3, 3, 2, 0, 3, 6, 2, 3, 1, 7, 9,
            ])
    }

    @Test("Values take the room of rows that go through the layers together, whatever follows")
    func bytes() throws {
        let less = try bytes(2048, rowsAtOnce: 64)
        #expect(try bytes(1024, rowsAtOnce: 64) == less)
        #expect(try bytes(2048, rowsAtOnce: 128) - less == 64 * Self.rowBytes)
    }

    @Test("Beside weights of 8 or 4 bits, made at load or saved, values take room of half the rows")
    func quantized() throws {
        func bytes(_ weights: WeightQuantization) throws -> Int {
            try self.bytes(2048, rowsAtOnce: StepLimits.usualRowsAtOnce(weights))
        }
        let whole = try bytes(WeightQuantization(head: .int8))
        for weights in [
            WeightQuantization(layers: .int8), WeightQuantization(layers: .int4(group: 128)),
            WeightQuantization(saved: .channelInt8),
        ] {
            #expect(try whole - bytes(weights) == 128 * Self.rowBytes)
        }
    }

    /// Bytes of the values of a step of so many tokens.
    private func bytes(_ tokens: Int, rowsAtOnce: Int) throws -> Int {
        let model = try TinyModel().configuration
        let layout = try RankLayout(0, in: Topology(), model)
        let limits = StepLimits(
            tokens: tokens, sequences: 1, positions: 64, blocksPerSequence: 4,
            rowsAtOnce: rowsAtOnce)
        return ActivationSizes(model, layout: layout, view: layout[.tensor], limits: limits).bytes
    }

    @Test("Stages of a pipeline hand on each turn as soon as it is through")
    func stages() throws {
        let alone = try ModelRanks(TinyModel(), Topology())
            .trace(.tensor, tokens: [64], sampled: [[5, 63]])
        for topology in [Topology(pipeline: 2, tensor: 2), Topology(pipeline: 2, sequence: 2)] {
            for mode in ParallelMode.allCases {
                let found = try ModelRanks(TinyModel(), topology, rowsAtOnce: 7)
                    .trace(mode, tokens: [64], sampled: [[5, 63]])
                #expect(found.map(\.logits).reduce([], +) == alone[0].logits)
                // Ten turns where ranks hold the same tokens; ranks that split them take one.
                let turns = mode == .sequence && topology.sequenceParallelSize > 1 ? 1 : 10
                #expect(
                    found.map { $0.calls[.sendReceive] } == Array(repeating: turns, count: 4),
                    "\(topology), \(mode)")
            }
        }
    }
}
