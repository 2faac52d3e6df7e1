// Changes inputs as JSON: members go, come twice, change places and types. So wrong values reach the
// code behind the parser, which bytes at random seldom pass.

import TernJSON

/// Makes wrong values of right ones.
struct JSONMutator {
    /// Values of a language, to be put anywhere.
    let fragments: [JSON]

    /// Takes the fragments from right inputs.
    init(seeds: [JSON]) {
        var fragments: [JSON] = []
        for seed in seeds { Self.collect(seed, into: &fragments) }
        self.fragments = fragments
    }

    private static func collect(_ value: JSON, into list: inout [JSON], depth: Int = 0) {
        guard list.count < 20_000 else { return }
        list.append(value)
        switch value {
        case .array(let elements):
            for element in elements.prefix(40) { collect(element, into: &list, depth: depth + 1) }
        case .object(let object):
            for member in object.members.prefix(60) {
                collect(member.value, into: &list, depth: depth + 1)
            }
        case .null, .bool, .integer, .number, .string: break
        }
    }

    /// A value with some changes.
    func mutated(_ value: JSON, _ random: inout SeededRandom) -> JSON {
        var value = value
        for _ in 0...random.below(4) { value = changed(value, &random, depth: 0) }
        return value
    }

    /// Goes down to a random place and changes what is there.
    private func changed(_ value: JSON, _ random: inout SeededRandom, depth: Int) -> JSON {
        guard depth < 60, !random.once(in: 5) else { return replacement(of: value, &random) }
        switch value {
        case .array(var elements):
            guard !elements.isEmpty, !random.once(in: 5) else {
                return .array(rearranged(elements, &random, weight: weight(of:)))
            }
            let place = random.below(elements.count)
            elements[place] = changed(elements[place], &random, depth: depth + 1)
            return .array(elements)
        case .object(let object):
            var members = object.members
            guard !members.isEmpty, !random.once(in: 6) else {
                return .object(
                    JSONObject(rearranged(members, &random) { weight(of: $0.value) }))
            }
            let place = random.below(members.count)
            members[place].value = changed(members[place].value, &random, depth: depth + 1)
            return .object(JSONObject(members))
        case .null, .bool, .integer, .number, .string: return replacement(of: value, &random)
        }
    }

    private func rearranged<Element>(
        _ list: [Element], _ random: inout SeededRandom, weight: (Element) -> Int
    ) -> [Element] {
        var list = list
        guard !list.isEmpty else { return list }
        let place = random.below(list.count)
        // Copies of copies would outgrow any memory.
        let copies = min(300, 1 + Self.mostCopied / weight(list[place]))
        switch random.below(4) {
        case 0: list.remove(at: place)
        case 1: list.append(list[place])
        case 2: list.swapAt(place, random.below(list.count))
        default: list += repeatElement(list[place], count: random.below(copies))
        }
        return list
    }

    /// Values that one change copies at most, give or take one copy.
    private static let mostCopied = 20_000

    /// Values in a value, a long string counting as many.
    private func weight(of value: JSON) -> Int {
        switch value {
        case .array(let elements): elements.reduce(1) { $0 + weight(of: $1) }
        case .object(let object): object.members.reduce(1) { $0 + weight(of: $1.value) }
        case .string(let text): 1 + text.utf8.count / 16
        case .null, .bool, .integer, .number: 1
        }
    }

    private func replacement(of value: JSON, _ random: inout SeededRandom) -> JSON {
        switch random.below(8) {
        case 0, 1, 2: return random.one(of: fragments) ?? .null
        case 3: return number(near: value.integer, &random)
        case 4: return .string(text(from: value.string, &random))
        case 5: return random.one(of: [.null, true, false, [], [:], ""]) ?? .null
        case 6: return nested(value, random.below(random.once(in: 4) ? 240 : 4), &random)
        default: return .array(Array(repeating: value, count: random.below(6)))
        }
    }

    private func number(near old: Int?, _ random: inout SeededRandom) -> JSON {
        let edges: [JSON] = [
            0, -1, 1, 2, 127, 65_536, .integer(.max), .integer(.min), .integer(1 << 31),
            .integer(1 << 32), .integer(1 << 53), 1e308, -1e308, 1e19, 0.5, -0.0, 1e-300,
        ]
        guard let old, random.once(in: 2) else { return random.one(of: edges) ?? 0 }
        return .integer(old &+ random.below(5) &- 2)
    }

    private func text(from old: String?, _ random: inout SeededRandom) -> String {
        let texts = [
            "", "\u{0}", "\u{FFFD}", "e\u{301}", "\r\n", "\u{10FFFF}", "../x", "%s%n", "<|end|>",
            "\u{200D}", "\\", "[^\\p{L}", "(a+)+$", "(?<=x)", "\u{DF}", "\u{130}", "x",
        ]
        let text = random.one(of: texts) ?? ""
        switch random.below(4) {
        case 0: return (old ?? "") + text
        case 1: return String(repeating: text, count: random.below(2000))
        case 2:
            var scalars = Array((old ?? text).unicodeScalars)
            guard !scalars.isEmpty else { return text }
            scalars.remove(at: random.below(scalars.count))
            return String(String.UnicodeScalarView(scalars))
        default: return text
        }
    }

    private func nested(_ value: JSON, _ depth: Int, _ random: inout SeededRandom) -> JSON {
        var value = value
        for _ in 0..<depth { value = random.once(in: 2) ? [value] : ["a": value] }
        return value
    }
}
