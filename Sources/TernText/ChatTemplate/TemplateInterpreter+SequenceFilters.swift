// Filters on lists and dictionaries. Those that jinja2 writes as generators give iterators here
// too: walked once, without length, always true. Checked against jinja2 3.1, filters.py.

extension TemplateInterpreter {
    func applySequence(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .first, .last, .length, .list, .items, .reverse:
            _ = try bind(arguments, to: [], of: filter.rawValue)
            return try simple(filter, value)
        case .join: return .string(try join(value, arguments))
        case .map: return .iterator(TemplateIterator(try map(value, arguments)))
        case .select, .reject, .selectattr, .rejectattr:
            return .iterator(TemplateIterator(try select(filter, value, arguments)))
        case .sort:
            let bound = try bind(
                arguments, to: ["reverse", "case_sensitive", "attribute"], of: "sort")
            let keyed = try keyed(
                value, by: bound[2], caseSensitive: try flag(bound[1]), allowsSeveral: true)
            return .list(try sorted(keyed, descending: try flag(bound[0])))
        case .unique:
            let bound = try bind(arguments, to: ["case_sensitive", "attribute"], of: "unique")
            let keyed = try keyed(value, by: bound[1], caseSensitive: try flag(bound[0]))
            return .iterator(TemplateIterator(try unique(keyed)))
        case .min, .max:
            let bound = try bind(
                arguments, to: ["case_sensitive", "attribute"], of: filter.rawValue)
            let keyed = try keyed(value, by: bound[1], caseSensitive: try flag(bound[0]))
            return try extreme(keyed, isMaximum: filter == .max)
        case .dictsort: return .list(try dictsort(value, arguments))
        case .groupby: return .list(try groupby(value, arguments))
        case .batch: return .iterator(TemplateIterator(try batch(value, arguments)))
        default: preconditionFailure("'\(filter.rawValue)' is no filter on sequences")
        }
    }

    private func simple(
        _ filter: TemplateFilter, _ value: TemplateValue
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .first:
            if case .iterator(let iterator) = value {
                return iterator.next() ?? .undefined("the sequence is empty: no first item")
            }
            if case .string(let text) = value, !text.isEmpty { return .string(text[0..<1]) }
            return try elements(of: value).first
                ?? .undefined("the sequence is empty: no first item")
        case .last:
            if case .string(let text) = value, !text.isEmpty {
                return .string(text[text.count - 1..<text.count])
            }
            if case .iterator = value {
                throw failure("last does not work on what a filter gives; put '| list' before it")
            }
            return try elements(of: value).last ?? .undefined("the sequence is empty: no last item")
        case .length: return .integer(try length(of: value))
        case .list: return .list(try elements(of: value))
        case .items:
            if value.isUndefined { return .iterator(TemplateIterator([])) }
            guard case .dictionary(let dictionary) = value else {
                throw failure("items: a \(value.typeName) has no pairs; a dictionary is expected")
            }
            try pay(making: 16 * dictionary.entries.count)
            return .iterator(TemplateIterator(items(of: dictionary)))
        default:
            if case .string(let text) = value {
                try pay(making: text.count)
                return .string(text.reversed)
            }
            let reversed = Array(try elements(of: value).reversed())
            if case .iterator = value { return .list(reversed) }
            return .iterator(TemplateIterator(reversed))
        }
    }

    func length(of value: TemplateValue) throws(ChatTemplateError) -> Int {
        switch value {
        case .undefined: return 0
        case .string(let text): return text.count
        case .list(let list), .tuple(let list), .view(_, let list): return list.elements.count
        case .dictionary(let dictionary): return dictionary.entries.count
        case .range(let range): return range.count
        case .loop(let state): return try length(of: state)
        case .none, .boolean, .integer, .float, .iterator, .namespace, .macro, .function, .method:
            throw failure("a \(value.typeName) has no length; a list or a string has")
        }
    }

    private func join(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateString {
        let bound = try bind(arguments, to: ["d", "attribute"], of: "join")
        let separator = try text(of: bound[0] ?? .text(""))
        var parts: [TemplateString] = []
        for element in try elements(of: value) {
            parts.append(try text(of: try attribute(bound[1], of: element)))
        }
        return try join(parts, with: separator)
    }

    private func map(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        guard try isTrue(value) else { return [] }
        var results: [TemplateValue] = []
        if arguments.positional.isEmpty,
            arguments.keywords.contains(where: { $0.name == "attribute" })
        {
            let bound = try bind(arguments, to: ["attribute", "default"], of: "map")
            for element in try elements(of: value) {
                results.append(try attribute(bound[0], of: element, default: bound[1]))
            }
            return results
        }
        guard case .string(let name) = arguments.positional.first,
            let filter = TemplateFilter(named: name.text)
        else { throw failure("map needs the name of a filter, or attribute=…") }
        var rest = arguments
        rest.positional.removeFirst()
        try enter()
        defer { leave() }
        for element in try elements(of: value) {
            results.append(try apply(filter, to: element, rest))
        }
        return results
    }

    private func select(
        _ filter: TemplateFilter, _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var rest = ArraySlice(arguments.positional)
        let byAttribute = filter == .selectattr || filter == .rejectattr
        let path = byAttribute ? rest.popFirst() : nil
        guard !byAttribute || path != nil else {
            throw failure("\(filter.rawValue) needs the name of an attribute")
        }
        var test: TemplateTest?
        if let name = rest.popFirst() {
            guard case .string(let text) = name, let known = TemplateTest(named: text.text) else {
                throw failure("there is no test '\(try self.text(of: name).text)'")
            }
            test = known
        }
        let keeps = filter == .select || filter == .selectattr
        let more = TemplateCallArguments(positional: Array(rest), keywords: arguments.keywords)
        guard try isTrue(value) else { return [] }
        var results: [TemplateValue] = []
        for element in try elements(of: value) {
            let subject = try attribute(path, of: element)
            let holds =
                if let test { try self.holds(test, for: subject, more) } else {
                    try isTrue(subject)
                }
            if holds == keeps { results.append(element) }
        }
        return results
    }

    private func unique(
        _ items: [(key: TemplateValue, value: TemplateValue)]
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var seen: Set<TemplateKey> = []
        var results: [TemplateValue] = []
        for item in items {
            guard let key = try key(of: item.key) else { throw unhashable(item.key) }
            if seen.insert(key).inserted { results.append(item.value) }
        }
        return results
    }

    private func extreme(
        _ items: [(key: TemplateValue, value: TemplateValue)], isMaximum: Bool
    ) throws(ChatTemplateError) -> TemplateValue {
        guard var best = items.first else {
            return .undefined("the sequence is empty: nothing to choose from")
        }
        for item in items.dropFirst() {
            let isBetter =
                isMaximum
                ? try isLess(best.key, item.key, ">") : try isLess(item.key, best.key)
            if isBetter { best = item }
        }
        return best.value
    }
}

