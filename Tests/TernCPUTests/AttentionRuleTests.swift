import TernCPU
import TernTensor
import Testing

@Suite("CPU attention by rules")
struct AttentionRuleTests {
    /// Rules with windows, caps and sinks, each alone and together, for six query heads.
    private func rules() throws -> [AttentionRule] {
        let sinks = try random([6], seed: 30)
        var rules = [1, 2, 16, 17, 33, 1000].map { AttentionRule(scale: 0.2, window: $0) }
        rules.append(AttentionRule(scale: 0.2, softCap: 1.5))
        rules.append(AttentionRule(scale: 0.2, sinks: sinks))
        rules.append(AttentionRule(scale: 0.2, window: 21, softCap: 50, sinks: sinks))
        return rules
    }

    @Test(
        "Windows, caps and sinks stay within 2e-6 of the reference, rounded weights within that",
        arguments: CacheKind.all)
    func matchesReference(kind: CacheKind) throws {
        for (index, rule) in try rules().enumerated() {
            let scene = try AttentionScene(lengths: [70, 5, 33], dtype: kind.dtype, rule: rule)
            try scene.fill(ReferenceBackend())
            let ranges = [58..<70, 0..<5, 32..<33]
            let expected = try scene.attend(kind.reference, ranges).flatMap { $0 }
            for backend in try kind.everyBackend() {
                let difference = distance(
                    try scene.attend(backend, ranges).flatMap { $0 }, expected)
                #expect(difference <= kind.tolerance, "\(backend.kernels.name), rule \(index)")
            }
        }
    }

    @Test("Chunks of any size, single tokens and any instruction set give the same bits")
    func chunking() throws {
        for (index, rule) in try rules().enumerated() {
            for kind in CacheKind.some(index) {
                let scene = try AttentionScene(lengths: [75], dtype: kind.dtype, rule: rule)
                try scene.fill(ReferenceBackend())
                let whole = try scene.attend(kind.backend("portable", threads: 1), [0..<75])[0]
                for backend in try kind.everyBackend() {
                    for size in [75, 1, 5, 17] {
                        let chunks = try stride(from: 0, to: 75, by: size).flatMap {
                            try scene.attend(backend, [$0..<min($0 + size, 75)])[0]
                        }
                        #expect(
                            Bits(chunks) == whole,
                            "\(backend.kernels.name), rule \(index), \(kind), chunks of \(size)")
                    }
                }
            }
        }
    }

    @Test("A sequence's bits do not depend on the others of the step, nor on the workers")
    func batching() throws {
        let ranges = [60..<70, 0..<5, 32..<33, 7..<100]
        for rule in try rules().suffix(2) {
            let scene = try AttentionScene(
                lengths: [70, 5, 33, 100], dtype: .bfloat16, rule: rule)
            try scene.fill(ReferenceBackend())
            for kind in CacheKind.some(1) { try scene.expectApart(ranges, kind) }
        }
    }

    @Test(
        "What lies before a window is never seen, not even a NaN in the same tile",
        arguments: CacheKind.all)
    func beforeWindow(kind: CacheKind) throws {
        for window in [1, 2, 16, 21] {
            let rule = AttentionRule(scale: 0.2, window: window)
            let scene = try AttentionScene(lengths: [75], dtype: kind.dtype, rule: rule)
            try scene.fill(ReferenceBackend())
            let backends = try kind.everyBackend()
            let expected = try backends.map { try scene.attend($0, [60..<75]) }
            let forgotten = 60 - window + 1
            let nothing = try Tensor(zeros: [forgotten, 2, 24])
            nothing.withElements(of: Float.self) { $0.update(repeating: .nan) }
            ReferenceBackend().store(
                keys: nothing, values: nothing,
                slots: try indices((0..<forgotten).map { scene.slot(of: $0, in: 0) }),
                into: scene.cache)
            for (backend, expected) in zip(backends, expected) {
                #expect(try scene.attend(backend, [60..<75]) == expected, "window \(window)")
            }
        }
    }

    @Test("A window of one gives each token its own values, half of them beside an equal sink")
    func windowOfOne() throws {
        let sinks = try Tensor(zeros: [6])
        let plain = AttentionRule(scale: 0, window: 1)
        let halved = AttentionRule(scale: 0, window: 1, sinks: sinks)
        for (rule, share) in [(plain, Float(1)), (halved, 0.5)] {
            let scene = try AttentionScene(lengths: [40], dtype: .float32, rule: rule)
            try scene.fill(ReferenceBackend())
            let stored = values(try random([40, 2, 48], seed: 100))
            for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
                let found = try scene.attend(backend, [0..<40])[0].map(Float.init(bitPattern:))
                for index in found.indices {
                    let (row, head) = (index / 24 / 6, index / 24 % 6 / 3)
                    #expect(found[index] == share * stored[(row * 2 + head) * 48 + 24 + index % 24])
                }
            }
        }
    }

    @Test("A cap keeps scores within it: of two keys one has at most e^(2 cap) times the other's")
    func capped() throws {
        let scene = try AttentionScene(
            lengths: [2], dtype: .float32, heads: 1, group: 1, headDimension: 16,
            valueDimension: 1, rule: AttentionRule(scale: 1e6, softCap: 0.5))
        let keys = try random([2, 1, 16], seed: 31)
        let values = try Tensor(zeros: [2, 1, 1])
        values.withElements(of: Float.self) { $0[0] = 1 }
        let slots = try indices([scene.slot(of: 0, in: 0), scene.slot(of: 1, in: 0)])
        for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
            backend.store(keys: keys, values: values, slots: slots, into: scene.cache)
            let share = Float(bitPattern: try scene.attend(backend, [1..<2])[0][0])
            let bounds: [Float] = [0.26894142, 0.5, 0.73105858]
            #expect(bounds.contains { abs($0 - share) < 1e-6 }, "\(share)")
        }
    }
}

