// Words of the command line become values with types; what does not fit is said with the flag's
// name, what was found and what may stand there.

/// A mistake on the command line.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The parsed words of one command.
struct Arguments {
    /// The words without flags, in order, as many as the command has.
    let positionals: [String]
    private let values: [String: [String]]
    /// Whether help was asked for; nothing after that word was read.
    let asksForHelp: Bool

    /// Sorts words into the command's flags.
    ///
    /// `--name value` and `--name=value` are the same; `_` may stand for `-` inside a name.
    /// Throws: `UsageError` for an unknown flag, with the nearest known one.
    init(_ words: [String], for command: Command) throws(UsageError) {
        var positionals: [String] = []
        var values: [String: [String]] = [:]
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                positionals.append(word)
                continue
            }
            guard word != "--help", word != "-h" else {
                (self.positionals, self.values, asksForHelp) = ([], [:], true)
                return
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let written = String(parts[0])
            let option = try Self.option(written, of: command)
            let key = option.names[0]
            if option.value == nil {
                guard parts.count == 1 else { throw UsageError("\(written) takes no value") }
                values[key, default: []].append("")
            } else if parts.count == 2 {
                values[key, default: []].append(String(parts[1]))
            } else if let value = rest.popFirst() {
                values[key, default: []].append(value)
            } else {
                throw UsageError("\(written) needs a value: \(option.usage)")
            }
        }
        let fewest = command.positionals.count { !$0.hasPrefix("[") }
        guard (fewest...command.positionals.count).contains(positionals.count) else {
            func told(_ words: [String]) -> String {
                words.isEmpty ? "nothing" : words.joined(separator: " ")
            }
            let (expected, found) = (told(command.positionals), told(positionals))
            throw UsageError("tern \(command.name) takes \(expected), found \(found)")
        }
        (self.positionals, self.values, asksForHelp) = (positionals, values, false)
    }

    private static func option(_ written: String, of command: Command) throws(UsageError) -> Option
    {
        let name = "-" + written.dropFirst().replacing("_", with: "-")
        if let option = command.options.first(where: { $0.names.contains(name) }) { return option }
        let names = command.options.flatMap(\.names)
        let nearest = names.min { name.distance(to: $0) < name.distance(to: $1) }
        let hint = nearest.map { "; did you mean \($0)?" } ?? ""
        throw UsageError("unknown option \(written)\(hint)")
    }

    /// Whether a switch was given.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// The last value of a flag.
    func text(_ name: String) -> String? { values[name]?.last }

    /// The last value of a flag none of whose values may be empty.
    func filled(_ name: String) throws(UsageError) -> String? {
        guard !texts(name).contains("") else { throw UsageError("\(name) is empty") }
        return text(name)
    }

    /// All values of a flag that may be repeated.
    func texts(_ name: String) -> [String] { values[name] ?? [] }

    /// The words that gave these options, in the options' order.
    func words(of options: [Option]) -> [String] {
        options.flatMap { option in
            texts(option.names[0]).map { value in
                option.value == nil ? option.names[0] : "\(option.names[0])=\(value)"
            }
        }
    }

    /// A whole number within a range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            let bounds =
                range.upperBound == .max
                ? "of at least \(range.lowerBound)"
                : "from \(range.lowerBound) to \(range.upperBound)"
            throw UsageError("\(name) is \(text); it must be a whole number \(bounds)")
        }
        return value
    }

    /// A finite number.
    func number(_ name: String) throws(UsageError) -> Double? {
        guard let text = text(name) else { return nil }
        guard let value = Double(text), value.isFinite else {
            throw UsageError("\(name) is \(text); it must be a number")
        }
        return value
    }

    /// One of a closed set.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, of type: Value.Type
    ) throws(UsageError) -> Value? where Value.RawValue == String {
        guard let text = text(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("\(name) is \(text); it must be one of \(known)")
        }
        return value
    }
}

extension String {
    /// Letters to insert, delete or replace to make one string of another.
    ///
    /// Source: Wagner and Fischer, 1974.
    func distance(to other: some StringProtocol) -> Int {
        let target = Array(other.utf8)
        var row = Array(0...target.count)
        for (i, letter) in utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, wanted) in target.enumerated() {
                let replaced = diagonal + (letter == wanted ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = Swift.min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}
