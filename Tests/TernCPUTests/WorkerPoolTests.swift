import Glibc
import TernCPU
import TernTensor
import Testing

@Suite("Worker pool")
struct WorkerPoolTests {
    @Test("A thousand pools come and go without leaving a thread")
    func lifetimes() throws {
        for _ in 0..<1000 { _ = try WorkerPool(processors: [0, 1, 2], pins: false) }
        #expect(try threadCount() < 200)
    }

    @Test(
        "Ten times more threads than processors still give the right answer, and do not stall",
        .timeLimit(.minutes(1)))
    func oversubscription() throws {
        let processors = Processors.available()
        let threads = Array((0..<10).map { _ in processors }.joined())
        let crowded = try CPUBackend(processors: threads, pins: false)
        let alone = try CPUBackend(processors: [0], pins: false)
        let weight = try randomWeight(blocks: [512], parts: [0, 256], dtype: .bfloat16, seed: 1)
        for (rows, runs) in [(3, 500), (60, 50), (400, 20)] {
            let input = try random([rows, 256], seed: 2)
            let expected = bits(try product(alone, input, weight))
            for _ in 0..<runs { #expect(try bits(product(crowded, input, weight)) == expected) }
        }
    }

    @Test("Every item is taken once, with more workers than stretches and with fewer")
    func itemsOnce() throws {
        for threads in [1, 2, 3, 8, 9, 21] {
            let backend = try CPUBackend(processors: Array(0..<threads), pins: false)
            // Wide enough for workers to be called, some of whose stretches are empty.
            for rows in [1, 7, 20, 40] {
                let ones = try Tensor(zeros: [rows, 20_000])
                ones.withElements(of: Float.self) { $0.update(repeating: 1) }
                let sums = try Tensor(zeros: [rows, 20_000])
                for _ in 0..<20 { backend.add(ones, to: sums) }
                sums.withElements(of: Float.self) { elements in
                    #expect(elements.allSatisfy { $0 == 20 }, "\(threads) threads, \(rows) rows")
                }
            }
        }
    }

    @Test("Workers that have gone to sleep come back")
    func sleeping() throws {
        let backend = try CPUBackend(processors: [0, 1, 2], pins: false)
        let weight = try randomWeight(blocks: [512], parts: [0, 256], dtype: .bfloat16, seed: 1)
        let input = try random([3, 256], seed: 2)
        let expected = bits(try product(backend, input, weight))
        for _ in 0..<20 {
            usleep(1000)
            #expect(try bits(product(backend, input, weight)) == expected)
        }
    }

    @Test("Kernels that do not exist are refused by name")
    func unknownKernels() {
        #expect {
            try CPUBackend(processors: [0], pins: false, kernels: "mmx")
        } throws: { error in
            "\(error)".contains("mmx") && "\(error)".contains("portable")
        }
    }

    private func threadCount() throws -> Int {
        let directory = try #require(opendir("/proc/self/task"))
        defer { closedir(directory) }
        var count = -2
        while readdir(directory) != nil { count += 1 }
        return count
    }
}
