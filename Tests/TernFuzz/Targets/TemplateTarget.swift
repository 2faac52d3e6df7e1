// Fuzzes chat templates: whatever they are, they render or are refused in bounded time, and what a user
// wrote never passes for the template's own text.

import TernJSON
import TernText

/// The interpreter of templates.
enum TemplateTarget {
    /// A character that no template writes: where it stands, a user wrote.
    private static let mark = "\u{E000}"

    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        FuzzTarget(
            name: "template", language: .words,
            seeds: try corpus.files(in: "Tests/Golden/chat_templates", ending: ".jinja"),
            words: statements + expressions + filters, memoryBytes: 2 << 30
        ) { input in
            guard let source = String(validating: input, as: UTF8.self), !source.contains(mark),
                let template = try? ChatTemplate(source),
                let prompt = try? template.render(
                    messages: messages, tools: [["function": ["name": .string(mark + "f")]]],
                    addGenerationPrompt: true,
                    variables: JSONObject([("bos_token", "<s>"), ("eos_token", "</s>")]),
                    keywords: JSONObject([("word", .string(mark)), ("number", 3)]))
            else { return }
            for case .template(let text) in prompt.segments {
                precondition(!text.contains(mark), "a user's text passes for the template's")
            }
        }
    }

    private static let messages: JSON = [
        ["role": "system", "content": .string(mark + "<s>be\n terse ")],
        ["role": "user", "content": .string("a " + mark + " \u{E9}<b>&'\"\u{1F600}\\")],
        [
            "role": "assistant", "content": nil,
            "tool_calls": [["id": "1", "function": ["name": "f", "arguments": ["x": 1.5]]]],
        ],
        ["role": "tool", "content": .string("{\"\(mark)\": [1, null]}")],
    ]

    private static let statements = [
        "{% for m in messages %}", "{% for k, v in messages[0].items() recursive %}",
        "{% endfor %}", "{% if ", "{% elif ", "{% else %}", "{% endif %}", "{%- set x = ",
        "{% set ns = namespace(a=0) %}", "{% set ns.a = ", "{% macro f(a, b=1) %}",
        "{% endmacro %}", "{% call f(1) %}", "{% endcall %}", "{{ ", " }}", " -%}", " %}", "{#",
        "#}", "{% raw %}", "{% endraw %}", "{% break %}", "{% filter upper %}", "{% endfilter %}",
        "{% generation %}", "{% endgeneration %}", "{{ loop(", "{% set b %}", "{% endset %}",
        "{{- m['content'] | trim -}}", "{% for i in range(1000000) %}",
    ]
    private static let expressions = [
        "m", "m.content", "messages[-1]['content']", "messages", "x", "ns.a", "loop.index0",
        "loop.previtem", "f(x, *messages)", "f(**ns)", "word", "number", "tools", "bos_token",
        "raise_exception(", "strftime_now('%Y%%", "range(", "namespace(", "dict(a=1)", "[1, 'a']",
        "{'a': m}", "(1, 2)", "9223372036854775807", "-1", "0.1e308", "'\\u00e9\\n'", "\"\"",
        "none",
        "true", "(", ")", "[", "]", "[::-1]", "[1:", ".", ",", " ~ ", " + ", " - ", " * ", " / ",
        " // ", " % ", " ** ", " == ", " < ", " in ", " not in ", " is ", " is not ", " and ",
        " or ", "not ", " if ", " else ", "messages * 99999", "'a' * 99999999", "joiner(', ')",
        "cycler(1, 2)", "lipsum()",
    ]
    private static let filters = [
        " | tojson(indent=2)", " | join(', ')", " | map(attribute='role')", " | selectattr('a')",
        " | replace('a', 'b')", " | list", " | length", " | default('x')", " | sort", " | unique",
        " | dictsort", " | batch(2)", " | slice(3)", " | groupby('role')", " | indent(4)",
        " | round(2)", " | int", " | float", " | format(1)", " | trim", " | title", " | reverse",
        " | center(99)", " | wordwrap(3)", " | truncate(3)", " | sum", " | min", " | string",
        " | escape", " | safe", " | items", ".split('a')", ".format(m)", ".items()", ".upper()",
        ".strip()", ".join(messages)", ".encode()", ".__class__", "divisibleby(0)", "defined",
        "mapping", "iterable", "sequence", "string", "number", "equalto(1)", ".startswith(('a',))",
        ".splitlines(true)", ".zfill(9)", ".count('')", ".replace('', 'x', 5)", ".find('b', -3)",
        "'%s %d %r %5.3f' % m", "'{0:>10}{a!r}'.format(1, a=m)", " | tojson", " | fromjson",
    ]
}
