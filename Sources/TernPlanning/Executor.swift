// Where plans are handed over: the seam between planning and the ranks that compute. In one
// process, in a child process or simulated, an executor sees values only; it decides nothing.

/// Runs plans and answers with their results, in plan order.
///
/// Several plans may be submitted before the first result is taken.
public protocol Executor {
    /// Hands a plan to every rank, without waiting for its result.
    ///
    /// Throws: when the ranks can take no more plans.
    func submit(_ plan: StepPlan) throws

    /// Waits for the result of the oldest plan that has none yet.
    ///
    /// Throws: when a rank failed or the deadline passed; the error names the rank.
    func nextResult(within deadline: Duration) throws -> StepResult
}
