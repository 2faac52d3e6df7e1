// `tern inspect`: what a model is and how ranks would share it, without loading it.

import TernEngine
import TernPlanning

/// Shows a model's layout over ranks.
enum Inspect {
    static let command = Command(
        name: "inspect", summary: "Show a model, its memory, and what each rank would hold.",
        positionals: ["MODEL"], sections: [EngineFlags.section, ParallelFlags.section], run: run)

    private static func run(_ arguments: Arguments) throws {
        let configuration = try EngineFlags.configuration(arguments)
        let seen = try ModelInspection(configuration, freeBytes: Hardware.freeBytes)
        let hardware = try Hardware(arguments, configuration.topology)
        var lines = [
            "\(seen.model.architecture.rawValue): \(seen.parameters) parameters in \(seen.dtype)"
                + "\(seen.quantization.suffix), KV cache in \(seen.cacheType)",
            "\(seen.model.layers) layers, hidden \(seen.model.hiddenSize), inner "
                + "\(seen.model.intermediateSize), \(seen.model.queryHeads) query heads on "
                + "\(seen.model.keyValueHeads) of dimension \(seen.model.headDimension), "
                + "vocabulary \(seen.model.vocabularySize)",
        ]
        lines += seen.memory.lines
        lines += groups(seen)
        lines += seen.shares.map { line($0, place: hardware.place(of: $0.rank)) }
        lines += seen.shortage.map { ["this machine is too small: \($0)"] } ?? []
        Console.write(lines.joined(separator: "\n") + "\n")
    }

    private static func groups(_ seen: ModelInspection) -> [String] {
        let topology = seen.topology
        var kinds: [(String, GroupKind)] = [
            ("tensor (TP)", .tensor), ("sequence (SP)", .sequence), ("pipeline (PP)", .pipeline),
            ("shift (SP_TP)", .shift),
        ]
        if topology.headSharing(seen.model.keyValueHeads) > 1 {
            kinds.append(("SP_AA", .sequenceAllToAll(keyValueHeads: seen.model.keyValueHeads)))
            kinds.append(("SP_AG", .sequenceAllGather(keyValueHeads: seen.model.keyValueHeads)))
        }
        if let experts = topology.expertGroup {
            kinds.append(("expert (EP, \(experts.rawValue))", .expert(experts)))
        }
        return kinds.map { name, kind in
            let groups = topology.groups(kind).map { members in
                "[" + members.map(\.description).joined(separator: ",") + "]"
            }
            return "\(name): " + groups.joined()
        }
    }

    private static func line(_ share: ModelInspection.Share, place: String?) -> String {
        "rank \(share.rank): layers \(span(share.layers)), query heads \(span(share.queryHeads)), "
            + "key-value heads \(span(share.keyValueHeads)), "
            + (share.experts.map { "experts \($0.isEmpty ? "none" : span($0)), " } ?? "")
            + "activations "
            + "\(share.bufferBytes >> 20) MiB, KV cache \(share.cacheBytes >> 20) MiB"
            + (place.map { ", \($0)" } ?? "")
    }

    private static func span(_ range: Range<Int>) -> String {
        "\(range.lowerBound)..\(range.upperBound - 1)"
    }
}
