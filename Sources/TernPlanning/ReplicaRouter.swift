// Between stations 3 and 4 of the walk, where an engine has replicas: which of them gets a request.
// It knows what was sent and what has finished, and guesses what their prefix caches hold; it
// never asks them.

/// Chooses the replica of each request: the least loaded, or one that lately got a prompt with the
/// same beginning, if its load is not much more.
///
/// Beginnings are remembered at 1, 2, 4, … full blocks, each with the replica that got it last;
/// the longest one that is known decides. Only hashes are kept: two beginnings taken for one cost
/// a prefix hit, not an answer.
///
/// Cost of a choice: linear in the prompt and in the replicas.
public struct ReplicaRouter: Sendable {
    /// Tokens outstanding at each replica.
    public private(set) var loads: [Int]
    /// Tokens in a block of the replicas' KV caches.
    public let blockSize: Int
    /// By how many tokens a replica with the right prefix may be above the least loaded one.
    public let allowedExcess: Int

    /// Beginnings remembered in each generation.
    private let generationSize: Int
    /// The replicas by beginnings. When the young generation is full it becomes the old one, whose
    /// entries are forgotten; what is used meanwhile becomes young again.
    private var young: [Int: Int] = [:]
    private var old: [Int: Int] = [:]

    /// Makes a router of idle replicas. `capacity`: the most beginnings it remembers.
    public init(
        replicas: Int, blockSize: Int, allowedExcess: Int = 4096, capacity: Int = 1 << 16
    ) {
        precondition(
            replicas >= 1 && blockSize >= 1 && allowedExcess >= 0 && capacity >= 2,
            "\(replicas) replicas, blocks of \(blockSize), \(capacity) beginnings")
        loads = Array(repeating: 0, count: replicas)
        self.blockSize = blockSize
        self.allowedExcess = allowedExcess
        generationSize = capacity / 2
    }

    /// Number of beginnings it remembers.
    public var rememberedCount: Int { young.count + old.count }

    /// Sends a request to a replica. `tokens`: what it will cost there, to be given back with
    /// `finished`.
    public mutating func choose(prompt: [TokenID], salt: String?, tokens: Int) -> Int {
        let keys = beginnings(of: prompt, salt: salt)
        let replica = familiarReplica(keys) ?? leastLoaded
        for key in keys { remember(key, at: replica) }
        loads[replica] += tokens
        return replica
    }

    /// Takes a request's tokens off its replica.
    public mutating func finished(replica: Int, tokens: Int) {
        precondition(
            tokens <= loads[replica],
            "replica \(replica) finished \(tokens) tokens of \(loads[replica])")
        loads[replica] -= tokens
    }

    /// The first among the least loaded.
    private var leastLoaded: Int {
        loads.indices.min { loads[$0] < loads[$1] } ?? 0
    }

    /// The replica that knows the longest of these beginnings and is not too busy.
    private func familiarReplica(_ keys: [Int]) -> Int? {
        let limit = loads[leastLoaded] + allowedExcess
        for key in keys.reversed() {
            if let replica = young[key] ?? old[key], loads[replica] <= limit { return replica }
        }
        return nil
    }

    /// Hashes of a prompt's first 1, 2, 4, … full blocks under its salt.
    private func beginnings(of prompt: [TokenID], salt: String?) -> [Int] {
        var hasher = Hasher()
        // By bytes, for strings of different bytes may be equal.
        hasher.combine(salt.map { Array($0.utf8) })
        var keys: [Int] = []
        var (start, end) = (0, blockSize)
        while end <= prompt.count {
            for token in prompt[start..<end] { hasher.combine(token) }
            keys.append(hasher.finalizedCopy)
            (start, end) = (end, 2 * end)
        }
        return keys
    }

    private mutating func remember(_ key: Int, at replica: Int) {
        if young[key] == nil && young.count == generationSize {
            old = young
            young = [:]
        }
        young[key] = replica
        old[key] = nil
    }
}

extension Hasher {
    /// The hash of what was combined so far; more can be combined after it.
    fileprivate var finalizedCopy: Int {
        let copy = self
        return copy.finalize()
    }
}
