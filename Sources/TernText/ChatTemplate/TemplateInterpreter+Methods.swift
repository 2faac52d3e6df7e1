// Methods and attributes that values have of themselves: those of Python's strings, lists and
// dictionaries, and those of loops and namespaces. Methods that would change a list or a
// dictionary count as undefined, as in the sandbox that transformers renders in.

extension TemplateInterpreter {
    private static let stringMethods: Set<String> = [
        "capitalize", "count", "endswith", "find", "format", "index", "isalnum", "isalpha",
        "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "isupper", "join",
        "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
        "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
        "title", "upper",
    ]
    private static let sequenceMethods: Set<String> = ["count", "index", "copy"]
    private static let dictionaryMethods: Set<String> = ["get", "items", "keys", "values", "copy"]
    private static let listMutators: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
    ]
    private static let dictionaryMutators: Set<String> = [
        "clear", "pop", "popitem", "setdefault", "update",
    ]

    /// The attribute a value has by its type, if there is one of that name.
    func ownAttribute(
        _ name: TemplateString, of value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue? {
        func method(_ receiver: TemplateMethod.Receiver) -> TemplateValue {
            .method(TemplateMethod(receiver: receiver, name: name.text))
        }
        func forbidden(_ name: TemplateString, _ type: String) -> TemplateValue {
            .undefined(
                "'\(name.text)' would change a \(type), which templates may not; "
                    + "make a new one, or use a namespace")
        }
        switch value {
        case .namespace(let namespace): return namespace[name]
        case .loop(let state): return try loopAttribute(name.text, of: state)
        case .string(let text):
            return Self.stringMethods.contains(name.text) ? method(.string(text)) : nil
        case .list(let list):
            if Self.listMutators.contains(name.text) { return forbidden(name, "list") }
            return Self.sequenceMethods.contains(name.text) ? method(.sequence(list)) : nil
        case .tuple(let list):
            let isKnown = Self.sequenceMethods.contains(name.text) && name.text != "copy"
            return isKnown ? method(.sequence(list)) : nil
        case .dictionary(let dictionary):
            if Self.dictionaryMutators.contains(name.text) { return forbidden(name, "dict") }
            return Self.dictionaryMethods.contains(name.text)
                ? method(.dictionary(dictionary)) : nil
        case .macro(let closure): return name == "name" ? .text(closure.macro.name) : nil
        default: return nil
        }
    }

    private func loopAttribute(
        _ name: String, of state: TemplateLoopState
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch name {
        case "index": return .integer(state.index0 + 1)
        case "index0": return .integer(state.index0)
        case "first": return .boolean(state.isFirst)
        case "last": return .boolean(try next(of: state) == nil)
        case "length": return .integer(try length(of: state))
        case "revindex": return .integer(try length(of: state) - state.index0)
        case "revindex0": return .integer(try length(of: state) - state.index0 - 1)
        case "depth": return .integer(state.depth + 1)
        case "depth0": return .integer(state.depth)
        case "previtem": return state.previous ?? .undefined("there is no previous item")
        case "nextitem": return try next(of: state) ?? .undefined("there is no next item")
        case "cycle", "changed":
            return .method(TemplateMethod(receiver: .loop(state), name: name))
        default: return nil
        }
    }

    func call(
        _ method: TemplateMethod, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch method.receiver {
        case .string(let text):
            return try call(method.name, on: text, arguments).asMarkup(like: text)
        case .sequence(let list): return try call(method.name, on: list, arguments)
        case .dictionary(let dictionary): return try call(method.name, on: dictionary, arguments)
        case .loop(let state): return try call(method.name, on: state, arguments.positional)
        }
    }

    private func call(
        _ name: String, on state: TemplateLoopState, _ values: [TemplateValue]
    ) throws(ChatTemplateError) -> TemplateValue {
        if name == "cycle" {
            guard !values.isEmpty else { throw failure("loop.cycle needs values to choose from") }
            return values[max(0, state.index0) % values.count]
        }
        let list = TemplateList(values)
        let isSame = try state.changed.map { old throws(ChatTemplateError) in
            try areEqual(.tuple(old), .tuple(list))
        }
        state.changed = list
        return .boolean(isSame != true)
    }

    private func call(
        _ name: String, on list: TemplateList, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        if name == "copy" { return .list(list) }
        let bound = try bind(arguments, to: ["value"], required: 1, of: name)
        let value = bound[0] ?? .none
        var places: [Int] = []
        for (place, element) in list.elements.enumerated() where try areEqual(element, value) {
            places.append(place)
        }
        if name == "count" { return .integer(places.count) }
        guard let place = places.first else {
            throw failure("\(try repr(of: value).text) is not in the list")
        }
        return .integer(place)
    }

    private func call(
        _ name: String, on dictionary: TemplateDictionary, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        if name == "get" {
            let bound = try bind(arguments, to: ["key", "default"], required: 1, of: "get")
            let value = bound[0] ?? .none
            guard let key = try key(of: value) else { throw unhashable(value) }
            return dictionary[key] ?? bound[1] ?? .none
        }
        _ = try bind(arguments, to: [], of: name)
        try pay(elements: dictionary.entries.count)
        switch name {
        case "copy": return .dictionary(dictionary)
        case "keys": return .view(.keys, TemplateList(dictionary.entries.map(\.key)))
        case "values": return .view(.values, TemplateList(dictionary.entries.map(\.value)))
        default: return .view(.items, TemplateList(items(of: dictionary)))
        }
    }

    /// The pairs of a dictionary as tuples.
    func items(of dictionary: TemplateDictionary) -> [TemplateValue] {
        dictionary.entries.map { .tuple([$0.key, $0.value]) }
    }
}
