import TernCPU
import TernTensor
import Testing

@Suite("CPU activations and caps")
struct ActivationTests {
    static let activations: [GatedActivation] = [
        .silu, .geluTanh, .clampedSwiGLU(limit: 7, alpha: 1.702),
    ]

    @Test(
        "Gates stay within units of the reference, and agree among kernel sets",
        arguments: activations)
    func gates(activation: GatedActivation) throws {
        // An exponent is at most 88 where the result is a normal number; what each rounding of it
        // leaves, in units of its own, is as many in the result.
        let roundings: Float =
            switch activation {
            case .silu: 0
            case .geluTanh: 3
            case .clampedSwiGLU: 1
            }
        let units = 4 + 88 * roundings
        for width in [5, 16, 100, 128] {
            let gateUp = try random([7, 2 * width], seed: 12)
            gateUp.withElements(of: Float.self) { elements in
                for index in elements.indices { elements[index] *= 8 }
                elements[0] = 200
                elements[1] = -200
                elements[2] = 0
            }
            let expected = try Tensor(zeros: [7, width])
            ReferenceBackend().activateMultiply(gateUp, activation, into: expected)
            var sets: Set<Bits> = []
            for backend in try everyBackend() {
                let found = try Tensor(zeros: [7, width])
                backend.activateMultiply(gateUp, activation, into: found)
                sets.insert(bits(found))
                for (one, other) in zip(values(found), values(expected)) {
                    #expect(abs(one - other) <= units * 0x1p-24 * abs(other) + 1e-30)
                }
            }
            #expect(sets.count == 1)
        }
    }

    @Test("Activating in the place of the gates gives the same bits", arguments: activations)
    func inPlace(activation: GatedActivation) throws {
        for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
            for width in [5, 16, 100, 128] {
                let gateUp = try random([7, 2 * width], seed: 13)
                let apart = try Tensor(zeros: [7, width])
                backend.activateMultiply(gateUp, activation, into: apart)
                let inside = gateUp.tile(rows: 0..<7, columns: 0..<width)
                backend.activateMultiply(gateUp, activation, into: inside)
                let dense = try Tensor(zeros: [7, width])
                backend.copy(inside, into: dense)
                #expect(bits(dense) == bits(apart), "\(backend.name), \(width)")
            }
        }
    }

    @Test("Activations are those of transformers in float32")
    func formulas() throws {
        // torch's gelu(approximate="tanh") times up, and GptOssExperts._apply_gate.
        let gelu: [Float] = [-0.003637433, 1.388574, 0, 0.28998029, 15.636782, -18]
        let swiGLU: [Float] = [-0.036142621, 0.89766937, 0, 0.87958503, 15.485269, -6.9999533]
        let gateUp = try Tensor(zeros: [1, 12])
        gateUp.withElements(of: Float.self) { elements in
            let inputs: [Float] = [-3, -0.5, 0, 0.75, 2, 9, 1, -9, 3, 0.5, 8, -2]
            for (index, value) in inputs.enumerated() { elements[index] = value }
        }
        for backend in try everyBackend() as [any Backend] + [ReferenceBackend()] {
            for (activation, expected) in [
                (GatedActivation.geluTanh, gelu),
                (.clampedSwiGLU(limit: 7, alpha: 1.702), swiGLU),
            ] {
                let found = try Tensor(zeros: [1, 6])
                backend.activateMultiply(gateUp, activation, into: found)
                for (one, other) in zip(values(found), expected) {
                    #expect(abs(one - other) <= 1e-6 * max(abs(other), 1), "\(activation)")
                }
            }
        }
    }

    @Test("Caps stay within 8 units of 2^-24 of the reference, and agree among kernel sets")
    func caps() throws {
        for (rows, width, cap) in [(1, 1, 1), (3, 37, 30), (2, 5000, 0.5), (1, 70_001, 50)] {
            let expected = try random([rows, width], seed: 15)
            expected.withElements(of: Float.self) { elements in
                for index in elements.indices { elements[index] *= 20 }
                elements[0] = 1e-30
                elements[width - 1] = 1e30
            }
            let input = values(expected)
            ReferenceBackend().softCap(expected, cap: Float(cap))
            for backend in try everyBackend() {
                let found = try Tensor(zeros: [rows, width])
                found.withElements(of: Float.self) { elements in
                    for (index, value) in input.enumerated() { elements[index] = value }
                }
                backend.softCap(found, cap: Float(cap))
                let pairs = zip(values(found), values(expected))
                #expect(
                    pairs.allSatisfy { abs($0 - $1) <= 8 * 0x1p-24 * abs($1) },
                    "\(backend.kernels.name), \(width) at \(cap)")
            }
        }
    }

    @Test("Caps of all kernel sets have the same bits, and leave what lies between rows alone")
    func capsAgree() throws {
        let sets = try everyBackend().map { backend in
            let padded = try random([4, 40], seed: 16)
            backend.softCap(padded.tile(rows: 0..<4, columns: 3..<36), cap: 2)
            return bits(padded)
        }
        #expect(Set(sets).count == 1)
        let untouched = bits(try random([4, 40], seed: 16))
        for index in 0..<untouched.count where !(3..<36).contains(index % 40) {
            #expect(sets[0][index] == untouched[index])
        }
    }
}
