// Chat templates: station 2 of the walk turns the messages of a request into the text of a prompt
// by the template that comes with the model. This is the entrance; behind it lie the lexer, the
// parser and the interpreter of a Jinja subset. It renders what transformers'
// `apply_chat_template` renders, to the byte, and tells the template's text from the caller's. It
// makes no tokens.

import TernJSON

/// A chat template, read and ready to render.
///
/// Thread: a value; any number of threads may render it at once.
/// Source: transformers 5, utils/chat_template_utils.py; jinja2 3.1.
public struct ChatTemplate: Sendable {
    private let body: [TemplateStatement]
    private let constants: Set<TemplateString>
    private let limits: TemplateLimits

    /// Reads a template.
    ///
    /// Throws: `ChatTemplateError` with the line that breaks the grammar or asks for what is not
    /// known here.
    public init(
        _ source: String, limits: TemplateLimits = TemplateLimits()
    ) throws(ChatTemplateError) {
        (body, constants) = try TemplateParser.parse(source)
        self.limits = limits
    }

    /// Renders a conversation.
    ///
    /// `variables` come from the model's own files (`bos_token` and its like) and are trusted as
    /// the template is; `messages`, `tools` and `keywords` (a request's `chat_template_kwargs`)
    /// come from a caller. `now` is what `strftime_now` tells; nil asks the clock.
    /// `continuesFinalMessage` ends the prompt inside the last message, where the model goes on.
    ///
    /// Throws: `ChatTemplateError` where the conversation has no messages or none to continue,
    /// where the template refuses it or fails on it, or where rendering meets a limit.
    /// Cost: four bytes per character of the conversation, and per character made on the way.
    public func render(
        messages: JSON, tools: JSON? = nil, addGenerationPrompt: Bool,
        continuesFinalMessage: Bool = false, variables: JSONObject = JSONObject(),
        keywords: JSONObject = JSONObject(), now: CivilTime? = nil
    ) throws(ChatTemplateError) -> RenderedPrompt {
        guard !(addGenerationPrompt && continuesFinalMessage) else {
            throw ChatTemplateError(
                .conversation,
                "continue_final_message and add_generation_prompt exclude each other; set one")
        }
        let continuation = continuesFinalMessage ? try TemplateContinuation(messages) : nil
        let conversation = TemplateConversation(constants: constants)
        let interpreter = TemplateInterpreter(limits: limits, clock: now)
        let names = try conversation.names(
            messages: continuation?.messages ?? messages, tools: tools,
            addGenerationPrompt: addGenerationPrompt, variables: variables, keywords: keywords)
        let pieces = try interpreter.render(body, with: names)
        guard let continuation else { return RenderedPrompt(pieces) }
        return RenderedPrompt([try continuation.cut(pieces)])
    }
}
