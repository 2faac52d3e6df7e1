// The words of the template language, between lexer and parser.

/// One token and the line it starts on.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Equatable {
        case text(TemplateString)
        case outputBegin, outputEnd, tagBegin, tagEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case symbol(String)
        case end
    }

    let kind: Kind
    let line: Int
}

extension TemplateToken.Kind {
    /// The token as error messages show it.
    var description: String {
        switch self {
        case .text: "text of the template"
        case .outputBegin: "'{{'"
        case .outputEnd: "'}}'"
        case .tagBegin: "'{%'"
        case .tagEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .symbol(let symbol): "'\(symbol)'"
        case .end: "the end of the template"
        }
    }
}
