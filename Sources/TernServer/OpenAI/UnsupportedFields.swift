// Fields that clients know and this server does not do yet. A value that changes nothing is
// accepted, for many clients send them all; any other is refused by name, never ignored. Fields
// that nobody knows are accepted in silence.

import TernJSON

/// The fields that are refused unless neutral.
enum UnsupportedFields {
    /// A field, the endpoints' words for it, and the values that change nothing beside `null`.
    private struct Field {
        let name: String
        let neutral: [JSON]
        init(_ name: String, _ neutral: JSON...) {
            self.name = name
            self.neutral = neutral
        }
    }

    private static let fields = [
        Field("length_penalty", 1), Field("logits_processors", []),
        Field("use_beam_search", false), Field("suffix", ""), Field("prompt_embeds"),
        Field("functions", []), Field("function_call", "none", "auto"),
        Field("structured_outputs", [:]), Field("guided_regex"),
        Field("guided_choice"), Field("guided_grammar"), Field("modalities", ["text"]),
        Field("audio"), Field("truncate_prompt_tokens"), Field("skip_special_tokens", true),
        Field("include_stop_str_in_output", false), Field("chat_template"),
        Field("documents", []), Field("return_token_ids", false),
        Field("return_tokens_as_token_ids", false),
    ]

    /// What only conversations have; the other endpoint is the one that can echo.
    private static let conversational = [Field("tools", []), Field("tool_choice", "none", "auto")]

    /// Throws: the first field whose value would change something.
    static func check(_ request: RequestFields, choices: Int, echoes: Bool) throws(APIError) {
        if !echoes, let value = request["echo"], value != false {
            try refuse("echo", value, [false])
        }
        for field in fields + (echoes ? conversational : []) {
            guard let value = request[field.name], !field.neutral.contains(value) else { continue }
            try refuse(field.name, value, field.neutral)
        }
        if let value = request["best_of"], value.integer != choices {
            try refuse("best_of", value, [.integer(choices)])
        }
    }

    private static func refuse(
        _ name: String, _ value: JSON, _ neutral: [JSON]
    ) throws(APIError) {
        let allowed = neutral.isEmpty ? "null" : neutral.map { $0.text() }.joined(separator: " or ")
        throw APIError(
            .badRequest,
            "\(name): found \(value.shortText), which is not supported yet; expected \(allowed)",
            parameter: name, code: "unsupported_parameter")
    }
}
