// Holds the interpreter to its bounds: whatever a template does, it ends, and with a clear word.

import TernJSON
import TernText
import Testing

@Suite("Limits of chat templates")
struct TemplateLimitTests {
    /// Small, so that tests are quick; the bounds are the same code.
    static let limits = TemplateLimits(
        steps: 20_000, scalars: 1 << 19, outputScalars: 1 << 16, depth: 300)

    private func failure(_ source: String, content: JSON = "hi") -> ChatTemplateError? {
        do {
            _ = try ChatTemplate(source, limits: Self.limits).render(
                messages: [["role": "user", "content": content]], addGenerationPrompt: true)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "Templates that would run, grow or nest without end are stopped",
        arguments: [
            "{{ 'a' * 10 ** 9 }}", "{{ 'a' * 9223372036854775807 }}", "{{ [1] * 10 ** 12 }}",
            "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% macro f(n) %}{{ f(n) ~ f(n) }}{% endmacro %}{{ f(1) }}",
            "{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}",
            "{% set ns = namespace(a='x') %}{% for i in range(99) %}{% set ns.a = ns.a ~ ns.a %}"
                + "{% endfor %}",
            "{% set ns = namespace(a=[]) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}"
                + "{% endfor %}",
            "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}"
                + "{% endfor %}{{ ns.a }}",
            "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}"
                + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}"
                + "{{ ns.a == ns.b }}",
            "{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}"
                + "{% endfor %}{{ {ns.a: 1} }}",
            "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}"
                + "{% endfor %}{{ ns.a | tojson | length }}",
            "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
            "{% set ns = namespace(a='<' | safe) %}{% for i in range(60) %}"
                + "{% set ns.a = ns.a + ns.a + '<' %}{% endfor %}",
            "{% set m = 'a' * 60000 %}{% for i in range(30) %}{% set x = m + 'a' %}{% endfor %}",
            "{{ '{0}{0}'.format('a' * 60000) }}{{ '%s%s' % ('a' * 60000, 'a' * 60000) }}",
            "{{ 'a\nb' | indent(10 ** 12) }}", "{{ [1] | batch(10 ** 12, 0) | list }}",
            "{{ [1] | tojson(indent=10 ** 12) }}",
            "{{ ('a' * 1000).replace('', 'b' * 100000) }}", "{{ ('b' * 60000).join('a' * 60000) }}",
            "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
            "{{ ('ab' * 1000) | map('list') | map('list') | map('list') | list }}"
                + "{% for i in range(9999) %}{{ 'ab' * 99 in 'ba' * 9999 }}{% endfor %}",
            "{{ range(99999) | list | sort | unique | list | map('string') | join | length }}",
        ])
    func hostile(source: String) {
        #expect(failure(source)?.kind == .limit, "\(source)")
    }

    @Test(
        "Source that nests without end is refused when it is read",
        arguments: [
            ("", "not "), ("", "1 if 1 else "), ("", "-"), ("a", ".a"), ("a", "[0]"), ("f", "()"),
            ("1", "+1"), ("1", "|int"), ("1", " if 1"),
            ("1", " and 1"), ("1", " or 1"), ("1", " is odd"), ("1", "**1"), ("1", "//1"),
        ])
    func deepExpressions(start: String, repeated: String) {
        for count in [200, 5000] {
            let expression = start + String(repeating: repeated, count: count)
            let kind = failure("{{ \(expression) }}")?.kind
            #expect(kind == .limit, "\(count)")
        }
    }

    @Test(
        "Brackets that nest without end are refused when they are read",
        arguments: [("(", ")"), ("[", "]"), ("{1:", "}"), ("f(", ")"), ("[a[", "]]")])
    func deepBrackets(opening: String, closing: String) {
        for count in [200, 5000] {
            let expression =
                String(repeating: opening, count: count) + "1"
                + String(repeating: closing, count: count)
            let kind = failure("{{ \(expression) }}")?.kind
            #expect(kind == .limit, "\(count)")
        }
    }

    @Test("Blocks and targets that nest without end are refused when they are read")
    func deepBlocks() {
        let opening = ["{% if 1 %}", "{% for x in y %}", "{% set x %}", "{% macro f() %}"]
        for tag in opening {
            let kind = failure(String(repeating: tag, count: 1000))?.kind
            #expect(kind == .limit, "\(tag)")
        }
        let target =
            String(repeating: "(", count: 1000) + "x" + String(repeating: ")", count: 1000)
        let kind = failure("{% for \(target) in y %}{% endfor %}")?.kind
        #expect(kind == .limit)
    }

