// Which tokens go to which of a rank's experts in one step: the tables that lead from tokens to
// experts' rows and back. It decides nothing; the router has, and each expert's part is given.

import TernPlanning
import TernTensor

/// The pairs of token and expert of a step, expert by expert, tokens ascending within each.
struct ExpertDispatch: Sendable {
    /// The token of each pair. Shape: `[tokens * perToken]`, int32.
    let tokens: Tensor
    /// The pair of each choice of a token; -1 for other ranks' experts. Shape: `[tokens, perToken]`, int32.
    let slots: Tensor
    /// The part of the sum that it belongs to: that of its expert among all. Shape: as `slots`.
    let parts: Tensor
    /// Where each expert's pairs begin, and where the last one's end. Shape: `[experts + 1]`.
    private let starts: Tensor
    /// The part of each expert. Shape: `[experts]`, int32.
    private let partOfExpert: Tensor
    /// All experts, cut into the parts of their sum.
    private let partition: Partition

    /// Reserves the tables of the largest step.
    ///
    /// `parts` is the number of parts of the sum over experts.
    init(experts: ExpertConfiguration, tokens: Int, parts: Int) throws(StorageError) {
        self.tokens = try Tensor(zeros: [tokens * experts.perToken], dtype: .int32)
        slots = try Tensor(zeros: [tokens, experts.perToken], dtype: .int32)
        self.parts = try Tensor(zeros: [tokens, experts.perToken], dtype: .int32)
        starts = try Tensor(zeros: [experts.count + 1], dtype: .int32)
        partOfExpert = try Tensor(zeros: [experts.count], dtype: .int32)
        let partition = Partition(count: experts.count, unit: 1, parts: parts)
        self.partition = partition
        partOfExpert.withElements(of: Int32.self) { table in
            for part in 0..<parts {
                for expert in partition[part] { table[expert] = Int32(part) }
            }
        }
    }

    /// Memory of all tables.
    var bytes: Int {
        4 * (tokens.shape.count + slots.shape.count + parts.shape.count)
            + 4 * (starts.shape.count + partOfExpert.shape.count)
    }

    /// The experts of a rank of those that divide them.
    func experts(of group: RankGroup) -> Range<Int> {
        partition.range(of: group.index, among: group.size)
    }

    /// The member that has an expert, of so many.
    func member(of expert: Int32, among members: Int) -> Int {
        partOfExpert.withElements(of: Int32.self) { Int($0[Int(expert)]) }
            / ((partition.boundaries.count - 1) / members)
    }

    /// Fills the tables from the experts of each token, for those experts that the rank has.
    /// Shape: `chosen [n, perToken]`, int32.
    func build(_ chosen: Tensor, own: Range<Int>) {
        let perToken = chosen.shape[1]
        chosen.withElements(of: Int32.self) { chosen in
            starts.withElements(of: Int32.self) { starts in
                count(chosen, own, into: starts)
                place(chosen, own, perToken: perToken, cursors: starts)
                // Each cursor stands where the next expert begins: back by one.
                for expert in stride(from: starts.count - 1, to: 0, by: -1) {
                    starts[expert] = starts[expert - 1]
                }
                starts[0] = 0
            }
        }
    }

    /// The pairs of one expert.
    func pairs(of expert: Int) -> Range<Int> {
        starts.withElements(of: Int32.self) { Int($0[expert])..<Int($0[expert + 1]) }
    }

    /// Number of all pairs.
    var pairs: Int {
        starts.withElements(of: Int32.self) { Int($0[$0.count - 1]) }
    }

    /// Sets each entry of `starts` to the number of pairs of the experts before it.
    private func count(
        _ chosen: UnsafeMutableBufferPointer<Int32>, _ own: Range<Int>,
        into starts: UnsafeMutableBufferPointer<Int32>
    ) {
        starts.update(repeating: 0)
        for expert in chosen where own.contains(Int(expert)) { starts[Int(expert) + 1] += 1 }
        for expert in 1..<starts.count { starts[expert] += starts[expert - 1] }
    }

    /// Gives each choice the next pair of its expert.
    private func place(
        _ chosen: UnsafeMutableBufferPointer<Int32>, _ own: Range<Int>, perToken: Int,
        cursors: UnsafeMutableBufferPointer<Int32>
    ) {
        tokens.withElements(of: Int32.self) { tokens in
            slots.withElements(of: Int32.self) { slots in
                parts.withElements(of: Int32.self) { parts in
                    partOfExpert.withElements(of: Int32.self) { partOfExpert in
                        for (choice, expert) in chosen.enumerated() {
                            parts[choice] = partOfExpert[Int(expert)]
                            slots[choice] = -1
                            guard own.contains(Int(expert)) else { continue }
                            let pair = cursors[Int(expert)]
                            cursors[Int(expert)] += 1
                            tokens[Int(pair)] = Int32(choice / perToken)
                            slots[choice] = pair
                        }
                    }
                }
            }
        }
    }
}
