// What `tern bench load` measured: how long an engine takes to be ready, beside what no start can do
// without, in the same run: its weights' files read once, and as much fresh memory as they take.

/// The start of an engine, repeated.
public struct LoadReport: Sendable, Equatable {
    /// Bytes of the files that hold the weights.
    public let fileBytes: Int
    /// Seconds to read them once, whole, by one thread, from the system's page cache.
    public let reading: Percentiles
    /// Seconds to touch as much new memory as the weights take, by one thread.
    public let freshMemory: Double
    /// Seconds until the engine takes requests.
    public let ready: Percentiles
    /// Seconds from there to the first token of a short prompt.
    public let firstToken: Percentiles
    /// Memory that was held then, of the start that held most.
    public let memory: ResidentBytes

    /// A report of measurements.
    public init(
        fileBytes: Int, reading: Percentiles, freshMemory: Double, ready: Percentiles,
        firstToken: Percentiles, memory: ResidentBytes
    ) {
        self.fileBytes = fileBytes
        self.reading = reading
        self.freshMemory = freshMemory
        self.ready = ready
        self.firstToken = firstToken
        self.memory = memory
    }

    /// How many times the reading takes the start takes, both at their medians.
    public var readyPerReading: Double { ready.median / reading.median }
}
