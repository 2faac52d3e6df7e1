// Why a CPU backend could not be made. Ops never throw: what they are given is checked by
// preconditions.

import Glibc
import TernTensor

/// A refusal at start.
public enum CPUBackendError: Error, CustomStringConvertible {
    case unknownKernels(name: String, available: [String])
    case pinning(processor: Int, cause: Int32)
    case thread(cause: Int32)
    case scratch(StorageError)

    /// One line for a person.
    public var description: String {
        switch self {
        case .unknownKernels(let name, let available):
            "kernels: \(name) cannot run here, expected one of "
                + available.joined(separator: ", ")
        case .pinning(let processor, let cause):
            "threads: processor \(processor) refused: \(String(cString: strerror(cause)))"
        case .thread(let cause):
            "threads: the system starts no more: \(String(cString: strerror(cause)))"
        case .scratch(let error):
            "scratch: \(error)"
        }
    }
}
