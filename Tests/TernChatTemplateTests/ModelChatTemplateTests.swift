// Holds the search for a model's template to the places and the order transformers knows.

import Glibc
import TernJSON
import TernText
import Testing

@Suite("Chat templates of models")
struct ModelChatTemplateTests {
    /// Makes a folder with files, hands it over, and removes it.
    private func withFolder(
        _ files: [String: String], _ body: (String) throws -> Void
    ) throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? P_tmpdir
        var pattern = Array((parent + "/tern-template-XXXXXX").utf8CString)
        let folder = String(cString: try #require(mkdtemp(&pattern)))
        var made: [String] = []
        defer {
            for path in made.reversed() { remove(path) }
            remove(folder)
        }
        for (name, text) in files {
            if name.contains("/") {
                let inner = folder + "/" + name.prefix { $0 != "/" }
                mkdir(inner, 0o700)
                made.append(inner)
            }
            let path = folder + "/" + name
            let file = try #require(fopen(path, "wb"))
            fputs(text, file)
            fclose(file)
            made.append(path)
        }
        try body(folder)
    }

    private func prompt(_ model: ModelChatTemplate, tools: JSON? = nil) throws -> String {
        try model.render(
            messages: [["role": "user", "content": "Hi"]], tools: tools, addGenerationPrompt: true
        ).text
    }

    @Test("A template in the configuration renders with the special tokens beside it")
    func configuration() throws {
        let config = """
            {"bos_token": {"__type": "AddedToken", "content": "<b>"}, "eos_token": "<e>",
             "pad_token": null, "image_token": "<i>", "add_bos_token": true,
             "extra_special_tokens": {"boa": "<a>"},
             "chat_template": "{{ bos_token ~ eos_token }}{{ pad_token }}{{ image_token ~ boa }}"}
            """
        try withFolder(["tokenizer_config.json": config]) { folder in
            let model = try ModelChatTemplate(folder: folder)
            #expect(try prompt(model) == "<b><e><i><a>")
            #expect(
                model.variables.members.map(\.key) == [
                    "bos_token", "eos_token", "image_token", "boa",
                ])
        }
    }

    @Test("A template that stands alone counts more than the configuration's")
    func alone() throws {
        let files = [
            "tokenizer_config.json": #"{"eos_token": "<e>", "chat_template": "old"}"#,
            "chat_template.jinja": "new {{ eos_token }}\n",
            "additional_chat_templates/tool_use.jinja": "tools",
        ]
        try withFolder(files) { folder in
            let model = try ModelChatTemplate(folder: folder)
            #expect(try prompt(model) == "new <e>")
            #expect(try prompt(model, tools: [[:]]) == "tools")
        }
    }

    @Test("Of several templates, that for tools renders conversations with tools")
    func several() throws {
        let config = """
            {"chat_template": [{"name": "default", "template": "plain"},
             {"name": "tool_use", "template": "tools"}, {"name": "rag", "template": "{{"}]}
            """
        try withFolder(["tokenizer_config.json": config]) { folder in
            let model = try ModelChatTemplate(folder: folder)
            #expect(try prompt(model) == "plain")
            #expect(try prompt(model, tools: [[:]]) == "tools")
            #expect(try prompt(model, tools: JSON.null) == "plain")
        }
    }

    @Test("Special tokens of old folders stand in a file of their own")
    func oldFolders() throws {
        let files = [
            "tokenizer_config.json": #"{"eos_token": "<old>", "chat_template": "{{ eos_token }}"}"#,
            "special_tokens_map.json": #"{"eos_token": {"content": "<new>"}}"#,
        ]
        try withFolder(files) { folder in
            let model = try ModelChatTemplate(folder: folder)
            #expect(try prompt(model) == "<new>")
        }
    }

    @Test("A folder without a template, or with one that cannot be read, says so")
    func failures() throws {
        let cases: [([String: String], String)] = [
            ([:], "found neither chat_template.jinja nor 'chat_template'"),
            (["tokenizer_config.json": "{}"], "found neither chat_template.jinja nor"),
            (["tokenizer_config.json": "{"], "tokenizer_config.json: JSON, byte 1"),
            (["tokenizer_config.json": #"{"chat_template": 5}"#], "tokenizer_config.json: 'chat_t"),
            (
                ["tokenizer_config.json": #"{"chat_template": [{"name": "x", "template": ""}]}"#],
                "tokenizer_config.json: the templates are named [\"x\"]"
            ),
            (["chat_template.jinja": "{{"], ""),
        ]
        for (files, reason) in cases {
            try withFolder(files) { folder in
                #expect("\(files)") {
                    try ModelChatTemplate(folder: folder)
                } throws: {
                    ($0 as? ChatTemplateError)?.reason.hasPrefix(reason) == true
                }
            }
        }
    }
}
