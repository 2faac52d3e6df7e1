// Station 3, and the face of everything behind it: a model folder becomes a running engine, a
// request a stream of events. It knows neither HTTP nor devices.

import Synchronization
import TernJSON
import TernModel
import TernPlanning
import TernTensor
import TernText

/// A model that answers.
///
/// Thread: every method may be called from any thread.
public final class Engine: Sendable {
    /// Text to tokens and back.
    public let tokenizer: Tokenizer
    /// What the model is.
    public let model: ModelConfiguration
    /// What of it is quantized.
    public let quantization: WeightQuantization
    /// What the model's authors suggest.
    public let samplingDefaults: SamplingDefaults

    /// When the ranks shift: as given, or as measured.
    public let shiftPolicy: ShiftPolicy

    private let schedulerConfiguration: SchedulerConfiguration
    private let endOfSequence: [TokenID]
    private let chat: ChatPrompt
    let grammars: GrammarStore
    private let seed: UInt64?
    /// Longer than any step may take, and some restarts: the loop itself ends a request whose step
    /// took too long.
    let eventDeadline: Duration
    private let counters = EngineCounters()
    private let queue: RequestQueue
    private let ranks: any RankHost
    private let groups: [ReplicaGroup]
    /// Replicas of each group.
    private let groupSize: Int
    private let router: Mutex<ReplicaRouter>
    private let nextRequest = Atomic<UInt64>(0)

    /// Loads a model in this process and starts its threads; blocks until it can answer.
    ///
    /// Throws: `CheckpointError`, `EngineError`, `TokenizerError` or `ParameterError`, a line each.
    public convenience init(
        _ configuration: EngineConfiguration, on hardware: EngineHardware,
        report: @escaping @Sendable (StartReport) -> Void = { _ in }
    ) throws {
        try self.init(configuration, ranks: .thisProcess(hardware), report: report)
    }

    /// The same with its ranks elsewhere. Those of a child process are started again when they end;
    /// `report` then hears of it, on a thread of its own.
    ///
    /// Throws: as above, where the first start fails.
    public convenience init(
        _ configuration: EngineConfiguration, ranks place: RankPlace,
        report: @escaping @Sendable (StartReport) -> Void
    ) throws {
        try self.init(configuration, report: report) { files, model, grammars in
            switch place {
            case .thisProcess(let hardware):
                try LocalRanks(
                    configuration, files, model: model, on: hardware, grammars: grammars,
                    report: report)
            case .childProcess(let command):
                try ProcessRanks(
                    command, configuration, vocabularySize: model.vocabularySize, report: report)
            }
        }
    }

    /// The same with any ranks, which are started when all else is read.
    init(
        _ configuration: EngineConfiguration, report: (StartReport) -> Void,
        ranks start: (ModelFiles, ModelConfiguration, GrammarStore) throws -> any RankHost
    ) throws {
        let files = try ModelFiles(configuration.folder)
        let model = try files.configuration()
        let defaults = try GenerationDefaults(files.generationConfiguration(), model: model)
        for note in defaults.notes { report(.note(note)) }
        try configuration.validate(model)
        let tokenizer = try configuration.tokenizer(files)
        self.tokenizer = tokenizer
        chat = try ChatPrompt(configuration, files, tokenizer: tokenizer)
        grammars = GrammarStore(tokenizer, vocabularySize: model.vocabularySize)
        self.model = model
        quantization = try configuration.quantization(of: model)
        samplingDefaults = defaults.sampling
        endOfSequence = defaults.endOfSequence
        seed = configuration.seed
        eventDeadline = configuration.stepDeadline * 4 + .seconds(60)
        queue = RequestQueue(configuration.queue)
        router = Mutex(
            ReplicaRouter(
                replicas: configuration.topology.dataParallelSize,
                blockSize: configuration.blockSize))
        groupSize = configuration.topology.lockstepSize
        ranks = try start(files, model, grammars)
        let scheduling = configuration.scheduler(
            maxModelLength: ranks.summary.memory.maxModelLength,
            blockCount: ranks.summary.memory.blockCount)
        schedulerConfiguration = scheduling
        shiftPolicy = ranks.summary.shiftFit?.policy ?? configuration.shiftPolicy
        groups = try Self.groups(
            configuration, scheduling, shiftPolicy, ranks, tokenizer, counters)
    }

