// Truth, equality, order, membership and the keys of dictionaries, with Python's rules. Values may
// share parts, so that comparing them could take for ever: every comparison pays.

extension TemplateInterpreter {
    func comparison(
        _ first: TemplateExpression, _ links: [TemplateComparison], line: Int,
        in scope: TemplateScope
    ) throws(ChatTemplateError) -> TemplateValue {
        var left = try evaluate(first, in: scope)
        for link in links {
            let right = try evaluate(link.operand, in: scope)
            self.line = line
            guard try holds(link.comparator, left, right) else { return .boolean(false) }
            left = right
        }
        return .boolean(true)
    }

    func holds(
        _ comparator: TemplateComparator, _ left: TemplateValue, _ right: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch comparator {
        case .equal: try areEqual(left, right)
        case .notEqual: !(try areEqual(left, right))
        case .less: try isLess(left, right, "<")
        case .greater: try isLess(right, left, ">")
        case .lessOrEqual: try isLessOrEqual(left, right, "<=")
        case .greaterOrEqual: try isLessOrEqual(right, left, ">=")
        case .isIn: try contains(right, left)
        case .isNotIn: !(try contains(right, left))
        }
    }

    func isTrue(_ value: TemplateValue) throws(ChatTemplateError) -> Bool {
        switch value {
        case .undefined, .none: return false
        case .boolean(let value): return value
        case .integer(let value): return value != 0
        case .float(let value): return value != 0
        case .string(let text): return !text.isEmpty
        case .list(let list), .tuple(let list), .view(_, let list): return !list.elements.isEmpty
        case .dictionary(let dictionary): return !dictionary.entries.isEmpty
        case .range(let range): return range.count > 0
        case .loop(let state): return try length(of: state) > 0
        case .iterator, .namespace, .macro, .function, .method: return true
        }
    }

