// The program: picks the command and turns whatever fails into one line on standard error and exit
// status 1.

import Glibc

@main
enum Tern {
    static let version = "0.1.0"

    private static let commands = [
        Serve.command, Generate.command, RunBatch.command, Inspect.command, BenchLatency.command,
        BenchThroughput.command, BenchShift.command, BenchAttention.command,
        BenchPerplexity.command, BenchLoad.command, BenchScaling.command, BenchLimits.command,
        Tokenize.command, Detokenize.command, RenderChatTemplate.command, Top.command,
    ]
    /// What `serve` starts itself; no help mentions it.
    private static let ownCommands = [HostRanks.command]

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            try run(try words())
        } catch {
            Console.note("tern: \(error)")
            exit(1)
        }
    }

    /// The words of the command line, which must be text: the standard library would put other
    /// characters in the place of what is none.
    private static func words() throws(UsageError) -> [String] {
        var words: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let word = CommandLine.unsafeArgv[index],
                let text = String(validatingCString: word)
            else { throw UsageError("argument \(index) is not UTF-8") }
            words.append(text)
        }
        return words
    }

    private static func run(_ words: [String]) throws {
        guard words != ["help", "--man"] else {
            Console.write(ManPage(version: version, commands: commands).text)
            return
        }
        guard let first = words.first, !["help", "--help", "-h"].contains(first) else {
            Console.write(help + "\n")
            return
        }
        guard first != "--version" else {
            Console.write("tern \(version)\n")
            return
        }
        for command in commands + ownCommands {
            let name = command.name.split(separator: " ").map(String.init)
            guard words.starts(with: name) else { continue }
            let arguments = try Arguments(Array(words.dropFirst(name.count)), for: command)
            guard !arguments.asksForHelp else {
                Console.write(command.help + "\n")
                return
            }
            try command.run(arguments)
            return
        }
        let group = commands.filter { $0.name.hasPrefix(first + " ") }
        guard group.isEmpty else {
            Console.write(group.map(\.help).joined(separator: "\n\n") + "\n")
            return
        }
        let nearest = commands.map(\.name).min {
            first.distance(to: $0.prefix { $0 != " " })
                < first.distance(to: $1.prefix { $0 != " " })
        }
        throw UsageError("unknown command \(first); did you mean \(nearest ?? "serve")?")
    }

    private static var help: String {
        let width = commands.map(\.name.count).max() ?? 0
        let lines = commands.map { command in
            let gap = String(repeating: " ", count: width - command.name.count + 2)
            let summary = command.summary.split(separator: "\n").first ?? ""
            return "  " + command.name + gap + summary
        }
        return """
            Tern, an engine and server for large language models.

            usage: tern COMMAND ARGUMENTS [options]

            \(lines.joined(separator: "\n"))

            tern COMMAND --help shows a command's options; tern help --man is the manual page.
            """
    }
}
