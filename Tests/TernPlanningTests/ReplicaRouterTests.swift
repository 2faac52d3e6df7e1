import TernPlanning
import Testing

@Suite("ReplicaRouter")
struct ReplicaRouterTests {
    private func prompt(_ first: Int, _ count: Int) -> [TokenID] {
        (first..<first + count).map { TokenID($0) }
    }

    @Test("Unlike prompts go to the least loaded replica, the first of equals")
    func leastLoaded() {
        var router = ReplicaRouter(replicas: 3, blockSize: 4)
        let chosen = [30, 10, 20, 5, 10].enumerated().map { index, tokens in
            router.choose(prompt: prompt(index * 100, 8), salt: nil, tokens: tokens)
        }
        #expect(chosen == [0, 1, 2, 1, 1])
        #expect(router.loads == [30, 25, 20])
        router.finished(replica: 0, tokens: 30)
        #expect(router.choose(prompt: prompt(900, 8), salt: nil, tokens: 1) == 0)
    }

    @Test("A known beginning goes where it went, while that replica is not too busy")
    func affinity() {
        var router = ReplicaRouter(replicas: 2, blockSize: 4, allowedExcess: 50)
        let turn = prompt(0, 9)
        #expect(router.choose(prompt: turn, salt: nil, tokens: 50) == 0)
        #expect(router.choose(prompt: turn + prompt(500, 9), salt: nil, tokens: 1) == 0)
        #expect(router.choose(prompt: turn, salt: nil, tokens: 9) == 1, "51 tokens more")
        #expect(router.choose(prompt: turn, salt: nil, tokens: 1) == 1, "it went there last")
    }

    @Test("The longest known beginning decides")
    func longest() {
        var router = ReplicaRouter(replicas: 2, blockSize: 4, allowedExcess: 100)
        let (shared, one, other) = (prompt(0, 4), prompt(100, 8), prompt(200, 8))
        #expect(router.choose(prompt: shared + one, salt: nil, tokens: 101) == 0)
        #expect(router.choose(prompt: shared + other, salt: nil, tokens: 50) == 1)
        #expect(router.choose(prompt: shared + one, salt: nil, tokens: 1) == 0)
        #expect(router.choose(prompt: shared + other, salt: nil, tokens: 1) == 1)
    }

    @Test("Salts and prompts below a block share nothing")
    func separation() {
        var router = ReplicaRouter(replicas: 4, blockSize: 4)
        let salts: [String?] = [nil, "a", "", "\u{E9}"]
        let chosen = salts.map { router.choose(prompt: prompt(0, 8), salt: $0, tokens: 1) }
        #expect(chosen == [0, 1, 2, 3])
        #expect(router.choose(prompt: prompt(0, 8), salt: "e\u{301}", tokens: 1) == 0)
        var short = ReplicaRouter(replicas: 2, blockSize: 4)
        #expect(
            (0..<2).map { _ in short.choose(prompt: [1, 2, 3], salt: nil, tokens: 1) } == [0, 1])
        #expect(short.rememberedCount == 0)
    }

    @Test("The table is bounded; what is used stays, what is not is forgotten")
    func bounds() {
        var router = ReplicaRouter(replicas: 2, blockSize: 1, allowedExcess: 1 << 30, capacity: 8)
        _ = router.choose(prompt: [1], salt: nil, tokens: 5)
        _ = router.choose(prompt: [2], salt: nil, tokens: 7)
        for index in 10..<40 {
            _ = router.choose(prompt: [TokenID(index)], salt: nil, tokens: 0)
            #expect(router.choose(prompt: [2], salt: nil, tokens: 0) == 1)
            #expect(router.rememberedCount <= 8)
        }
        router.finished(replica: 0, tokens: 5)
        router.finished(replica: 1, tokens: 7)
        _ = router.choose(prompt: [99], salt: nil, tokens: 3)
        #expect(router.choose(prompt: [1], salt: nil, tokens: 1) == 1, "forgotten: least loaded")
    }

    @Test("No replica is ever above the least by more than the excess and one request")
    func balance() {
        for seed in SeededRandom.seeds(4) {
            print("router: seed \(seed)")
            var random = SeededRandom(seed: seed)
            var router = ReplicaRouter(replicas: 4, blockSize: 4, allowedExcess: 64)
            var outstanding: [(replica: Int, tokens: Int)] = []
            for _ in 0..<2000 {
                if random.happens(percent: 55) || outstanding.isEmpty {
                    let tokens = Int.random(in: 1...32, using: &random)
                    let first = Int.random(in: 0...3, using: &random)
                    let least = router.loads.min() ?? 0
                    let replica = router.choose(
                        prompt: prompt(first, 16), salt: nil, tokens: tokens)
                    #expect(router.loads[replica] - tokens <= least + 64, "seed \(seed)")
                    outstanding.append((replica, tokens))
                } else {
                    let index = Int.random(in: outstanding.indices, using: &random)
                    let request = outstanding.remove(at: index)
                    router.finished(replica: request.replica, tokens: request.tokens)
                }
            }
            for request in outstanding {
                router.finished(replica: request.replica, tokens: request.tokens)
            }
            #expect(router.loads == [0, 0, 0, 0], "seed \(seed)")
        }
    }
}
