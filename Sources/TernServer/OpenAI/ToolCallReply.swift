// The calls of tools in a reply, as the chat endpoint tells them: whole at the end, or in pieces, the
// name first.

import TernJSON
import TernText

/// A call that was made.
struct ToolCall {
    let id: String
    let name: String
    var arguments = ""

    var json: JSON {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }
}

/// A piece of a choice: text, the beginning of a call, or more of its arguments.
enum ReplyPart {
    case text(String)
    case call(index: Int, ToolCall)
    case arguments(index: Int, String)

    /// The delta of a chunk.
    var delta: JSON {
        switch self {
        case .text(let text): ["content": .string(text)]
        case .call(let index, let call):
            [
                "tool_calls": [
                    .object(
                        JSONObject([("index", .integer(index))] + (call.json.object?.members ?? []))
                    )
                ]
            ]
        case .arguments(let index, let text):
            [
                "tool_calls": [
                    ["index": .integer(index), "function": ["arguments": .string(text)]]
                ]
            ]
        }
    }
}

/// The calls of one choice as they grow.
struct ToolCallReply {
    private(set) var calls: [ToolCall] = []
    private var parser: ToolCallParser

    init(_ format: ToolCallFormat) { parser = ToolCallParser(format) }

    /// Takes text, and tells what it is part of.
    mutating func append(_ text: String, ends: Bool) -> [ReplyPart] {
        var events = parser.append(text)
        if ends { events += parser.finish() }
        return events.map { event in
            switch event {
            case .text(let text): return .text(text)
            case .call(let name):
                calls.append(ToolCall(id: "call_" + RandomName.make(), name: name))
                return .call(index: calls.count - 1, calls[calls.count - 1])
            case .arguments(let text):
                calls[calls.count - 1].arguments += text
                return .arguments(index: calls.count - 1, text)
            }
        }
    }
}
