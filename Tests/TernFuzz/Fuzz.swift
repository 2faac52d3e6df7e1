// `tern-fuzz`: wrong inputs for everything that reads what others wrote. Not part of what is shipped;
// `make fuzz` runs it. Each target runs in a process of its own, whose end is a fault.

import Glibc
import TernJSON

/// The command.
@main
enum Fuzz {
    private static let usage = """
        usage: tern-fuzz [--target NAME] [--seconds N] [--seed N] [--keep FOLDER] [--input FILE | --number N]
          --target   one of \(FuzzTargets.all.map(\.name).joined(separator: ", ")); all by default
          --seconds  for each target (60)
          --seed     of the inputs; drawn by default
          --keep     where inputs that end a process are written (.)
          --input    reads one file, in this process
          --number   writes the input of this number to a file and reads it, in this process
        """

    static func main() {
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            guard words != ["--help"] else { return Report.line(usage) }
            exit(try run(try FuzzArguments(words)))
        } catch {
            Report.line("\(error)")
            exit(2)
        }
    }

    private static func run(_ arguments: FuzzArguments) throws -> Int32 {
        if arguments.isChild || arguments.input != nil || arguments.number != nil {
            guard let name = arguments.target else { throw FuzzError("--target: missing") }
            return try runHere(name, arguments)
        }
        var faults = 0
        let supervisor = Supervisor(
            seed: arguments.seed, seconds: arguments.seconds, folder: arguments.folder)
        for (name, _) in FuzzTargets.all where name == arguments.target ?? name {
            faults += try supervisor.run(name)
        }
        return faults == 0 ? 0 : 1
    }

    private static func runHere(_ name: String, _ arguments: FuzzArguments) throws -> Int32 {
        guard let prepare = FuzzTargets.all.first(where: { $0.name == name })?.prepare else {
            throw FuzzError("--target: found \(name), which is none")
        }
        let scratch = try arguments.scratch.map { Scratch(folder: $0) } ?? Scratch()
        let child = Child(
            target: try prepare(Corpus(root: Self.root), scratch),
            journal: Journal(inherited: arguments.isChild))
        if let input = arguments.input {
            child.run(try FileContent.bytes(of: input))
            scratch.remove()
        } else if let number = arguments.number {
            let input = try InputSource(child.target, seed: arguments.seed).input(number)
            Scratch(folder: arguments.folder).write(
                "fuzz-\(name)-\(arguments.seed)-\(number).input", input)
            child.run(input)
            scratch.remove()
        } else {
            try child.run(
                seed: arguments.seed, from: arguments.first, seconds: arguments.seconds)
        }
        // What still runs behind a target, such as a server, goes with the process.
        _exit(0)
    }

    /// The repository's root.
    private static let root = String(#filePath.dropLast("/Tests/TernFuzz/Fuzz.swift".count))
}

/// The words of the command line.
struct FuzzArguments {
    var target: String?
    var seconds = 60
    var seed = UInt64.random(in: 0...0xFFFF_FFFF)
    var folder = "."
    var input: String?
    var number: Int?
    var scratch: String?
    var isChild = false
    var first = 0

    init(_ words: [String]) throws(FuzzError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--child" {
                isChild = true
                continue
            }
            guard let value = rest.popFirst() else { throw FuzzError("\(word): no value") }
            switch word {
            case "--target":
                guard FuzzTargets.all.contains(where: { $0.name == value }) else {
                    throw FuzzError("--target: found \(value), which is none")
                }
                target = value
            case "--seconds": seconds = try Self.number(value, word)
            case "--seed": seed = UInt64(try Self.number(value, word))
            case "--first": first = try Self.number(value, word)
            case "--keep": folder = value
            case "--input": input = value
            case "--number": number = try Self.number(value, word)
            case "--scratch": scratch = value
            default: throw FuzzError("\(word): unknown")
            }
        }
    }

    private static func number(_ text: String, _ name: String) throws(FuzzError) -> Int {
        guard let number = Int(text), number >= 0 else {
            throw FuzzError("\(name): found \(text); expected a number")
        }
        return number
    }
}
