// Fuzzes config.json: whatever it says, a model is refused or runs, under topologies that shift too.

import TernEngine
import TernPlanning

/// The reader of configurations and all that follows its numbers.
enum ConfigurationTarget {
    static func prepare(_ corpus: Corpus, _ scratch: Scratch) throws -> FuzzTarget {
        let families = "Tests/Golden/families"
        let seeds = try corpus.names(in: families).flatMap {
            try corpus.files(in: families + "/" + $0, ending: "config.json")
        }
        return FuzzTarget(
            name: "config", language: .json, seeds: seeds, memoryBytes: 4 << 30
        ) { input in
            scratch.write("config.json", input)
            let sizes = [(1, 1), (2, 1), (1, 2), (2, 2)][input.count % 4]
            var configuration = TinyEngine.configuration(scratch.folder)
            configuration.loadFormat = .dummy
            configuration.topology = Topology(sequence: sizes.0, tensor: sizes.1)
            _ = Result { try TinyEngine.tryOut(configuration, prompt: [0]) }
        }
    }
}
