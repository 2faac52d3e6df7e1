// What can be fuzzed: a reader, texts it understands, the words of its language, and the bounds it
// must keep to. How texts are changed is the mutators' business, how faults are seen the
// supervisor's.

/// What an input is, so that changes to it make sense.
enum InputLanguage: Sendable {
    /// JSON: changed as a tree as well as byte by byte.
    case json
    /// Words, put together anew.
    case words
    /// A binary head, then data; numbers are little-endian.
    case binary
}

/// A reader under attack.
struct FuzzTarget {
    /// What the command line calls it.
    let name: String
    let language: InputLanguage
    /// Inputs that are right, to be changed.
    let seeds: [[UInt8]]
    /// Words of the language.
    var words: [String] = []
    /// The most bytes of an input.
    var inputBytes = 1 << 16
    /// Memory that the process may have beyond what it has when the first input comes.
    var memoryBytes = 1 << 30
    /// Reads an input. A refusal is no fault: only what ends the process is.
    let read: (_ input: [UInt8]) -> Void
}

/// The targets by name; each is prepared in the process that runs it.
enum FuzzTargets {
    /// What makes a target of the files in the repository, with a folder for files of its own.
    typealias Preparation = @Sendable (_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget

    /// All of them, in the order in which they run.
    static let all: [(name: String, prepare: Preparation)] = [
        ("json", JSONTarget.prepare), ("safetensors", SafetensorsTarget.prepare),
        ("quantized", QuantizedTarget.prepare), ("gguf", GGUFTarget.prepare),
        ("config", ConfigurationTarget.prepare),
        ("tokenizer", TokenizerTarget.prepare), ("template", TemplateTarget.prepare),
        ("schema", SchemaTarget.prepare),
        ("request", RequestTarget.prepare), ("http", HTTPTarget.prepare),
    ]
}
