// `response_format`, and vLLM's `guided_json`: what the text of a reply must look like. Read here, made
// into a grammar before the request is admitted, so that what cannot be kept is refused by name.
//
// Source: OpenAI API reference, "Structured outputs"; vLLM's extra fields.

import TernJSON
import TernPlanning
import TernText

/// Reads the form of a reply.
enum ResponseFormatFields {
    /// The grammar of a reply; nil where it may be any text.
    static func grammar(
        _ fields: RequestFields, _ generator: some Generator
    ) throws(APIError) -> GrammarSource? {
        let format = try responseFormat(fields)
        let guide = try guide(fields)
        guard format == nil || guide == nil else {
            throw .field(
                "guided_json", found: "guided_json and response_format", expected: "one of them")
        }
        guard let (form, name) = format ?? guide else { return nil }
        do {
            return try generator.grammar(form)
        } catch {
            throw .grammar(error, name)
        }
    }

    private static func responseFormat(
        _ fields: RequestFields
    ) throws(APIError) -> (GrammarForm, String)? {
        let name = "response_format"
        guard let object = try fields.object(name) else { return nil }
        switch object["type"]?.string {
        case "text": return nil
        case "json_object": return (.object, name)
        case "json_schema":
            guard let described = object["json_schema"]?.object else {
                throw .field(
                    name + ".json_schema", found: object["json_schema"]?.shortText ?? "nothing",
                    expected: "an object with a name and a schema")
            }
            guard let schema = described["schema"], schema.object != nil else {
                throw .field(
                    name + ".json_schema.schema",
                    found: described["schema"]?.shortText ?? "nothing",
                    expected: "a JSON schema, an object")
            }
            return (.schema(schema), name)
        default:
            throw .field(
                name + ".type", found: object["type"]?.shortText ?? "nothing",
                expected: "text, json_object or json_schema")
        }
    }

    /// A schema as an object, or as the text of one.
    private static func guide(
        _ fields: RequestFields
    ) throws(APIError) -> (GrammarForm, String)? {
        let name = "guided_json"
        guard let value = fields[name] else { return nil }
        guard let text = value.string else { return (.schema(value), name) }
        do {
            return (.schema(try JSON(parsing: text)), name)
        } catch {
            throw .field(
                name, found: "a text that is no JSON (\(error))", expected: "a JSON schema")
        }
    }
}

extension APIError {
    /// A form that cannot be kept.
    static func grammar(_ error: GrammarError, _ parameter: String) -> APIError {
        APIError(
            .badRequest, "\(parameter): \(error)", parameter: parameter, code: "invalid_value")
    }
}
