// What a benchmark asks of an engine: how many tokens go in and come out, and when. Prompts are made
// here, of random ids, the same for the same seed. Files of traces are read by the command.

import TernPlanning

/// Requests by their sizes and times.
public struct Workload: Sendable, Equatable {
    /// One request.
    public struct Request: Sendable, Equatable {
        /// Tokens of the prompt.
        public var promptTokens: Int
        /// Tokens to generate.
        public var outputTokens: Int
        /// Seconds from the start until it is entered.
        public var arrival: Double

        /// A request, by default one that is there from the start.
        public init(promptTokens: Int, outputTokens: Int, arrival: Double = 0) {
            self.promptTokens = promptTokens
            self.outputTokens = outputTokens
            self.arrival = arrival
        }
    }

    /// The requests, in the order in which they were told.
    public let requests: [Request]

    /// A workload of requests as they are.
    public init(_ requests: [Request]) { self.requests = requests }

    /// So many equal requests, all at once.
    public init(count: Int, promptTokens: Int, outputTokens: Int) {
        let request = Request(promptTokens: promptTokens, outputTokens: outputTokens)
        requests = Array(repeating: request, count: count)
    }

    /// The same with arrivals and lengths multiplied; no length falls below 1.
    public func scaled(time: Double, length: Double) -> Workload {
        func scaled(_ tokens: Int) -> Int { max(1, Int((Double(tokens) * length).rounded())) }
        return Workload(
            requests.map {
                Request(
                    promptTokens: scaled($0.promptTokens), outputTokens: scaled($0.outputTokens),
                    arrival: $0.arrival * time)
            })
    }

    /// The same with the earliest request there from the start, and the others as long after it.
    public var fromFirstArrival: Workload {
        let first = requests.map(\.arrival).min() ?? 0
        return Workload(
            requests.map {
                Request(
                    promptTokens: $0.promptTokens, outputTokens: $0.outputTokens,
                    arrival: $0.arrival - first)
            })
    }

    /// The prompt of a request: random ids, a function of the seed, the request and the position.
    ///
    /// Source: the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    public func prompt(of request: Int, vocabularySize: Int, seed: UInt64) -> [TokenID] {
        let key = Self.mix(Self.mix(seed) ^ UInt64(request))
        return (0..<requests[request].promptTokens).map { position in
            let bits = Self.mix(key ^ UInt64(position))
            return TokenID(Int32(bits.multipliedFullWidth(by: UInt64(vocabularySize)).high))
        }
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
