// `tools`, `tool_choice` and `parallel_tool_calls` of a chat request: which functions the model may or
// must call. How it writes calls is its template's business.
//
// Source: OpenAI API reference, "Function calling".

import TernJSON
import TernText

/// The tools of one request.
struct ToolFields {
    /// The tools as the template gets them; nil where there are none, or none is to be called.
    let tools: JSON?
    /// How calls are written and read; nil where there can be none.
    let format: ToolCallFormat?

    private static let tools = 128

    init(_ fields: RequestFields, family: ToolCallFamily) throws(APIError) {
        let functions = try Self.functions(fields)
        let choice = try Self.choice(fields, functions)
        let allowsSeveral = try fields.bool("parallel_tool_calls") ?? true
        guard let choice, !functions.isEmpty else {
            (tools, format) = (nil, nil)
            return
        }
        let format = ToolCallFormat(
            family, functions: choice.functions, isRequired: choice.isRequired,
            // What is named is called once.
            allowsSeveral: allowsSeveral && !choice.isNamed)
        tools = fields["tools"]
        self.format = format.isReadable ? format : nil
    }

    private static func functions(_ fields: RequestFields) throws(APIError) -> [ToolFunction] {
        guard let value = fields["tools"] else { return [] }
        guard let list = value.array, list.count <= tools else {
            throw .field(
                "tools", found: value.array.map { "\($0.count) tools" } ?? value.shortText,
                expected: "a list of at most \(tools) tools")
        }
        var functions: [ToolFunction] = []
        for (index, tool) in list.enumerated() {
            let function = try function(tool, "tools[\(index)]")
            guard !functions.contains(where: { $0.name == function.name }) else {
                throw .field(
                    "tools[\(index)].function.name", found: "\(function.name) twice",
                    expected: "a name of its own for each function")
            }
            functions.append(function)
        }
        return functions
    }

    private static func function(_ tool: JSON, _ place: String) throws(APIError) -> ToolFunction {
        guard tool["type"] == "function", let function = tool["function"]?.object else {
            throw .field(
                place,
                found: tool["type"] == "function"
                    ? "no function" : tool["type"]?.shortText ?? tool.shortText,
                expected: "an object with type \"function\" and a function")
        }
        guard let name = function["name"]?.string, isName(name) else {
            throw .field(
                place + ".function.name", found: function["name"]?.shortText ?? "nothing",
                expected: "1 to 64 letters, digits, underscores or hyphens")
        }
        let empty: JSON = ["type": "object", "properties": [:]]
        let given = function["parameters"] ?? .null
        let parameters = given.isNull ? empty : given
        guard parameters.object != nil else {
            throw .field(
                place + ".function.parameters", found: parameters.shortText,
                expected: "a JSON schema, an object")
        }
        do {
            _ = try Grammar(.schema(parameters))
            return ToolFunction(name: name, parameters: parameters)
        } catch {
            // Only `strict` promises that the arguments satisfy the schema.
            guard function["strict"] != true else {
                throw .grammar(error, place + ".function.parameters")
            }
            return ToolFunction(name: name, parameters: ["type": "object"])
        }
    }

    private static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Which functions may be called, and how far the model is free.
    private struct Choice {
        let functions: [ToolFunction]
        var isRequired = true
        var isNamed = false
    }

    /// Nil where nothing is to be called.
    private static func choice(
        _ fields: RequestFields, _ functions: [ToolFunction]
    ) throws(APIError) -> Choice? {
        let name = "tool_choice"
        let value = fields[name] ?? (functions.isEmpty ? "none" : "auto")
        switch value.string {
        case "none": return nil
        case "auto": return Choice(functions: functions, isRequired: false)
        case "required":
            guard !functions.isEmpty else {
                throw .field(name, found: "required without tools", expected: "tools beside it")
            }
            return Choice(functions: functions)
        default:
            guard let chosen = value["function"]?["name"]?.string else {
                throw .field(
                    name, found: value.shortText,
                    expected: "none, auto, required or an object that names a function")
            }
            guard let function = functions.first(where: { $0.name == chosen }) else {
                throw .field(
                    name, found: JSON.string(chosen).shortText, expected: "the name of a tool")
            }
            return Choice(functions: [function], isNamed: true)
        }
    }
}
