// What a command can be told on its line: declared once, for parsing and for its help.

/// A flag of a command, with or without a value.
struct Option: Sendable {
    /// The long name first, then others, as in `--tensor-parallel-size`, `-tp`.
    let names: [String]
    /// What stands for the value in the help; nil for a switch.
    let value: String?
    /// One line.
    let help: String

    init(_ names: String..., value: String? = nil, help: String) {
        self.names = names
        self.value = value
        self.help = help
    }

    /// Names and value as the help shows them.
    var usage: String { names.joined(separator: ", ") + (value.map { " " + $0 } ?? "") }
}

/// One of tern's commands.
struct Command: Sendable {
    /// The word after `tern`, and the second one where there is one (`bench latency`).
    let name: String
    /// One line.
    let summary: String
    /// What must follow without a flag, in order, as in `MODEL`; what may follow, as in `[OUT]`.
    let positionals: [String]
    /// Its flags, in sections.
    let sections: [(title: String, options: [Option])]
    /// What it does.
    let run: @Sendable (Arguments) throws -> Void

    /// All flags.
    var options: [Option] { sections.flatMap(\.options) }

    /// The help text.
    var help: String {
        var lines = [
            "usage: " + (["tern", name] + positionals + ["[options]"]).joined(separator: " "), "",
            summary,
        ]
        for section in sections {
            lines += ["", section.title + ":"]
            for option in section.options {
                lines.append("  " + option.usage)
                lines.append("        " + option.help)
            }
        }
        return lines.joined(separator: "\n")
    }
}
