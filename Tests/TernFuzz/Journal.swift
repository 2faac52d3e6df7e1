// What a run is doing, in memory that outlives it: the input it reads, and counts. The supervisor
// looks there when the process is gone, or does not go on.

import Glibc

/// Memory shared between a supervisor and the process it started, over an inherited descriptor.
///
/// Layout: eight words (inputs begun, bytes of this one, microseconds and number of the slowest),
/// then the input.
final class Journal {
    /// The descriptor that a child finds its journal at.
    static let childDescriptor: Int32 = 3
    private static let headBytes = 64
    private static let inputBytes = 1 << 20

    private let memory: UnsafeMutableRawPointer
    /// To be given to a child; closed with the journal.
    let descriptor: Int32

    /// Makes a journal, or opens the one that was inherited.
    init(inherited: Bool) {
        if inherited {
            descriptor = Self.childDescriptor
        } else {
            var name = Array("/tmp/tern-fuzz-journal-XXXXXX".utf8CString)
            descriptor = mkstemp(&name)
            precondition(descriptor >= 0, "mkstemp: error \(errno)")
            unlink(name)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let code = ftruncate(descriptor, off_t(Self.headBytes + Self.inputBytes))
            precondition(code == 0, "ftruncate: error \(errno)")
        }
        let memory = mmap(
            nil, Self.headBytes + Self.inputBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
            descriptor, 0)
        guard let memory, memory != MAP_FAILED else {
            preconditionFailure("mmap of the journal: error \(errno)")
        }
        self.memory = memory
    }

    deinit {
        munmap(memory, Self.headBytes + Self.inputBytes)
        close(descriptor)
    }

    private subscript(word: Int) -> Int {
        get { memory.load(fromByteOffset: word * 8, as: Int.self) }
        set { memory.storeBytes(of: newValue, toByteOffset: word * 8, as: Int.self) }
    }

    /// Inputs that were begun.
    var count: Int { self[0] }
    /// Microseconds that the slowest input took, of processor time.
    var slowestMicroseconds: Int { self[2] }
    /// The number of that input.
    var slowestInput: Int { self[3] }

    /// The input that is being read.
    var input: [UInt8] {
        Array(UnsafeRawBufferPointer(start: memory + Self.headBytes, count: self[1]))
    }

    /// Notes an input before it is read.
    func begin(_ input: [UInt8]) {
        precondition(input.count <= Self.inputBytes, "an input of \(input.count) bytes")
        input.withUnsafeBytes {
            (memory + Self.headBytes).copyMemory(
                from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        self[1] = input.count
        self[0] += 1
    }

    /// Notes the time that the input took.
    func end(microseconds: Int) {
        guard microseconds > self[2] else { return }
        self[2] = microseconds
        self[3] = self[0] - 1
    }
}
