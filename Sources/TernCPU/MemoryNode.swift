// Which processors are near which memory, as the system tells it. Who runs where is decided by
// RankPlacement; memory comes to lie on the node of the thread that touches it first.

import Glibc

/// A memory node (NUMA) and those of its processors that this process may use.
public struct MemoryNode: Sendable, Equatable {
    /// As the system numbers it.
    public let number: Int
    /// Processors of one core next to each other, cores in order: whoever divides them keeps cores
    /// whole where it can.
    public let processors: [Int]

    /// A node as it is.
    public init(number: Int, processors: [Int]) {
        self.number = number
        self.processors = processors
    }

    /// The nodes that some of the processors belong to, in the order of their numbers.
    ///
    /// Where the system does not tell, or what it tells is not a division of these processors,
    /// all are one node. `system` is the folder that tells.
    public static func nodes(
        of processors: [Int], system: String = "/sys/devices/system"
    ) -> [MemoryNode] {
        let cores = coreOrder(processors, system)
        let usable = Set(processors)
        var nodes: [MemoryNode] = []
        for number in numbers(in: system + "/node") {
            guard let list = ProcessorList(file: "\(system)/node/node\(number)/cpulist") else {
                return [MemoryNode(number: 0, processors: cores)]
            }
            let own = Set(list.numbers).intersection(usable)
            guard !own.isEmpty else { continue }
            nodes.append(MemoryNode(number: number, processors: cores.filter(own.contains)))
        }
        let isDivision = nodes.flatMap(\.processors).sorted() == usable.sorted()
        return isDivision ? nodes : [MemoryNode(number: 0, processors: cores)]
    }

    /// By the first processor of their core, then by number.
    private static func coreOrder(_ processors: [Int], _ system: String) -> [Int] {
        let cores = processors.map { processor in
            let path = "\(system)/cpu/cpu\(processor)/topology/thread_siblings_list"
            return (ProcessorList(file: path)?.numbers.min() ?? processor, processor)
        }
        return cores.sorted(by: <).map(\.1)
    }

    /// Of the folders `node0`, `node1` and so on; ascending.
    private static func numbers(in path: String) -> [Int] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var numbers: [Int] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("node"), let number = UInt16(name.dropFirst(4)) else { continue }
            numbers.append(Int(number))
        }
        return numbers.sorted()
    }
}
