// The names of the filters, and which of them does what. Filters on text, on sequences and on
// numbers have files of their own. Left out of jinja2's: those that make HTML or URLs, `random`,
// `pprint`, `filesizeformat`, `wordwrap`, `wordcount`.

/// A filter: what stands after `|`.
enum TemplateFilter: String, Sendable {
    case abs, attr, batch, capitalize, center, dictsort, escape, first, float, format, groupby
    case indent, int, items, join, last, length, list, lower, map, max, min, reject, rejectattr
    case replace, reverse, round, safe, select, selectattr, slice, sort, string, sum, title, tojson
    case trim, truncate, unique, upper
    case defaultValue = "default"

    /// The filter of a name, of which some have two.
    init?(named name: String) {
        switch name {
        case "count": self = .length
        case "d": self = .defaultValue
        case "e": self = .escape
        default: self.init(rawValue: name)
        }
    }
}

extension TemplateInterpreter {
    func apply(
        _ filter: TemplateFilter, to value: TemplateValue, _ arguments: TemplateCallArguments
    ) throws(ChatTemplateError) -> TemplateValue {
        switch filter {
        case .defaultValue:
            let bound = try bind(arguments, to: ["default_value", "boolean"], of: "default")
            var replaces = value.isUndefined
            if !replaces, try flag(bound[1]) { replaces = !(try isTrue(value)) }
            return replaces ? bound[0] ?? .text("") : value
        case .attr:
            let bound = try bind(arguments, to: ["name"], required: 1, of: "attr")
            let name = try string(bound[0], "name") ?? TemplateString([])
            if case .undefined(let reason) = value { throw failure(reason) }
            return try ownAttribute(name, of: value)
                ?? .undefined("a \(value.typeName) has no attribute '\(name.text)'")
        case .capitalize, .center, .escape, .format, .indent, .lower, .replace, .safe, .string,
            .title, .tojson, .trim, .truncate, .upper:
            return try applyText(filter, to: value, arguments)
        case .abs, .float, .int, .round, .sum:
            return try applyNumber(filter, to: value, arguments)
        case .batch, .dictsort, .first, .groupby, .items, .join, .last, .length, .list, .map, .max,
            .min, .reject, .rejectattr, .reverse, .select, .selectattr, .slice, .sort, .unique:
            return try applySequence(filter, to: value, arguments)
        }
    }
}
