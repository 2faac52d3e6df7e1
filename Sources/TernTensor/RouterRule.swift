// How the router of a mixture of experts chooses and weighs: a value that a model's layers give to
// `Backend.route`.

/// From logits to the experts of a token and their weights.
///
/// Source: the routers of Mixtral, Qwen3Moe, DeepseekV2 and DeepseekV3 in transformers.
public struct RouterRule: Sendable {
    /// What a logit becomes.
    public enum Scoring: Sendable, Equatable {
        /// Its share among all experts.
        case softmax
        /// `1 / (1 + exp(-logit))`, each expert on its own.
        case sigmoid
    }

    /// How good a group of experts is.
    public enum GroupScore: Sendable, Equatable {
        /// Its best expert (DeepSeek V2).
        case best
        /// The sum of its two best (DeepSeek V3).
        case sumOfTwoBest
    }

    /// Groups of neighbouring experts, of which only the best ones' experts are chosen.
    public struct Groups: Sendable, Equatable {
        /// How many groups there are, equal in size.
        public let count: Int
        /// How many of them are chosen; together they have an expert for each choice.
        public let chosen: Int
        /// By what.
        public let score: GroupScore

        /// The best `chosen` of `count` groups.
        public init(count: Int, chosen: Int, score: GroupScore) {
            self.count = count
            self.chosen = chosen
            self.score = score
        }
    }

    /// What a logit becomes.
    public let scoring: Scoring
    /// Added to scores for the choice, but not in the weights. Shape: `[experts]`.
    public let correction: Tensor?
    /// Chosen before experts are; nil where every expert may be chosen.
    public let groups: Groups?
    /// Whether the weights of a token are divided by their sum.
    public let renormalizes: Bool
    /// Multiplies the weights at last.
    public let factor: Float

    /// The best experts by softmax, but for what is given.
    public init(
        scoring: Scoring = .softmax, correction: Tensor? = nil, groups: Groups? = nil,
        renormalizes: Bool, factor: Float = 1
    ) {
        self.scoring = scoring
        self.correction = correction
        self.groups = groups
        self.renormalizes = renormalizes
        self.factor = factor
    }

    /// Added to a sum of weights that others are divided by, so that it is never zero.
    public static let leastSum: Float = 1e-20

    /// Whether choices are made by scores; by logits where these give the same order, since they
    /// need no exponential and do not saturate.
    public var choosesByScores: Bool { correction != nil || groups?.score == .sumOfTwoBest }
}
