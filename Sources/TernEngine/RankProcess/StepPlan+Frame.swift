// Station 5 where ranks live in a process of their own: the fields of a plan, in order. A field that is
// added to a plan is added here; the tests count the stored properties of each type.

import TernPlanning

extension StepPlan: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(integer: number)
        writer.write(integer: UInt8(mode == .sequence ? 1 : 0))
        writer.write(spans)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        let number: UInt64 = try reader.integer()
        let isSequence: Bool = try reader.value()
        self.init(
            number: number, mode: isSequence ? .sequence : .tensor, spans: try reader.values())
    }
}

extension SequenceSpan: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(sequence)
        writer.write(ids: tokens)
        writer.write(firstPosition)
        writer.write(ids: blockTable)
        writer.write(optional: sampling)
        writer.write(optional: scoring)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            sequence: try reader.value(), tokens: try reader.ids(),
            firstPosition: try reader.value(), blockTable: try reader.ids(),
            sampling: try reader.optional(), scoring: try reader.optional())
    }
}

extension SamplingStep: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(parameters)
        writer.write(choice)
        writer.write(position)
        writer.write(forbidsStop)
        writer.write(optional: history)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            parameters: try reader.value(), choice: try reader.value(),
            position: try reader.value(), forbidsStop: try reader.value(),
            history: try reader.optional())
    }
}

extension TokenHistory: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(ids: prompt)
        writer.write(ids: generated)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(prompt: try reader.ids(), generated: try reader.ids())
    }
}

extension ScoringStep: FrameField {
    func write(to writer: inout FrameWriter) {
        writer.write(firstRow)
        writer.write(ids: targets)
        writer.write(top)
    }

    init(from reader: inout FrameReader) throws(FrameError) {
        self.init(
            firstRow: try reader.value(), targets: try reader.ids(), top: try reader.value())
    }
}
