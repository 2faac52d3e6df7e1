// How the child process of the ranks is started: which program, with which words. Which words there are
// is the program's concern.

import Glibc

/// The command line of a process that runs `RankService`.
public struct RankCommand: Sendable {
    /// The program.
    public let executable: String
    /// Its words after the name. For a restart they are told what the first start settled, which they
    /// must bring about again.
    public let words: @Sendable (RankSummary?) -> [String]

    /// A command.
    public init(
        executable: String = "/proc/self/exe",
        words: @escaping @Sendable (RankSummary?) -> [String]
    ) {
        self.executable = executable
        self.words = words
    }
}

/// The descriptors that the child finds open: one for its start and its end, then one for each
/// replica.
enum RankDescriptor {
    static let control: Int32 = 3
    static func replica(_ index: Int) -> Int32 { control + 1 + Int32(index) }
}
