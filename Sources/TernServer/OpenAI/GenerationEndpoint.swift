// The endpoints that generate, each as a value: how its requests are read and how its replies are
// told. The routes of HTTP and the lines of a batch both find them here.

/// An endpoint that generates.
struct GenerationEndpoint: Sendable {
    /// The path that names it.
    let path: String
    /// The objects of its replies.
    let shape: any ReplyShape
    /// What a request asks for.
    let call: @Sendable (RequestFields, ServedModel) throws(APIError) -> GenerationCall

    /// All of them.
    static let all = [
        GenerationEndpoint(path: "/v1/completions", shape: CompletionShape()) {
            fields, model throws(APIError) in try Completions.call(fields, model: model)
        },
        GenerationEndpoint(path: "/v1/chat/completions", shape: ChatShape()) {
            fields, model throws(APIError) in try ChatCompletions.call(fields, model: model)
        },
    ]
}
