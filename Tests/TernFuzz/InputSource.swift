// The inputs of a target, one after the other: mostly right ones with changes, some put together from
// the words of the language. A seed and a number name an input for good.

import TernJSON

/// Makes inputs.
struct InputSource {
    private let target: FuzzTarget
    private let seed: UInt64
    private let bytes: ByteMutator
    private let json: JSONMutator?
    private let values: [JSON]

    init(_ target: FuzzTarget, seed: UInt64) throws {
        self.target = target
        self.seed = seed
        bytes = ByteMutator(target: target)
        values = target.language == .json ? try target.seeds.map { try JSON(parsing: $0) } : []
        json = target.language == .json ? JSONMutator(seeds: values) : nil
    }

    /// An input by its number, from zero on. The first ones are the right ones themselves.
    func input(_ number: Int) -> [UInt8] {
        if number < target.seeds.count { return target.seeds[number] }
        var random = SeededRandom(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
        switch target.language {
        case .json:
            guard let json, let value = random.one(of: values), !random.once(in: 4) else { break }
            let text = Array(json.mutated(value, &random).text().utf8)
            guard random.once(in: 8) else { return Array(text.prefix(target.inputBytes)) }
            return bytes.mutated(text, &random)
        case .words:
            guard random.once(in: 2) else { break }
            var text: [UInt8] = []
            for _ in 0...random.below(40) {
                text += Array((random.one(of: target.words) ?? "").utf8)
            }
            return text
        case .binary: break
        }
        return bytes.mutated(random.one(of: target.seeds) ?? [], &random)
    }
}
