// `tern help --man`: the manual page, made of the same declarations as the commands and their help,
// so that it cannot fall behind them. It is text for man(7)'s macros and nothing else.

/// The manual page of section 1.
struct ManPage {
    let version: String
    let commands: [Command]

    /// The page's source.
    var text: String {
        let sections = [
            heading("NAME"), #"tern \- engine and server for large language models"#,
            heading("SYNOPSIS"), commands.map(synopsis).joined(separator: "\n.br\n"),
            heading("DESCRIPTION"), Self.description,
            heading("COMMANDS"), commands.map(describe).joined(separator: "\n"),
            heading("ENVIRONMENT"),
            entry("TERN_API_KEY", "The key of serve, where --api-key is not given."),
            heading("SIGNALS"),
            entry(
                "SIGTERM, SIGINT",
                "End serve: no new requests, and what runs may end within --shutdown-timeout. A "
                    + "second one ends it at once."),
            heading("EXIT STATUS"),
            "0 where all went well, 1 otherwise; the reason is the last line of standard error.",
            heading("EXAMPLES"),
            examples([
                "tern serve /models/Qwen3-0.6B --uds /run/tern/tern.sock -sp 2",
                #"tern generate /models/Qwen3-0.6B --chat "Hail!" --temperature 0"#,
                "tern help --man | man --local-file -",
            ]),
        ]
        let title = ".TH TERN 1 \"\" \"tern \(Self.escaped(version))\" \"User commands\""
        return ([title] + sections).joined(separator: "\n") + "\n"
    }

    private static let description = escaped(
        "Runs Hugging Face checkpoints and GGUF files on the processors of this machine, and serves "
            + "them over HTTP with an OpenAI-compatible API. Options may be written --name value or "
            + "--name=value.")

    private func heading(_ title: String) -> String { ".SH \(title)" }

    private func synopsis(_ command: Command) -> String {
        let words = ["\\fBtern \(Self.escaped(command.name))\\fR"]
        let rest = command.positionals.map { "\\fI\(Self.escaped($0))\\fR" } + ["[options]"]
        return (words + rest).joined(separator: " ")
    }

    private func describe(_ command: Command) -> String {
        let options = command.sections.flatMap { section in
            [".PP", Self.escaped(section.title) + ":"]
                + section.options.map { entry($0.usage, $0.help) }
        }
        return
            ([".SS tern \(Self.escaped(command.name))", Self.escaped(command.summary)] + options)
            .joined(separator: "\n")
    }

    private func entry(_ name: String, _ text: String) -> String {
        ".TP\n\\fB\(Self.escaped(name))\\fR\n\(Self.escaped(text))"
    }

    private func examples(_ lines: [String]) -> String {
        lines.map { ".EX\n\(Self.escaped($0))\n.EE" }.joined(separator: "\n.PP\n")
    }

    /// Text that no macro and no escape is read from: hyphens stay hyphens, and a line that begins
    /// with a dot or a quote is no request.
    static func escaped(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            let line = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : String(line)
        }
        return lines.joined(separator: "\n")
    }
}
