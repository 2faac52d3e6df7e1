// Small worlds in full: every way to lay out so many ranks, so that what holds for all topologies
// is tried on all of them.

import TernPlanning

/// Calls a body with every topology (dp, pp, sp, tp) of these world sizes.
public func withEveryTopology(
    worldSizes: [Int], _ body: (Topology) throws -> Void
) rethrows {
    for world in worldSizes {
        for data in divisors(of: world) {
            for pipeline in divisors(of: world / data) {
                for sequence in divisors(of: world / data / pipeline) {
                    try body(
                        Topology(
                            data: data, pipeline: pipeline, sequence: sequence,
                            tensor: world / data / pipeline / sequence))
                }
            }
        }
    }
}

private func divisors(of number: Int) -> [Int] {
    (1...number).filter { number.isMultiple(of: $0) }
}