@Suite("CPU attention over values of their own dimension")
struct ValueDimensionTests {
    private static let dimensions = [(576, 512), (24, 40), (40, 24), (16, 1)]

    @Test("Keys and values of a latent lie in the cache as the reference lays them")
    func stores() throws {
        for (keyDimension, valueDimension) in Self.dimensions where valueDimension < keyDimension {
            for dtype in CacheKind.plain.map(\.dtype) {
                func filled(_ backend: any Backend) throws -> [UInt8] {
                    let scene = try scene(keyDimension, valueDimension, dtype)
                    // Values are the first dimensions of their keys.
                    let latent = try random([40, 1, keyDimension], seed: 32)
                    backend.store(
                        keys: latent, values: latent.last(0..<valueDimension),
                        slots: try indices((0..<40).map { scene.slot(of: $0, in: 0) }),
                        into: scene.cache)
                    let storage = scene.cache.storage
                    return Array(UnsafeRawBufferPointer(start: storage.base, count: storage.bytes))
                }
                let expected = try filled(ReferenceBackend())
                for backend in try everyBackend() { #expect(try filled(backend) == expected) }
            }
        }
    }

    @Test(
        "Attention stays within 4e-6 of the reference, its bits the same in chunks",
        arguments: CacheKind.all)
    func attends(kind: CacheKind) throws {
        for (keyDimension, valueDimension) in Self.dimensions {
            let scene = try scene(keyDimension, valueDimension, kind.dtype)
            try scene.fill(try backend(KernelSet.best.name, threads: 1))
            let expected = try scene.attend(kind.reference, [36..<40])[0]
            var sets: Set<Bits> = []
            for backend in try kind.everyBackend() {
                let found = try scene.attend(backend, [36..<40])[0]
                let difference = distance(found, expected)
                #expect(
                    difference <= max(4e-6, kind.tolerance), "\(keyDimension), \(valueDimension)")
                sets.insert(found)
                sets.insert(
                    Bits(try (36..<40).flatMap { try scene.attend(backend, [$0..<$0 + 1])[0] }))
            }
            #expect(sets.count == 1)
        }
    }

    private func scene(
        _ keyDimension: Int, _ valueDimension: Int, _ dtype: DType
    ) throws -> AttentionScene {
        try AttentionScene(
            lengths: [40], dtype: dtype, heads: 1, group: 3, headDimension: keyDimension,
            valueDimension: valueDimension, rule: AttentionRule(scale: 0.04))
    }
}
