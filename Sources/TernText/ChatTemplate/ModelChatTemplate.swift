// Finds the chat template of a model in its folder, with the special tokens that templates name:
// `chat_template.jinja` where it stands alone, else `chat_template` in tokenizer_config.json, which
// may be one template or several with names. No other file is needed, and none of the model's
// other parts is looked at. Checked against transformers 5, tokenization_utils_base.py.

import TernJSON

/// The chat templates of one model and the special tokens they name.
public struct ModelChatTemplate: Sendable {
    /// The template of a model that has one.
    private let usual: ChatTemplate?
    /// The template for conversations with tools, of a model that keeps it apart.
    private let forTools: ChatTemplate?
    /// What the template sees beside the conversation: `bos_token`, `eos_token` and their like.
    public let variables: JSONObject
    /// How the template, and so the model, writes the calls of tools.
    public let toolCallFamily: ToolCallFamily

    /// Reads the templates of a model's folder, or the one in the file `replacement` in their
    /// place.
    ///
    /// Throws: `ChatTemplateError` that names the file, where there is no template or it cannot be
    /// read.
    public init(
        folder: String, replacement: String? = nil, limits: TemplateLimits = TemplateLimits()
    ) throws(ChatTemplateError) {
        let config = try Self.json("tokenizer_config.json", in: folder)
        var templates = try Self.templates(of: config)
        if let replacement {
            templates = try Self.replacing(replacement)
        } else if let text = try Self.text(folder + "/chat_template.jinja") {
            templates = ["default": text]
            templates["tool_use"] = try Self.text(
                folder + "/additional_chat_templates/tool_use.jinja")
        }
        try self.init(templates, try Self.specialTokens(of: config, in: folder), limits)
    }

    /// Reads the templates of a parsed tokenizer_config.json, or the one in the file `replacement` in
    /// their place.
    ///
    /// Throws: `ChatTemplateError` where there is no template or it cannot be read.
    public init(
        configuration: JSON, replacement: String? = nil, limits: TemplateLimits = TemplateLimits()
    ) throws(ChatTemplateError) {
        let templates =
            if let replacement {
                try Self.replacing(replacement)
            } else {
                try Self.templates(of: configuration)
            }
        try self.init(templates, Self.specialTokens(of: configuration, older: []), limits)
    }

    private init(
        _ templates: [String: String], _ variables: JSONObject, _ limits: TemplateLimits
    ) throws(ChatTemplateError) {
        guard !templates.isEmpty else {
            throw ChatTemplateError(
                .source,
                "found neither chat_template.jinja nor 'chat_template' in tokenizer_config.json; "
                    + "this model does not chat unless a template is given")
        }
        guard templates["default"] != nil || templates["tool_use"] != nil else {
            throw ChatTemplateError(
                .source,
                "tokenizer_config.json: the templates are named \(templates.keys.sorted()); "
                    + "one of them must be named 'default'")
        }
        usual = try Self.read(templates["default"], limits)
        forTools = try Self.read(templates["tool_use"], limits)
        self.variables = variables
        toolCallFamily = ToolCallFamily(
            template: templates["tool_use"] ?? templates["default"] ?? "")
    }

    private static func replacing(_ path: String) throws(ChatTemplateError) -> [String: String] {
        guard let text = try text(path) else {
            throw ChatTemplateError(.source, "\(path): there is no such file")
        }
        return ["default": text]
    }

    private static func read(
        _ source: String?, _ limits: TemplateLimits
    ) throws(ChatTemplateError) -> ChatTemplate? {
        guard let source else { return nil }
        return try ChatTemplate(source, limits: limits)
    }

    /// The template that fits a conversation with or without tools.
    ///
    /// Throws: `ChatTemplateError` where the model has a template for tools only.
    public func template(withTools: Bool) throws(ChatTemplateError) -> ChatTemplate {
        guard let template = withTools ? forTools ?? usual : usual else {
            throw ChatTemplateError(
                .source, "this model has a template for conversations with tools only; give tools")
        }
        return template
    }

    /// Renders a conversation with the template that fits it, as `ChatTemplate.render`.
    public func render(
        messages: JSON, tools: JSON? = nil, addGenerationPrompt: Bool,
        continuesFinalMessage: Bool = false, keywords: JSONObject = JSONObject(),
        now: CivilTime? = nil
    ) throws(ChatTemplateError) -> RenderedPrompt {
        let template = try template(withTools: tools.map { !$0.isNull } ?? false)
        return try template.render(
            messages: messages, tools: tools, addGenerationPrompt: addGenerationPrompt,
            continuesFinalMessage: continuesFinalMessage, variables: variables,
            keywords: keywords, now: now)
    }
}

extension ModelChatTemplate {
    private static func templates(
        of config: JSON?
    ) throws(ChatTemplateError) -> [String: String] {
        switch config?["chat_template"] {
        case nil, .null: return [:]
        case .string(let text): return ["default": text]
        case .array(let elements):
            var templates: [String: String] = [:]
            for element in elements {
                guard let name = element["name"]?.string, let text = element["template"]?.string
                else {
                    throw ChatTemplateError(
                        .source,
                        "tokenizer_config.json: an entry of 'chat_template' lacks 'name' or "
                            + "'template'; both are expected to be strings")
                }
                templates[name] = text
            }
            return templates
        case .some(let other):
            throw ChatTemplateError(
                .source,
                "tokenizer_config.json: 'chat_template' is \(other.kind); a string or a list of "
                    + "named templates is expected")
        }
    }

    /// The named special tokens, as strings or as objects that hold their content. Folders of old
    /// keep them in a file of their own, which then counts more.
    private static func specialTokens(
        of config: JSON?, in folder: String
    ) throws(ChatTemplateError) -> JSONObject {
        guard config?["added_tokens_decoder"] == nil else {
            return specialTokens(of: config, older: [])
        }
        let older = try json("special_tokens_map.json", in: folder)?.object?.members ?? []
        return specialTokens(of: config, older: older)
    }

    private static func specialTokens(of config: JSON?, older: [JSONObject.Member]) -> JSONObject {
        var members = (config?.object?.members ?? []) + older
        members += config?["extra_special_tokens"]?.object?.members ?? []
        let isNamed = Set((config?["extra_special_tokens"]?.object?.members ?? []).map(\.key))
        var tokens = JSONObject()
        for (name, value) in members where name.hasSuffix("_token") || isNamed.contains(name) {
            if let text = value.string ?? value["content"]?.string { tokens[name] = .string(text) }
        }
        return tokens
    }

    private static func json(
        _ name: String, in folder: String
    ) throws(ChatTemplateError) -> JSON? {
        guard let text = try text(folder + "/" + name) else { return nil }
        do {
            return try JSON(parsing: text)
        } catch {
            throw ChatTemplateError(.source, "\(name): \(error)")
        }
    }

    /// The text of a file; nil where there is none of that name.
    private static func text(_ path: String) throws(ChatTemplateError) -> String? {
        let name = path.split(separator: "/").last ?? ""
        let bytes: [UInt8]
        do {
            bytes = try FileContent.bytes(of: path)
        } catch  where error.isMissing {
            return nil
        } catch {
            throw ChatTemplateError(.source, "\(name) \(error.reason)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ChatTemplateError(.source, "\(name) is not UTF-8; save it as UTF-8")
        }
        return text
    }
}