    /// Starts the loops over ranks that are ready.
    private static func groups(
        _ configuration: EngineConfiguration, _ scheduling: SchedulerConfiguration,
        _ policy: ShiftPolicy, _ ranks: any RankHost, _ tokenizer: Tokenizer,
        _ counters: EngineCounters
    ) throws -> [ReplicaGroup] {
        let size = configuration.topology.lockstepSize
        var groups: [ReplicaGroup] = []
        do {
            try scheduling.validate()
            for index in 0..<configuration.topology.dataParallelSize / size {
                let lockstep = Lockstep(replicas: size, scheduling, policy: policy)
                groups.append(
                    try ReplicaGroup(
                        index, ranks: ranks, lockstep: lockstep, tokenizer: tokenizer,
                        counters: counters, configuration: configuration))
            }
        } catch {
            for group in groups { try group.stop(within: .seconds(60)) }
            try ranks.stop(within: .seconds(60))
            throw error
        }
        return groups
    }

    /// How memory was settled.
    public var memory: MemoryPlan { ranks.summary.memory }
    /// Type of weights that are not quantized, and of the cache.
    public var dtype: DType { ranks.summary.dtype }
    /// The type of keys and values in the cache.
    public var cacheType: DType { ranks.summary.cacheType }
    /// What steps of the model must at least do.
    public var cost: ModelCost {
        ModelCost(model, dtype: dtype, cacheType: cacheType, quantization: quantization)
    }
    /// Number of parameters.
    public var parameters: Int { ranks.summary.parameters }
    /// How the policy of the shift was measured, where it was.
    public var shiftFit: ShiftFit? { ranks.summary.shiftFit }

    /// The most tokens of a sequence.
    public var maxModelLength: Int { memory.maxModelLength }

    /// A snapshot of the counters.
    ///
    /// Cost: copies what the counters hold; the loops wait for it no longer than for a step's counts.
    public var metrics: EngineMetrics {
        var metrics = counters.snapshot
        metrics.ranks = ranks.status
        metrics.communicationBytes = ranks.communicationBytes
        return metrics
    }

    /// Why no more requests are taken, once that is so. Cost: constant.
    public var failure: EngineError? { counters.failure }

    /// Whether the ranks take plans, and their steps end. Cost: constant.
    public var isReady: Bool { ranks.status.areReady }

    /// The last steps.
    var history: StepHistory { counters.steps }

    /// Enters a request. `deliver` is called on the engine's thread, in order; it must not block.
    ///
    /// Throws: `EngineError` for a request that cannot be served; nothing is delivered then.
    public func submit(
        _ request: GenerationRequest, deliver: @escaping GenerationReceiver
    ) throws(EngineError) -> RequestID {
        try validate(request)
        // A replica whose rank failed would seem idle, and draw requests that another could serve.
        if let failure = counters.failure { throw EngineError(.unavailable, failure.message) }
        var request = request
        request.entry = RequestEntry(
            place: try queue.enter(promptTokens: request.prompt.count))
        let id = RequestID(rawValue: nextRequest.add(1, ordering: .relaxed).oldValue)
        let (replica, deliver) = route(request, deliver)
        let (group, member) = replica.quotientAndRemainder(dividingBy: groupSize)
        guard groups[group].submit(id, request, to: member, deliver) else {
            throw EngineError(.unavailable, counters.failure?.message ?? "the engine has stopped")
        }
        return id
    }

    /// Ends a request whose client left; its blocks are free when the plans in flight commit.
    public func cancel(_ id: RequestID) { for group in groups { group.cancel(id) } }

    /// The model's defaults with its end-of-sequence ids and a seed.
    public func defaultParameters(maxTokens: Int) -> SamplingParameters {
        var adjustments = LogitAdjustments()
        adjustments.repetitionPenalty = samplingDefaults.repetitionPenalty ?? 1
        return SamplingParameters(
            temperature: samplingDefaults.temperature ?? 1, topP: samplingDefaults.topP ?? 1,
            topK: samplingDefaults.topK ?? 0, minP: samplingDefaults.minP ?? 0,
            seed: seed ?? UInt64.random(in: .min ... .max), adjustments: adjustments,
            maxTokens: maxTokens, endOfSequenceIDs: endOfSequence)
    }

    /// How the model writes the calls of tools.
    public var toolCallFamily: ToolCallFamily { chat.toolCallFamily }

    /// Renders a conversation with the model's template and encodes it. `continuesFinalMessage` ends
    /// the prompt inside the last message, which excludes a generation prompt.
    ///
    /// Throws: `ChatTemplateError` where there is no template, or where it fails.
    public func chatPrompt(
        messages: JSON, tools: JSON? = nil, addGenerationPrompt: Bool = true,
        continuesFinalMessage: Bool = false, kwargs: JSONObject = JSONObject()
    ) throws -> [TokenID] {
        try chat.tokens(
            messages: messages, tools: tools, addGenerationPrompt: addGenerationPrompt,
            continuesFinalMessage: continuesFinalMessage, kwargs: kwargs)
    }