extension TemplateInterpreter {
    /// The value at a path of attributes such as `function.name`; the value itself for no path.
    private func attribute(
        _ path: TemplateValue?, of value: TemplateValue, default other: TemplateValue? = nil
    ) throws(ChatTemplateError) -> TemplateValue {
        guard let path, !path.isNone else { return value }
        var value = value
        var parts = [path]
        if case .string(let text) = path {
            parts = text.split(by: ".", limit: .max).map { part in
                Int(part.text).map { .integer($0) } ?? .string(part)
            }
        }
        for part in parts {
            value = try item(part, of: value)
            if value.isUndefined, let other, !other.isNone { value = other }
        }
        return value
    }

    /// Elements with what they are ordered by, in lower case unless told otherwise.
    private func keyed(
        _ value: TemplateValue, by path: TemplateValue?, caseSensitive: Bool,
        allowsSeveral: Bool = false, default other: TemplateValue? = nil
    ) throws(ChatTemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        var paths: [TemplateValue?] = [path]
        if allowsSeveral, case .string(let text) = path {
            paths = text.split(by: ",", limit: .max).map { .string($0) }
        }
        var items: [(key: TemplateValue, value: TemplateValue)] = []
        for element in try elements(of: value) {
            var keys: [TemplateValue] = []
            for path in paths {
                let key = try attribute(path, of: element, default: other)
                keys.append(caseSensitive ? key : try withoutCase(key))
            }
            items.append((allowsSeveral ? .list(keys) : keys[0], element))
        }
        return items
    }

    private func withoutCase(_ value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
        guard case .string(let text) = value else { return value }
        try pay(making: text.count)
        return .string(text.lowercased)
    }

    private func dictsort(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        let bound = try bind(
            arguments, to: ["case_sensitive", "by", "reverse"], of: "dictsort")
        let by = try string(bound[1], "by")?.text ?? "key"
        guard by == "key" || by == "value" else {
            throw failure("dictsort: 'by' is '\(by)'; 'key' or 'value' is expected")
        }
        guard case .dictionary(let dictionary) = value else {
            throw failure("dictsort: a \(value.typeName) has no pairs; a dictionary is expected")
        }
        let caseSensitive = try flag(bound[0])
        var items: [(key: TemplateValue, value: TemplateValue)] = []
        for entry in dictionary.entries {
            let key = by == "key" ? entry.key : entry.value
            let pair = TemplateValue.tuple([entry.key, entry.value])
            items.append((caseSensitive ? key : try withoutCase(key), pair))
        }
        return try sorted(items, descending: try flag(bound[2]))
    }

    private func groupby(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        let bound = try bind(
            arguments, to: ["attribute", "default", "case_sensitive"], required: 1, of: "groupby")
        let keyed = try keyed(
            value, by: bound[0], caseSensitive: try flag(bound[2]), default: bound[1])
        let pairs = keyed.map { (key: $0.key, value: TemplateValue.tuple([$0.key, $0.value])) }
        var groups: [(key: TemplateValue, elements: [TemplateValue])] = []
        for pair in try sorted(pairs, descending: false) {
            guard case .tuple(let list) = pair, let key = list.elements.first,
                let element = list.elements.last
            else { preconditionFailure("a pair of key and element became \(pair)") }
            if let last = groups.last, try areEqual(last.key, key) {
                groups[groups.count - 1].elements.append(element)
            } else {
                groups.append((key, [element]))
            }
        }
        var results: [TemplateValue] = []
        for group in groups {
            let name = try attribute(bound[0], of: group.elements[0], default: bound[1])
            results.append(.tuple([name, .list(group.elements)]))
        }
        return results
    }

    /// Lists of a length, the last one filled up if there is something to fill it with.
    private func batch(
        _ value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> [TemplateValue] {
        let bound = try bind(arguments, to: ["count", "fill_with"], required: 1, of: "batch")
        let elements = try elements(of: value)
        guard let count = try integer(bound[0], "count"), count > 0 else {
            throw failure("batch: a count above zero is expected")
        }
        let fill = bound[1].flatMap { $0.isNone ? nil : $0 }
        if fill != nil { try pay(elements: count) }
        var lists: [TemplateValue] = []
        for start in stride(from: 0, to: elements.count, by: count) {
            var part = Array(elements[start...].prefix(count))
            if let fill { part += repeatElement(fill, count: count - part.count) }
            lists.append(.list(part))
        }
        return lists
    }
}
