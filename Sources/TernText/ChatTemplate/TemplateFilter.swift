// The names of the filters, and which of them does what. Filters on text, on sequences and on
// numbers have files of their own. Left out of jinja2's: those that make HTML or URLs, that lay out
// or measure prose, that compute (`abs`, `round`, `sum`), `attr`, `format`, `slice`, `random`.

/// A filter: what stands after `|`.
enum TemplateFilter: String, Sendable {
    case batch, capitalize, dictsort, escape, first, float, groupby, indent, int, items, join, last
    case length, list, lower, map, max, min, reject, rejectattr, replace, reverse, safe, select
    case selectattr, sort, string, title, tojson, trim, unique, upper
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
        case .capitalize, .escape, .indent, .lower, .replace, .safe, .string, .title, .tojson,
            .trim, .upper:
            return try applyText(filter, to: value, arguments)
        case .float, .int: return try applyNumber(filter, to: value, arguments)
        case .batch, .dictsort, .first, .groupby, .items, .join, .last, .length, .list, .map, .max,
            .min, .reject, .rejectattr, .reverse, .select, .selectattr, .sort, .unique:
            return try applySequence(filter, to: value, arguments)
        }
    }
}
