// What a start of ranks settled: sizes, types, and when they shift. It crosses from a child process in a
// frame; a restart is held to it, so that the scheduler's blocks and the measured threshold stay.

import TernPlanning
import TernTensor

/// What ranks that are ready are like.
public struct RankSummary: Sendable, Equatable {
    /// How memory was settled.
    public let memory: MemoryPlan
    /// Type of the weights.
    public let dtype: DType
    /// Type of the cache.
    public let cacheType: DType
    /// Number of parameters.
    public let parameters: Int
    /// How the threshold of the shift was measured, where it was.
    public let shiftFit: ShiftFit?

    /// Checks that ranks which were started again can go on where these were.
    ///
    /// Throws: what differs.
    func checkSucceeds(_ first: RankSummary) throws(EngineError) {
        let same =
            memory.blockCount == first.memory.blockCount
            && memory.blockSize == first.memory.blockSize
            && memory.maxModelLength == first.memory.maxModelLength && dtype == first.dtype
            && cacheType == first.cacheType
            && parameters == first.parameters
        guard same else {
            throw EngineError(
                .failed,
                "restart of the ranks: found \(memory.blockCount) blocks, \(parameters) parameters in "
                    + "\(dtype); expected \(first.memory.blockCount), \(first.parameters) in "
                    + "\(first.dtype): the model's files must not change while it is served")
        }
    }
}

extension RankSummary: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(memory)
        writer.write(dtype.rawValue)
        writer.write(cacheType.rawValue)
        writer.write(parameters)
        writer.write(optional: shiftFit)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        memory = try reader.value()
        func type() throws(FrameError) -> DType {
            let name: String = try reader.value()
            guard let dtype = DType(rawValue: name) else {
                throw FrameError("frame: \(name) is no type of weights or of a cache")
            }
            return dtype
        }
        dtype = try type()
        cacheType = try type()
        parameters = try reader.value()
        shiftFit = try reader.optional()
    }
}

extension MemoryPlan: FrameField {
    func write(to writer: inout FrameWriter) {
        for number in [
            weightBytes, bufferBytes, cacheBytes, blockCount, blockSize, maxModelLength,
        ] { writer.write(number) }
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            weightBytes: try reader.value(), bufferBytes: try reader.value(),
            cacheBytes: try reader.value(), blockCount: try reader.value(),
            blockSize: try reader.value(), maxModelLength: try reader.value())
        guard blockCount >= 1, blockSize >= 1, maxModelLength >= 1 else {
            throw FrameError("frame: \(blockCount) blocks of \(blockSize) tokens")
        }
    }
}

extension ShiftFit: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(rungs)
        writer.write(duration / .seconds(1))
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        let rungs: [ShiftRung] = try reader.values()
        let seconds: Double = try reader.value()
        let ascends = zip(rungs, rungs.dropFirst()).allSatisfy { $0.tokens < $1.tokens }
        guard ascends, seconds >= 0, seconds < 1e6 else {
            throw FrameError("frame: rungs \(rungs.map(\.tokens)) in \(seconds) s")
        }
        self.init(rungs, measuredIn: .seconds(seconds))
    }
}

extension ShiftRung: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(tokens)
        for time in [tensor, sequence] {
            writer.write(time.median)
            writer.write(time.deviation)
        }
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        func seconds() throws(FrameError) -> [Double] {
            let (median, deviation): (Double, Double) = (try reader.value(), try reader.value())
            // Three times of just this median and deviation.
            return [median - deviation, median, median + deviation]
        }
        self.init(
            tokens: try reader.value(), tensor: try seconds(), sequence: try seconds())
    }
}
