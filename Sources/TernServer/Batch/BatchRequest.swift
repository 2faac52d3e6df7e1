// One line of a batch's input: the name that its answer will bear, and the request as an endpoint
// reads it. Without a name nobody could tell the answer, so such a line ends the batch; whatever else
// is wrong is the answer.
//
// Source: OpenAI API reference, "The request input object" of batches.

import TernJSON

/// A named request.
struct BatchRequest {
    /// `custom_id`, as bytes: composed and decomposed spellings are two names.
    let name: [UInt8]
    private let line: JSON

    /// Reads a line.
    ///
    /// Throws: `BatchError` without the place, where the line has no name.
    init(_ bytes: [UInt8]) throws(BatchError) {
        do {
            line = try JSON(parsing: bytes)
        } catch {
            throw BatchError("expected a JSON object with a custom_id; \(error)")
        }
        guard let name = line["custom_id"]?.string, !name.isEmpty else {
            throw BatchError(
                "custom_id: found \(line["custom_id"]?.shortText ?? "nothing"); "
                    + "expected a string that names the line's answer")
        }
        self.name = Array(name.utf8)
    }

    /// The endpoint and what the request asks of it.
    func call(
        of model: ServedModel
    ) throws(APIError) -> (endpoint: GenerationEndpoint, call: GenerationCall) {
        guard line["method"] == "POST" else {
            throw .field(
                "method", found: line["method"]?.shortText ?? "nothing", expected: "\"POST\"")
        }
        let paths = GenerationEndpoint.all.map { "\"\($0.path)\"" }.joined(separator: " or ")
        let url = line["url"] ?? .null
        guard let endpoint = GenerationEndpoint.all.first(where: { url == .string($0.path) })
        else {
            throw APIError(
                .notFound, "url: found \(url.shortText); expected \(paths)", parameter: "url",
                code: "invalid_url")
        }
        guard let body = line["body"]?.object else {
            throw .field(
                "body", found: line["body"]?.shortText ?? "nothing", expected: "an object")
        }
        let call = try endpoint.call(RequestFields(body), model)
        guard !call.streams else {
            throw .field("stream", found: "true", expected: "false, for a batch has no streams")
        }
        return (endpoint, call)
    }
}

/// One line of a batch's output.
///
/// Source: OpenAI API reference, "The request output object" of batches. A failure is told twice: as
/// the response that HTTP would have given, and as `error`, for readers look at either.
struct BatchAnswer {
    /// The name of the request.
    let name: [UInt8]
    /// What came of it.
    let result: Result<JSON, APIError>

    /// How every line begins, so that a torn one is known for what it is.
    static let beginning = #"{"id":"batch_req_"#

    /// The line, its break included.
    var text: String {
        let response: (status: HTTPStatus, body: JSON, error: JSON) =
            switch result {
            case .success(let body): (.ok, body, .null)
            case .failure(let error):
                (
                    error.status, error.json,
                    [
                        "code": .string(error.code ?? "request_failed"),
                        "message": .string(error.message),
                    ]
                )
            }
        let line: JSON = [
            "id": .string("batch_req_" + RandomName.make()),
            "custom_id": .string(String(decoding: name, as: UTF8.self)),
            "response": [
                "status_code": .integer(response.status.rawValue),
                "request_id": .string(RandomName.make()), "body": response.body,
            ], "error": response.error,
        ]
        return line.text() + "\n"
    }
}
