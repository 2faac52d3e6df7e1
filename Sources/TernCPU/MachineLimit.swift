// The limits that a step may run against, each with the name, the unit and the way in which a person
// and a program read of it. How they are measured is MachineProbe's.

import CTernKernels

/// One limit of a machine.
public enum MachineLimit: String, CaseIterable, Sendable {
    case memoryRead = "memory_read"
    case memoryCopy = "memory_copy"
    case float32 = "fp32_fma"
    case float16 = "fp16_fma"
    case bfloat16 = "bf16_dot"
    case int8 = "int8_dot"
    case bfloat16Tiles = "amx_bf16"
    case int8Tiles = "amx_int8"

    /// What a rate of it counts, per second.
    public enum Unit: Sendable {
        case bytes
        case operations
    }

    /// For a person, with the instruction where there is one.
    public var name: String {
        switch self {
        case .memoryRead: "memory read"
        case .memoryCopy: "memory copy, read + written"
        case .float32: "fp32 FMA"
        case .float16: "fp16 FMA (avx512_fp16)"
        case .bfloat16: "bf16 dot (vdpbf16ps)"
        case .int8: "int8 dot (vpdpbusd)"
        case .bfloat16Tiles: "bf16 tiles (AMX)"
        case .int8Tiles: "int8 tiles (AMX)"
        }
    }

    /// Bytes, or operations: a multiply-add is two.
    public var unit: Unit {
        switch self {
        case .memoryRead, .memoryCopy: .bytes
        case .float32, .float16, .bfloat16, .int8, .bfloat16Tiles, .int8Tiles: .operations
        }
    }

    /// The unit of arithmetic that only some processors have; nil where all have it.
    var unitOfArithmetic: UnsafePointer<tern_unit>? {
        let number: Int
        switch self {
        case .memoryRead, .memoryCopy, .float32: return nil
        case .float16: number = TERN_FLOAT16_FMA
        case .bfloat16: number = TERN_BFLOAT16_DOT
        case .int8: number = TERN_INT8_DOT
        case .bfloat16Tiles: number = TERN_BFLOAT16_TILES
        case .int8Tiles: number = TERN_INT8_TILES
        }
        return tern_unit_found(Int32(number))
    }
}

/// What was measured of one limit.
public struct MachineRate: Sendable, Equatable {
    /// Which limit.
    public let limit: MachineLimit
    /// Of one thread alone. Unit: as `limit.unit` says.
    public let perCore: Double
    /// Of all threads together.
    public let allCores: Double
    /// The fastest way on all cores: how many streams, which registers.
    public let way: String
}
