import Glibc
import TernCPU
import TernTensor
import Testing

@Suite("CPU ops of mixtures of experts")
struct ExpertTests {
    /// The experts and shares that a backend gives rows of logits.
    private func routes(
        _ backend: any Backend, _ logits: Tensor, perToken: Int, _ rule: RouterRule
    ) throws -> (experts: [Int32], weights: Tensor) {
        let experts = try Tensor(zeros: [logits.shape[0], perToken], dtype: .int32)
        let weights = try Tensor(zeros: [logits.shape[0], perToken])
        backend.route(logits, rule, into: experts, weights: weights)
        return (experts.withElements(of: Int32.self) { Array($0) }, weights)
    }

    @Test(
        "Routes are the reference's, shares within 8 units of 2^-24, and kernel sets agree",
        arguments: [true, false])
    func routesMatch(renormalizes: Bool) throws {
        let rule = RouterRule(renormalizes: renormalizes)
        for (experts, perToken) in [(1, 1), (4, 2), (5, 5), (16, 3), (37, 8), (128, 8)] {
            let logits = try random([20, experts], seed: UInt64(experts))
            logits.withElements(of: Float.self) { for index in $0.indices { $0[index] *= 4 } }
            let expected = try routes(
                ReferenceBackend(), logits, perToken: perToken, rule)
            var sets: Set<Bits> = []
            for backend in try everyBackend() {
                let found = try routes(backend, logits, perToken: perToken, rule)
                #expect(found.experts == expected.experts, "\(perToken) of \(experts)")
                sets.insert(bits(found.weights))
                let pairs = zip(values(found.weights), values(expected.weights))
                #expect(pairs.allSatisfy { abs($0 - $1) <= 8 * 0x1p-24 * $1 })
            }
            #expect(sets.count == 1)
        }
    }

    /// Rules of every kind for so many experts, in groups of `size`.
    private func rules(_ experts: Int, size: Int, chosen: Int) throws -> [RouterRule] {
        let correction = try random([experts], seed: 40)
        return [RouterRule.GroupScore.best, .sumOfTwoBest].flatMap { score in
            let groups = RouterRule.Groups(count: experts / size, chosen: chosen, score: score)
            return [
                RouterRule(groups: groups, renormalizes: false, factor: 16),
                RouterRule(
                    scoring: .sigmoid, correction: correction, groups: groups, renormalizes: true,
                    factor: 2.5),
                RouterRule(scoring: .sigmoid, groups: groups, renormalizes: true),
                RouterRule(scoring: .sigmoid, correction: correction, renormalizes: false),
            ]
        }
    }

    @Test("Groups, corrections and sigmoids are the reference's, and kernel sets agree")
    func rulesMatch() throws {
        for (experts, size, chosen, perToken) in [(12, 3, 2, 4), (16, 8, 1, 8), (256, 32, 4, 8)] {
            let logits = try random([15, experts], seed: UInt64(experts))
            for (index, rule) in try rules(experts, size: size, chosen: chosen).enumerated() {
                let expected = try routes(ReferenceBackend(), logits, perToken: perToken, rule)
                var sets: Set<Bits> = []
                for backend in try everyBackend() {
                    let found = try routes(backend, logits, perToken: perToken, rule)
                    #expect(found.experts == expected.experts, "rule \(index) of \(experts)")
                    sets.insert(bits(found.weights))
                    let pairs = zip(values(found.weights), values(expected.weights))
                    #expect(pairs.allSatisfy { abs($0 - $1) <= 8 * 0x1p-24 * $1 })
                }
                #expect(sets.count == 1)
            }
        }
    }