    func areEqual(
        _ left: TemplateValue, _ right: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        try pay(steps: 1)
        if let a = left.integer, let b = right.integer { return a == b }
        if let a = left.double, let b = right.double { return a == b }
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let a), .string(let b)):
            guard a.count == b.count else { return false }
            try pay(scanning: a.count)
            return a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            guard a.elements.count == b.elements.count else { return false }
            for (a, b) in zip(a.elements, b.elements) {
                guard try areEqual(a, b) else { return false }
            }
            return true
        case (.dictionary(let a), .dictionary(let b)): return try areEqual(a, b)
        case (.range(let a), .range(let b)):
            return a.count == b.count
                && (a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step)))
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.macro(let a), .macro(let b)): return a === b
        case (.loop(let a), .loop(let b)): return a === b
        case (.iterator(let a), .iterator(let b)): return a === b
        case (.function(let a), .function(let b)): return a == b
        default: return false
        }
    }

    private func areEqual(
        _ left: TemplateDictionary, _ right: TemplateDictionary
    ) throws(ChatTemplateError) -> Bool {
        guard left.entries.count == right.entries.count else { return false }
        for pair in left.pairs {
            guard let other = right[pair.hash], try areEqual(pair.value, other) else {
                return false
            }
        }
        return true
    }

    func isLess(
        _ left: TemplateValue, _ right: TemplateValue, _ symbol: String = "<"
    ) throws(ChatTemplateError) -> Bool {
        try pay(steps: 1)
        if let a = left.integer, let b = right.integer { return a < b }
        if let a = left.double, let b = right.double { return a < b }
        switch (left, right) {
        case (.undefined(let reason), _), (_, .undefined(let reason)): throw failure(reason)
        case (.string(let a), .string(let b)):
            try pay(scanning: min(a.count, b.count))
            return a < b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (a, b) in zip(a.elements, b.elements) where !(try areEqual(a, b)) {
                return try isLess(a, b, symbol)
            }
            return a.elements.count < b.elements.count
        default:
            let (first, second) = symbol.hasPrefix(">") ? (right, left) : (left, right)
            throw failure(
                "'\(symbol)' does not work between \(first.typeName) and \(second.typeName)")
        }
    }

    private func isLessOrEqual(
        _ left: TemplateValue, _ right: TemplateValue, _ symbol: String
    ) throws(ChatTemplateError) -> Bool {
        if let a = left.double, let b = right.double { return a <= b }
        if try isLess(left, right, symbol) { return true }
        return try areEqual(left, right)
    }

    /// `element in container`.
    func contains(
        _ container: TemplateValue, _ element: TemplateValue
    ) throws(ChatTemplateError) -> Bool {
        switch container {
        case .string(let text):
            guard case .string(let part) = element else {
                throw failure(
                    "'in' looks for a \(element.typeName) in a string; a string is expected")
            }
            try pay(scanning: text.count + part.count)
            return !text.occurrences(of: part, limit: 1).isEmpty
        case .dictionary(let dictionary):
            guard let key = try key(of: element) else { throw unhashable(element) }
            return dictionary[key] != nil
        default:
            for other in try elements(of: container) where try areEqual(element, other) {
                return true
            }
            return false
        }
    }

    /// What a value is looked up by; nil for values that can be no key.
    func key(of value: TemplateValue) throws(ChatTemplateError) -> TemplateKey? {
        try pay(steps: 1)
        if let integer = value.integer { return .integer(integer) }
        switch value {
        case .none: return TemplateKey.none
        case .float(let number):
            return Int(exactly: number).map(TemplateKey.integer) ?? .float(number)
        case .string(let text):
            try pay(scanning: text.count)
            return .string(text)
        case .tuple(let list):
            var keys: [TemplateKey] = []
            for element in list.elements {
                guard let key = try key(of: element) else { return nil }
                keys.append(key)
            }
            return .tuple(keys)
        case .namespace(let object): return .object(ObjectIdentifier(object))
        case .macro(let object): return .object(ObjectIdentifier(object))
        case .iterator(let object): return .object(ObjectIdentifier(object))
        case .undefined: return .tuple([.none, .none, .none])
        default: return nil
        }
    }

    func unhashable(_ value: TemplateValue) -> ChatTemplateError {
        failure("a \(value.typeName) cannot be the key of a dictionary; a string or a number can")
    }

    /// Makes a dictionary of pairs.
    func dictionary(
        _ pairs: [(TemplateValue, TemplateValue)]
    ) throws(ChatTemplateError) -> TemplateDictionary {
        try pay(making: 16 * pairs.count)
        var hashed: [(key: TemplateValue, hash: TemplateKey, value: TemplateValue)] = []
        for (key, value) in pairs {
            guard let hash = try self.key(of: key) else { throw unhashable(key) }
            hashed.append((key, hash, value))
        }
        return TemplateDictionary(hashed)
    }

    /// The elements a loop over a value sees.
    func elements(of value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
        switch value {
        case .undefined: return []
        case .list(let list), .tuple(let list), .view(_, let list):
            try pay(scanning: list.elements.count)
            return list.elements
        case .string(let text):
            try pay(making: 16 * text.count)
            return text.scalars.map { .string(TemplateString([$0])) }
        case .dictionary(let dictionary):
            try pay(elements: dictionary.entries.count)
            return dictionary.entries.map(\.key)
        case .range(let range):
            try pay(elements: range.count)
            return (0..<range.count).map { .integer(range[$0]) }
        case .iterator(let iterator):
            let rest = iterator.rest()
            try pay(scanning: rest.count)
            return rest
        case .none, .boolean, .integer, .float, .namespace, .loop, .macro, .function, .method:
            throw failure("a \(value.typeName) cannot be walked; a list or a string can")
        }
    }

    /// Sorts as Python does: stable, by `<` alone, a reversed order keeping equals in place.
    func sorted(
        _ items: [(key: TemplateValue, value: TemplateValue)], descending: Bool
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var runs = items.map { [$0] }
        while runs.count > 1 {
            var merged: [[(key: TemplateValue, value: TemplateValue)]] = []
            for index in stride(from: 0, to: runs.count, by: 2) {
                let hasPair = index + 1 < runs.count
                merged.append(
                    hasPair ? try merge(runs[index], runs[index + 1], descending) : runs[index])
            }
            runs = merged
        }
        return runs.first.map { $0.map(\.value) } ?? []
    }

    private func merge(
        _ left: [(key: TemplateValue, value: TemplateValue)],
        _ right: [(key: TemplateValue, value: TemplateValue)], _ descending: Bool
    ) throws(ChatTemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        var result: [(key: TemplateValue, value: TemplateValue)] = []
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            let (a, b) = (left[i].key, right[j].key)
            let takesRight = descending ? try isLess(a, b) : try isLess(b, a)
            result.append(takesRight ? right[j] : left[i])
            if takesRight { j += 1 } else { i += 1 }
        }
        return result + left[i...] + right[j...]
    }
}
