import Glibc
import TernCPU
import Testing

@Suite("Memory nodes")
struct MemoryNodeTests {
    /// A folder as /sys/devices/system is one, removed with the test.
    private final class SystemFolder {
        let path: String
        private var made: [String] = []

        init(_ files: [String: String]) throws {
            var template = Array("/tmp/tern-test-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
            made.append(path)
            for (name, content) in files {
                let parts = name.split(separator: "/")
                for count in 1..<parts.count {
                    let folder = path + "/" + parts[..<count].joined(separator: "/")
                    if mkdir(folder, 0o700) == 0 { made.append(folder) }
                }
                let file = try #require(fopen(path + "/" + name, "w"))
                fputs(content, file)
                fclose(file)
                made.append(path + "/" + name)
            }
        }

        deinit { for path in made.reversed() { remove(path) } }
    }

    private func nodes(_ lists: [String], of processors: [Int]) throws -> [[Int]] {
        let files = lists.enumerated().map { ("node/node\($0)/cpulist", $1) }
        let system = try SystemFolder(Dictionary(uniqueKeysWithValues: files))
        return MemoryNode.nodes(of: processors, system: system.path).map(\.processors)
    }

    @Test("Processors are found on their nodes")
    func found() throws {
        #expect(try nodes(["0-3\n"], of: [0, 1, 2, 3]) == [[0, 1, 2, 3]])
        #expect(try nodes(["0-1,4\n", "2-3\n"], of: [0, 1, 2, 3, 4]) == [[0, 1, 4], [2, 3]])
        let wide = try nodes((0..<11).map { "\($0)\n" }, of: Array(0..<11))
        #expect(wide == (0..<11).map { [$0] }, "node10 comes after node9")
    }

    @Test("Nodes without processors of ours are no nodes: memory alone, offline, or not allowed")
    func absent() throws {
        #expect(try nodes(["0-1\n", "\n", "2\n"], of: [0, 1, 2]) == [[0, 1], [2]])
        #expect(try nodes(["0-7\n", "8-15\n"], of: [9, 11]) == [[9, 11]])
        #expect(try nodes(["0-7\n", "8-15\n"], of: [6, 7, 8]) == [[6, 7], [8]])
    }

    @Test(
        "What is no division of our processors is one node",
        arguments: [
            ["0-1\n", "x\n"], ["0-1\n", "3-2\n"], ["0-1\n", "2,,3\n"], ["0-1\n", "2-\n"],
            ["0-1\n", "2 3\n"], ["0-2\n", "2-3\n"], ["0-1\n", "2\n"], ["0-1\n", "-3\n"],
            ["0-1\n", "2-99999999999999999999\n"], [],
        ])
    func fallback(lists: [String]) throws {
        #expect(try nodes(lists, of: [0, 1, 2, 3]) == [[0, 1, 2, 3]])
    }

    @Test("A node keeps its number, and other entries of the folder are none")
    func numbers() throws {
        let system = try SystemFolder([
            "node/node0/cpulist": "0\n", "node/node8/cpulist": "1\n", "node/nodes/cpulist": "2\n",
            "node/online": "0,8\n",
        ])
        #expect(
            MemoryNode.nodes(of: [0, 1], system: system.path) == [
                MemoryNode(number: 0, processors: [0]), MemoryNode(number: 8, processors: [1]),
            ])
        #expect(MemoryNode.nodes(of: [5], system: system.path + "/none").map(\.processors) == [[5]])
    }

    @Test("Processors of one core are neighbours")
    func cores() throws {
        var files = ["node/node0/cpulist": "0-3,8-11\n"]
        for processor in Array(0..<4) + Array(8..<12) {
            let core = processor % 8
            files["cpu/cpu\(processor)/topology/thread_siblings_list"] = "\(core),\(core + 8)\n"
        }
        let system = try SystemFolder(files)
        let found = MemoryNode.nodes(of: [0, 1, 2, 3, 8, 9, 10, 11], system: system.path)
        #expect(found.map(\.processors) == [[0, 8, 1, 9, 2, 10, 3, 11]])
    }

    @Test("This machine's processors are divided among its nodes")
    func thisMachine() {
        let processors = Processors.available()
        let nodes = MemoryNode.nodes(of: processors)
        #expect(nodes.flatMap(\.processors).sorted() == processors)
    }

    @Test("Lists are written as they are read")
    func lists() {
        for text in ["", "0", "0-3", "0-3,8,10-11", "65535"] {
            #expect(ProcessorList(parsing: text + "\n")?.description == text)
        }
        #expect(ProcessorList([9, 1, 0, 8, 4]).description == "0-1,4,8-9")
    }
}