    @Test("Routes are those of DeepseekV2TopkRouter and DeepseekV3TopkRouter of transformers")
    func deepseek() throws {
        let logits = try tensor([0.5, -1.25, 2, 0.75, -0.5, 1.5, 1.75, -2, 0.25, 1, -0.75, 3])
        let correction = try tensor(
            [0, 0.5, -0.25, 0.1, 0.6, -0.1, -0.3, 0.7, 0.3, -0.4, 0.2, -0.6]
        ).reshaped([12])
        func third(renormalizes: Bool) -> RouterRule {
            RouterRule(
                scoring: .sigmoid, correction: correction,
                groups: RouterRule.Groups(count: 4, chosen: 2, score: .sumOfTwoBest),
                renormalizes: renormalizes, factor: 2.5)
        }
        let second = RouterRule(
            groups: RouterRule.Groups(count: 4, chosen: 2, score: .best), renormalizes: false,
            factor: 2.5)
        let expected: [(RouterRule, [Int32], [Float])] = [
            (
                third(renormalizes: true), [3, 4, 7, 8],
                [0.9768988, 0.5430368, 0.1714559, 0.8086084]
            ),
            (
                third(renormalizes: false), [3, 4, 7, 8],
                [1.6979468, 0.9438517, 0.2980073, 1.4054413]
            ),
            (second, [0, 2, 9, 11], [0.08773592, 0.39320514, 0.14465208, 1.0688423]),
        ]
        for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
            for (rule, experts, weights) in expected {
                let found = try routes(backend, logits, perToken: 4, rule)
                #expect(found.experts == experts)
                let pairs = zip(values(found.weights), weights)
                #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-6 * $1 }, "\(values(found.weights))")
            }
        }
    }

    @Test("Of equal groups the first are chosen, and scores of zero have no sum of zero")
    func groupTies() throws {
        let rule = RouterRule(
            scoring: .sigmoid, groups: RouterRule.Groups(count: 3, chosen: 2, score: .best),
            renormalizes: true)
        for backend in try everyBackend() {
            let found = try routes(
                backend, try tensor([1, 1, 0, 1, 1, 1]), perToken: 3, rule)
            #expect(found.experts == [0, 1, 3])
            let lowest = try routes(
                backend, try tensor(Array(repeating: -.infinity, count: 6)), perToken: 3, rule)
            #expect(values(lowest.weights).allSatisfy { $0.isFinite })
            // Three scores of e^-46 beside the least sum, which is nearly one of them.
            let low = try routes(
                backend, try tensor(Array(repeating: -46, count: 6)), perToken: 3, rule)
            let score = exp(-46.0)
            let share = Float(score / (3 * score + 1e-20))
            #expect(values(low.weights).allSatisfy { abs($0 - share) < 1e-5 }, "not \(share)")
        }
    }

    /// One row of values.
    private func tensor(_ values: [Float]) throws -> Tensor {
        let tensor = try Tensor(zeros: [1, values.count])
        tensor.withElements(of: Float.self) { elements in
            for (index, value) in values.enumerated() { elements[index] = value }
        }
        return tensor
    }

    @Test("Of equal logits the first are chosen, and a row's entries ascend")
    func ties() throws {
        let logits = try Tensor(zeros: [3, 6])
        logits.withElements(of: Float.self) { elements in
            let rows: [Float] = [7, 7, 7, 7, 7, 7, 0, 9, 1, 9, 1, 1, .nan, 0, .nan, 1, 2, .nan]
            for (index, value) in rows.enumerated() { elements[index] = value }
        }
        for backend in try everyBackend() {
            let found = try routes(backend, logits, perToken: 3, RouterRule(renormalizes: true))
            #expect(Array(found.experts.prefix(6)) == [0, 1, 2, 1, 2, 3])
            let damaged = found.experts.suffix(3)
            #expect(Set(damaged).count == 3 && damaged.allSatisfy { (0..<6).contains($0) })
            #expect(values(found.weights).prefix(3).allSatisfy { abs($0 - 1 / 3) < 1e-6 })
        }
    }

    @Test("Sums of experts equal the reference bit for bit, whatever is absent")
    func combinesMatch() throws {
        for (width, perToken) in [(1, 1), (16, 2), (100, 4), (257, 8)] {
            let rows = try random([50, width], seed: 1)
            let weights = try random([9, perToken], seed: 2)
            let numbers = SeededNormal(seed: 3, deviation: 40)
            let entries = (0..<9 * perToken).map { abs(Int(numbers[$0])) }
            let slots = try indices(entries.map { $0 % 53 - 3 }).reshaped([9, perToken])
            let parts = try indices(entries.map { $0 / 2 % 16 }).reshaped([9, perToken])
            let expected = try Tensor(zeros: [9, width])
            ReferenceBackend().combine(
                rows, slots: slots, weights: weights, parts: parts, into: expected)
            for backend in try everyBackend() {
                let found = try random([9, width], seed: 4)
                backend.combine(rows, slots: slots, weights: weights, parts: parts, into: found)
                #expect(bits(found) == bits(expected), "\(perToken) rows of \(width)")
            }
        }
    }

    @Test("Ranks that hold some of the parts give the same bits when their sums are added")
    func splitOverRanks() throws {
        let rows = try random([48, 40], seed: 5)
        let weights = try random([6, 8], seed: 6)
        let slots = (0..<48).map { $0 }
        let parts = try indices((0..<48).map { $0 % 8 }).reshaped([6, 8])
        let backend = try backend(KernelSet.best.name, threads: 1)
        func sum(_ owned: Range<Int>) throws -> Tensor {
            let output = try Tensor(zeros: [6, 40])
            let own = slots.map { owned.contains($0 % 8) ? $0 : -1 }
            backend.combine(
                rows, slots: try indices(own).reshaped([6, 8]), weights: weights, parts: parts,
                into: output)
            return output
        }
        let whole = try sum(0..<8)
        let halves = try sum(0..<4)
        backend.add(try sum(4..<8), to: halves)
        #expect(bits(halves) == bits(whole))
    }
}
