// What this machine could do at best: bytes moved and operations done in a second, by the same threads
// that serve. Speeds are stated as shares of these. How each is measured is MachineProbe's.

import TernTensor

/// All limits of a machine, as measured.
public struct MachineLimits: Sendable, Equatable {
    /// Those that this processor has, in the order of `MachineLimit`.
    public let rates: [MachineRate]

    /// The rate of a limit; nil where this processor lacks it.
    public subscript(limit: MachineLimit) -> MachineRate? { rates.first { $0.limit == limit } }

    /// Measures all limits on a backend's threads, each for one of them and for all.
    ///
    /// `progress` hears the share that is done. Cost: some ten seconds where memory has 30 GB/s, and 1 GiB meanwhile.
    /// Throws: `StorageError`.
    public static func probe(
        _ backend: CPUBackend, progress: (Double) -> Void = { _ in }
    ) throws(StorageError) -> MachineLimits {
        let probe = try MachineProbe(backend)
        let limits = MachineLimit.allCases
        var rates: [MachineRate] = []
        for (index, limit) in limits.enumerated() {
            progress(Double(index) / Double(limits.count))
            if let rate = probe.rate(of: limit) { rates.append(rate) }
        }
        progress(1)
        return MachineLimits(rates: rates)
    }
}
