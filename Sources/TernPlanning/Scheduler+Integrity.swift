// The scheduler's invariants, written down as checks. Tests run them after each step; a server
// never does. They look at everything and repair nothing.

extension Scheduler {
    /// Checks the scheduler, its pool of blocks and its prefix cache against each other.
    ///
    /// Throws: the first contradiction, with both values. Cost: linear in all of them.
    public func checkIntegrity() throws(IntegrityError) {
        try checkOrder()
        try checkProgress()
        try checkChunks()
        try checkBlocks()
        try blocks.pool.checkIntegrity()
        try blocks.cache?.checkIntegrity()
        try checkCachedBlocks()
    }

    /// Names are unique, sequences stand in the order of their turns and arrivals, and limits hold.
    private func checkOrder() throws(IntegrityError) {
        let everyone = running + waiting.inOrder
        for (older, younger) in zip(everyone, everyone.dropFirst()) {
            try IntegrityError.check(
                older.precedes(younger),
                "sequence \(older.id) stands before \(younger.id) but came after it")
        }
        try IntegrityError.check(
            Set(everyone.map(\.id)) == names && names.count == everyone.count,
            "\(everyone.count) sequences under \(names.count) names")
        try IntegrityError.check(
            running.count <= configuration.maxSequences,
            "\(running.count) sequences run, at most \(configuration.maxSequences) may")
        try IntegrityError.check(
            running.count { $0.probation != nil } <= 1, "two sequences on probation run at once")
        try IntegrityError.check(
            plansInFlight.count <= configuration.maxPlansInFlight,
            "\(plansInFlight.count) plans fly, at most \(configuration.maxPlansInFlight) may")
    }

    /// Each sequence is as far as the plans in flight say.
    private func checkProgress() throws(IntegrityError) {
        for sequence in waiting.inOrder {
            try IntegrityError.check(
                sequence.state == .waiting && sequence.blockTable.isEmpty
                    && sequence.scheduledCount == 0 && sequence.plansInFlight == 0,
                "sequence \(sequence.id) waits but holds blocks or is in flight")
        }
        for sequence in running {
            var end = sequence.computedCount
            let spans = plansInFlight.flatMap(\.spans).filter { $0.sequence == sequence.id }
            for span in spans {
                try IntegrityError.check(
                    span.firstPosition == end,
                    "sequence \(sequence.id): a span begins at \(span.firstPosition), not \(end)")
                end = span.positions.upperBound
            }
            try IntegrityError.check(
                end == sequence.scheduledCount && end <= sequence.tokenCount,
                "sequence \(sequence.id): spans end at \(end), \(sequence.scheduledCount) of "
                    + "\(sequence.tokenCount) tokens are scheduled")
            try IntegrityError.check(
                spans.count == sequence.plansInFlight && sequence.state != .waiting
                    && !sequence.isGone,
                "sequence \(sequence.id) is \(sequence.state) with \(spans.count) spans in flight,"
                    + " by its own count \(sequence.plansInFlight)")
        }
    }

    /// All but the youngest running sequence lack at most the token that was drawn last.
    private func checkChunks() throws(IntegrityError) {
        for sequence in running.dropLast() where sequence.state == .running {
            try IntegrityError.check(
                sequence.unscheduledCount <= 1,
                "sequence \(sequence.id) lacks \(sequence.unscheduledCount) tokens, yet a "
                    + "younger one was admitted")
        }
    }

    /// Tables hold what is scheduled, reference counts equal the tables' uses, and no block is in
    /// two tables unless it is cached and at the same place in both.
    private func checkBlocks() throws(IntegrityError) {
        var uses = Array(repeating: Int32(0), count: configuration.blockCount)
        var places: [BlockID: Int] = [:]
        for sequence in running {
            try IntegrityError.check(
                sequence.blockTable.count >= configuration.blocks(for: sequence.scheduledCount),
                "sequence \(sequence.id) has \(sequence.blockTable.count) blocks for "
                    + "\(sequence.scheduledCount) scheduled tokens")
            for (place, block) in sequence.blockTable.enumerated() {
                uses[block.index] += 1
                let other = places.updateValue(place, forKey: block)
                try IntegrityError.check(
                    other == nil || (other == place && blocks.cache?.contains(block) == true),
                    "block \(block) is at \(other ?? place) of one table and \(place) of another")
            }
        }
        for (block, count) in blocks.pool.referenceCounts.enumerated() {
            try IntegrityError.check(
                count == uses[block],
                "block \(block) has \(count) references and is in \(uses[block]) tables")
        }
    }

    /// Unused blocks are cached if and only if they can be found.
    private func checkCachedBlocks() throws(IntegrityError) {
        let cached = Set(blocks.pool.cachedBlocks)
        for index in 0..<configuration.blockCount where !blocks.pool.isUsed(BlockID(index)) {
            let block = BlockID(index)
            let isFindable = blocks.cache?.contains(block) ?? false
            try IntegrityError.check(
                cached.contains(block) == isFindable,
                "unused block \(block): cached is \(!isFindable), findable is \(isFindable)")
        }
    }
}

extension Sequence {
    /// Whether it belongs before another: admitted ones by their turns, then by arrival.
    fileprivate func precedes(_ other: Sequence) -> Bool {
        switch (turn, other.turn) {
        case (let turn?, let other?): turn < other
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): arrival < other.arrival
        }
    }
}
