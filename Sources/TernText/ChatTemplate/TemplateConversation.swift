// Turns a conversation into the values a template sees, and marks who wrote them. All text of
// messages, tools and keywords is the caller's, with one exception. Templates make control tokens
// of roles (`<|{{ message['role'] }}|>`), so a role counts as the template's own text where it is
// one of the words of the chat API or a string that the template itself spells out. Both sets are
// closed: no caller can choose a role that completes a control token the model's author did not
// mean. docs/decisions/0007-template-text-knows-its-author.md has the reasons.

import TernJSON

/// The values of one conversation, for one template.
struct TemplateConversation {
    /// The roles of the chat API.
    private static let roles: Set<TemplateString> = [
        "system", "developer", "user", "assistant", "tool", "function",
    ]

    /// Names for a message's reasoning; the first is the one templates read.
    private static let reasoningNames = ["reasoning_content", "thinking", "reasoning"]

    /// Every string constant of the template.
    let constants: Set<TemplateString>

    /// The names transformers defines for a template.
    func names(
        messages: JSON, tools: JSON?, addGenerationPrompt: Bool, variables: JSONObject,
        keywords: JSONObject
    ) throws(ChatTemplateError) -> [(TemplateString, TemplateValue)] {
        var names: [(TemplateString, TemplateValue)] = []
        for member in variables.members {
            names.append((TemplateString(member.key), try value(member.value, isLiteral: false)))
        }
        names.append(("documents", .none))
        for member in keywords.members {
            guard !["messages", "tools", "add_generation_prompt"].contains(member.key) else {
                throw ChatTemplateError(
                    .conversation,
                    "chat_template_kwargs: '\(member.key)' has a place of its own; give it there")
            }
            names.append((TemplateString(member.key), try value(member.value, isLiteral: true)))
        }
        names.append(("messages", try self.messages(messages)))
        names.append(("tools", try tools.map(self.tools) ?? .none))
        names.append(("add_generation_prompt", .boolean(addGenerationPrompt)))
        return names
    }

    private func messages(_ json: JSON) throws(ChatTemplateError) -> TemplateValue {
        guard let elements = json.array else {
            throw ChatTemplateError(
                .conversation, "'messages' is \(json.kind); a list of messages is expected")
        }
        guard !elements.isEmpty else {
            throw ChatTemplateError(
                .conversation, "'messages' is empty; at least one message is expected")
        }
        var messages: [TemplateValue] = []
        for (index, element) in elements.enumerated() {
            guard let object = element.object else {
                throw ChatTemplateError(
                    .conversation, "messages[\(index)] is \(element.kind); an object is expected")
            }
            messages.append(try message(object))
        }
        return .list(messages)
    }

    /// A message as transformers hands it on: without its nulls, its reasoning under both names
    /// that templates read.
    private func message(_ object: JSONObject) throws(ChatTemplateError) -> TemplateValue {
        var members = object.members.filter { !$0.value.isNull }
        let reasoning = Self.reasoningNames.lazy.compactMap { name in
            members.last { $0.key == name }
        }.first?.value
        if let reasoning {
            if !members.contains(where: { $0.key == "thinking" }) {
                members.insert(("thinking", reasoning), at: 0)
            }
            members.append(("reasoning_content", reasoning))
        }
        var pairs: [(key: TemplateValue, hash: TemplateKey, value: TemplateValue)] = []
        for member in members {
            let key = TemplateString(member.key, literal: true)
            pairs.append((.string(key), .string(key), try value(of: member)))
        }
        return .dictionary(TemplateDictionary(pairs))
    }

    private func value(of member: JSONObject.Member) throws(ChatTemplateError) -> TemplateValue {
        if member.key == "role", let text = member.value.string {
            let role = TemplateString(text)
            if Self.roles.contains(role) || constants.contains(role) { return .string(role) }
        }
        return try value(member.value, isLiteral: true, depth: 2)
    }

    private func tools(_ json: JSON) throws(ChatTemplateError) -> TemplateValue {
        switch json {
        case .null: return .none
        case .array(let elements):
            for (index, element) in elements.enumerated() where element.object == nil {
                throw ChatTemplateError(
                    .conversation, "tools[\(index)] is \(element.kind); an object is expected")
            }
            return try value(json, isLiteral: true)
        case .bool, .integer, .number, .string, .object:
            throw ChatTemplateError(
                .conversation, "'tools' is \(json.kind); a list of tools is expected")
        }
    }

    /// A JSON value with all its text marked.
    private func value(
        _ json: JSON, isLiteral: Bool, depth: Int = 0
    ) throws(ChatTemplateError) -> TemplateValue {
        guard depth <= JSON.maximumDepth else {
            throw ChatTemplateError(
                .limit, "the conversation nests deeper than \(JSON.maximumDepth)")
        }
        switch json {
        case .null: return .none
        case .bool(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .float(value)
        case .string(let text): return .string(TemplateString(text, literal: isLiteral))
        case .array(let elements):
            var values: [TemplateValue] = []
            for element in elements {
                values.append(try value(element, isLiteral: isLiteral, depth: depth + 1))
            }
            return .list(values)
        case .object(let object):
            var pairs: [(key: TemplateValue, hash: TemplateKey, value: TemplateValue)] = []
            for member in object.members {
                let key = TemplateString(member.key, literal: isLiteral)
                let value = try value(member.value, isLiteral: isLiteral, depth: depth + 1)
                pairs.append((.string(key), .string(key), value))
            }
            return .dictionary(TemplateDictionary(pairs))
        }
    }
}
