// What the composition root gives an engine to run on: devices for ranks and the memory there is.

import TernParallel
import TernPlanning
import TernTensor

/// The machine, as far as an engine has to know it.
public struct EngineHardware: Sendable {
    /// Memory that is free, in bytes.
    public var freeBytes: Int
    /// Makes a rank's backend; called on its own thread.
    public var backend: @Sendable (RankID, Topology) throws -> any Backend
    /// How long a rank that waits for a peer keeps its core. Zero where ranks share cores.
    public var spin: Duration
    /// Stands between a rank and its peers: for tests of faults.
    public var communicator: @Sendable (any Communicator) -> any Communicator = { $0 }

    /// A machine.
    public init(
        freeBytes: Int, spin: Duration = .microseconds(50),
        backend: @escaping @Sendable (RankID, Topology) throws -> any Backend
    ) {
        self.freeBytes = freeBytes
        self.spin = spin
        self.backend = backend
    }
}