    @Test("The deepest templates that are allowed run on an ordinary stack")
    func deepest() throws {
        let count = 48
        let parentheses =
            String(repeating: "(1 + ", count: count) + "1" + String(repeating: ")", count: count)
        #expect(failure("{{ \(parentheses) }}") == nil)
        let nested = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let content = try JSON(parsing: nested)
        #expect(failure("{{ messages[0].content | tojson }}", content: content) == nil)
        let calls = "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}"
        #expect(failure(calls) == nil)
    }

    @Test("A chain of namespaces and macros is freed without deep recursion")
    func chains() {
        let source = """
            {% set ns = namespace() %}{% for i in range(2000) %}\
            {% set ns.a = namespace(a=ns.a) %}{% endfor %}ok
            """
        #expect(failure(source) == nil)
    }

    @Test("Long conversations stay far from the limits")
    func longConversation() throws {
        let golden = try GoldenFile.json("chat_templates.json")
        let source = try #require(golden["templates"]?["llama31"]?.string)
        let turn: JSON = [
            "role": "user", "content": .string(String(repeating: "word ", count: 50)),
        ]
        let prompt = try ChatTemplate(source).render(
            messages: .array(Array(repeating: turn, count: 400)), addGenerationPrompt: true)
        #expect(prompt.text.utf8.count > 100_000)
    }

    @Test("Numbers at the edge of 64 bits are worked with or refused, and never crash")
    func edgeNumbers() {
        let shapes = [
            "range(#, #)", "range(#, #, #)", "range(5, #, #)", "'abc'[#:#]", "'abc'[::#]",
            "[1, 2][#:#:#]", "'abc'[#]", "# + #", "# - #", "# * #", "# // #", "# % #", "# ** #",
            "# / #", "-(#)", "# | int", "# | float", "'#' | int", "'a b'.split(' ', #)",
            "'a b'.rsplit(none, #)", "'aa'.replace('a', 'b', #)", "'abc'.find('b', #, #)",
            "'a\nb' | indent(#)", "[1] | batch(#, 0) | list", "'ab' * #", "[1] * #", "'%d' % #",
            "'{#}'.format(#)", "'{:#}'.format(#)",
            "{#: 1}[#]", "# in range(#)", "'%d %i' % (#, #)", "1e308 * #", "(1e18 * 1e18) | string",
            "# is divisibleby(#)", "# == # < #", "[#, #] | sort", "'1' | int(#)",
        ]
        let numbers = [
            "9223372036854775807", "(-9223372036854775807 - 1)", "-1", "0", "4611686018427387904",
            "1e300", "none",
        ]
        var rendered = 0
        for shape in shapes {
            for first in numbers {
                for second in numbers {
                    var uses = 0
                    let source = shape.split(separator: "#", omittingEmptySubsequences: false)
                        .reduce("") { text, part in
                            defer { uses += 1 }
                            return uses == 0
                                ? String(part)
                                : text + (uses % 2 == 1 ? first : second) + part
                        }
                    if failure("{{ \(source) }}") == nil { rendered += 1 }
                }
            }
        }
        #expect(rendered > 500)
    }

    @Test("Random bytes of templates never crash", arguments: [UInt64(20_261_124)])
    func mutations(seed: UInt64) throws {
        let golden = try GoldenFile.json("chat_templates.json")
        let sources = try #require(golden["templates"]?.object).members.compactMap(\.value.string)
        var generator = SeededGenerator(state: seed)
        var failures = 0
        for _ in 0..<300 {
            var scalars = Array(
                try #require(sources.randomElement(using: &generator)).unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<scalars.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: scalars.remove(at: place)
                case 1:
                    scalars.insert(
                        "{}%()[]|.-'\"#~ 0".unicodeScalars.randomElement(using: &generator) ?? " ",
                        at: place)
                default: scalars.swapAt(place, Int.random(in: 0..<scalars.count, using: &generator))
                }
            }
            var source = String.UnicodeScalarView()
            source.append(contentsOf: scalars)
            if failure(String(source)) != nil { failures += 1 }
        }
        print("template mutations: seed \(seed), \(failures) of 300 refused")
        #expect(failures > 50)
    }
}

/// SplitMix64, so that a failure can be repeated.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
