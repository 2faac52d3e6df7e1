// What a model is read from: a folder as Hugging Face's, or one GGUF file in its place. The rest of
// the engine asks here and does not know which it is.

import TernJSON
import TernModel
import TernText

/// The files of one model.
public struct ModelFiles: Sendable {
    private enum Place: Sendable {
        case folder(String)
        case file(GGUF)
    }

    private let place: Place

    /// Looks at a path: a file is read as GGUF, anything else taken for a folder, whose files are
    /// read when they are asked for.
    ///
    /// Throws: `CheckpointError` for a file that is no GGUF file or malformed.
    public init(_ path: String) throws(CheckpointError) {
        place = FileContent.isFile(path) ? .file(try GGUF(path: path)) : .folder(path)
    }

    /// What the model is.
    ///
    /// Throws: `CheckpointError` where it is missing, malformed or not supported.
    public func configuration() throws(CheckpointError) -> ModelConfiguration {
        switch place {
        case .folder(let folder): try ModelConfiguration(folder: folder)
        case .file(let gguf): try ModelConfiguration(gguf)
        }
    }

    /// generation_config.json; nil where there is none.
    ///
    /// Throws: `CheckpointError` for a file that is no JSON object.
    func generationConfiguration() throws(CheckpointError) -> ConfigurationReader? {
        guard case .folder(let folder) = place else { return nil }
        let name = GenerationDefaults.file
        guard FileContent.exists(folder + "/" + name) else { return nil }
        return try ConfigurationReader(folder: folder, file: name)
    }

    /// The weights, mapped.
    ///
    /// Throws: `CheckpointError` for a missing, truncated or malformed file.
    func checkpoint() throws(CheckpointError) -> Checkpoint {
        switch place {
        case .folder(let folder): try Checkpoint(folder: folder)
        case .file(let gguf): try Checkpoint(gguf)
        }
    }

    /// Whether there is a tokenizer.
    var hasTokenizer: Bool {
        switch place {
        case .folder(let folder): FileContent.exists(folder + "/tokenizer.json")
        case .file(let gguf): gguf.hasTokenizer
        }
    }

    /// The model's tokenizer.
    ///
    /// Throws: `TokenizerError` or `CheckpointError` where it is missing or not usable.
    public func tokenizer() throws -> Tokenizer {
        switch place {
        case .folder(let folder): try Tokenizer.load(folder: folder)
        case .file(let gguf): try Tokenizer(tokenizerJSON: gguf.tokenizer())
        }
    }

    /// The model's chat templates, or the one of a file in their place.
    ///
    /// Throws: `ChatTemplateError` or `CheckpointError` where there is none or it cannot be read.
    public func chatTemplate(replacement: String? = nil) throws -> ModelChatTemplate {
        switch place {
        case .folder(let folder):
            try ModelChatTemplate(folder: folder, replacement: replacement)
        case .file(let gguf):
            try ModelChatTemplate(
                configuration: gguf.tokenizerConfiguration(), replacement: replacement)
        }
    }
}
