import Testing

@testable import TernModel

@Suite("Places of activations")
struct ActivationLayoutTests {
    typealias Layout = ActivationLayout<Int>

    /// Values of random sizes and lifetimes.
    private func needs(_ random: inout some RandomNumberGenerator) -> [Layout.Need] {
        (0..<Int.random(in: 1...14, using: &random)).map { name in
            Layout.Need(
                name: name, bytes: Int.random(in: 0...5000, using: &random),
                lifetime: Lifetime(rawValue: UInt16.random(in: 0...511, using: &random)))
        }
    }

    @Test("No two that are needed at once share a byte, and the memory holds all of them")
    func disjoint() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for _ in 0..<500 {
            let needs = needs(&random)
            let layout = Layout(needs)
            let ranges = needs.map { layout[$0.name]..<layout[$0.name] + $0.bytes }
            for (one, range) in zip(needs, ranges) {
                #expect(range.lowerBound % Layout.alignment == 0, "seed \(seed)")
                #expect(range.upperBound <= layout.bytes, "seed \(seed)")
                for (other, met) in zip(needs, ranges) where other.name != one.name {
                    let isTogether = !one.lifetime.isDisjoint(with: other.lifetime)
                    #expect(!isTogether || !range.overlaps(met), "seed \(seed)")
                }
            }
            #expect(layout.bytes <= needs.reduce(0) { $0 + ($1.bytes + 63) / 64 * 64 })
        }
    }

    @Test("Values that take turns take the room of the largest turn")
    func shared() {
        let layout = Layout([
            .init(name: 0, bytes: 640, lifetime: .always),
            .init(name: 1, bytes: 256, lifetime: [.project, .attend]),
            .init(name: 2, bytes: 128, lifetime: [.attend, .output]),
            .init(name: 3, bytes: 320, lifetime: .feed),
            .init(name: 4, bytes: 60, lifetime: [.output, .feed]),
        ])
        // The last meets the third and the fourth: 64 bytes more than any part needs by itself.
        #expect(layout[0] == 0 && layout[3] == 640 && layout[1] == 640)
        #expect(layout[2] == 640 + 256 && layout[4] == 640 + 320 + 64)
        #expect(layout.bytes == 640 + 448)
    }

    @Test("What is rarely filled lies behind what is")
    func rarelyFilled() {
        let layout = Layout([
            .init(name: 0, bytes: 6400, lifetime: .always, isFilled: false),
            .init(name: 1, bytes: 64, lifetime: .always),
            .init(name: 2, bytes: 128, lifetime: .feed),
        ])
        #expect(layout[2] == 0 && layout[1] == 128 && layout[0] == 192)
    }

    @Test("Each part of a step is apart from the others, and the whole step meets all of them")
    func lifetimes() {
        let parts: [Lifetime] = [
            .project, .trade, .attend, .restore, .output, .join, .feed, .close, .head,
        ]
        for (index, part) in parts.enumerated() {
            #expect(!part.isDisjoint(with: .always))
            for other in parts[(index + 1)...] { #expect(part.isDisjoint(with: other)) }
        }
    }
}

/// A generator that a seed determines.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