    /// Ends all requests and the threads.
    ///
    /// Throws: `EngineError` where a thread does not end in time. The other loops have ended then, all
    /// ranks remain, and it may be called again.
    public func stop(within deadline: Duration = .seconds(60)) throws(EngineError) {
        var first: EngineError?
        for group in groups {
            do { try group.stop(within: deadline) } catch { first = first ?? error }
        }
        // Ranks that left under a loop would leave it waiting for their results.
        if let first { throw first }
        try ranks.stop(within: deadline)
    }

    /// The replica of a request, and a receiver that takes the request off it at its end.
    private func route(
        _ request: GenerationRequest, _ deliver: @escaping GenerationReceiver
    ) -> (replica: Int, deliver: GenerationReceiver) {
        guard groups.count * groupSize > 1 else { return (0, deliver) }
        let room = maxModelLength - request.prompt.count
        let tokens =
            request.prompt.count + min(request.parameters.maxTokens, room) * request.choices
        let index = router.withLock {
            $0.choose(prompt: request.prompt, salt: request.cacheSalt, tokens: tokens)
        }
        let load = ReplicaLoad(choices: request.choices) { [weak self] in
            self?.router.withLock { $0.finished(replica: index, tokens: tokens) }
        }
        return (
            index,
            { event in
                load.observe(event)
                deliver(event)
            }
        )
    }

    private func validate(_ request: GenerationRequest) throws(EngineError) {
        do {
            try request.parameters.validate()
        } catch {
            throw EngineError(.invalid(parameter: error.parameter), error.description)
        }
        guard (1...128).contains(request.choices) else {
            throw EngineError(
                .invalid(parameter: "n"), "n is \(request.choices); it must be from 1 to 128")
        }
        let vocabulary = model.vocabularySize
        for (name, ids) in [
            ("prompt", request.prompt), ("stop_token_ids", request.parameters.stopTokenIDs),
        ] + request.parameters.adjustments.namedTokens {
            for id in ids where !(0..<vocabulary).contains(Int(id.rawValue)) {
                throw EngineError(
                    .invalid(parameter: name),
                    "\(name): token id \(id) is not in the vocabulary of \(vocabulary)")
            }
        }
        if let source = request.parameters.adjustments.grammar {
            do {
                try check(source)
            } catch {
                throw EngineError(.invalid(parameter: "response_format"), error.description)
            }
        }
        do {
            try schedulerConfiguration.checkFit(
                promptTokens: request.prompt.count, maxTokens: request.parameters.maxTokens)
        } catch {
            throw EngineError(.tooLong, error.description)
        }
    }
}

extension EngineConfiguration {
    /// The model's tokenizer. Where there is none and none is needed, or weights are dummies of a
    /// bare config.json, bytes are taken for tokens.
    func tokenizer(_ files: ModelFiles) throws -> Tokenizer {
        !files.hasTokenizer && (loadFormat == .dummy || !requiresTokenizer)
            ? try Tokenizer.ofBytes() : try files.tokenizer()
    }

    /// The scheduler's limits, once memory has settled the cache.
    fileprivate func scheduler(maxModelLength: Int, blockCount: Int) -> SchedulerConfiguration {
        SchedulerConfiguration(
            maxBatchedTokens: maxBatchedTokens, maxSequences: maxSequences,
            maxModelLength: maxModelLength, blockSize: blockSize, blockCount: blockCount,
            enablesPrefixCaching: enablesPrefixCaching,
            maxPlansInFlight: topology.pipelineParallelSize, maxLogitRows: maxLogitRows)
    }

    /// The policy of the shift until one is measured.
    var shiftPolicy: ShiftPolicy {
        switch shift {
        case .given(let policy): policy
        case .automatic:
            // Where nobody splits tokens the modes are the same, and are not told apart.
            ShiftPolicy(
                topology.sequenceParallelSize > 1
                    ? .threshold(Self.usualThreshold) : .pinned(.tensor))
        }
    }

    /// The reference's default.
    private static let usualThreshold = 512

    /// Checks what does not depend on memory, the scheduler's limits among it.
    func validate(_ model: ModelConfiguration) throws {
        guard blockSize % 16 == 0, (16...1024).contains(blockSize) else {
            throw EngineError(
                .invalid(parameter: "block-size"),
                "--block-size is \(blockSize); it must be a multiple of 16 from 16 to 1024")
        }
        if let length = maxModelLength, !(2...model.mostPositions).contains(length) {
            throw EngineError(
                .invalid(parameter: "max-model-len"),
                "--max-model-len is \(length); it must be from 2 to \(model.mostPositions), "
                    + "as max_position_embeddings and rope_scaling of config.json have it")
        }
        try scheduler(maxModelLength: maxModelLength ?? model.maxPositions, blockCount: 1)
            .validate()
    }
}
