import Glibc
import TernBench
import Testing

/// How a text is cut, and what is made of the sums.
@Suite("Perplexity")
struct PerplexityTests {
    @Test("Every token but the first is scored once, and never as the first of its window")
    func cuts() {
        for count in 0...40 {
            for length in 2...12 {
                for stride in 1...length {
                    let windows = PerplexityWindow.windows(
                        over: count, length: length, stride: stride)
                    let scored = windows.flatMap { Array($0.scored) }
                    // With a stride of the whole length the first of each has nothing before it.
                    let expected = (0..<count).filter {
                        $0 > 0 && (stride < length || $0 % length > 0)
                    }
                    #expect(scored == expected, "\(count) tokens, \(length), stride \(stride)")
                    for window in windows {
                        #expect(window.tokens.count <= length && !window.scored.isEmpty)
                        #expect(window.scored.lowerBound > window.tokens.lowerBound)
                        #expect(window.scored.upperBound == window.tokens.upperBound)
                        #expect(window.tokens.lowerBound % stride == 0)
                    }
                }
            }
        }
    }

    @Test("A token after the first window has all but a stride of the window before it")
    func contexts() {
        let windows = PerplexityWindow.windows(over: 1000, length: 64, stride: 16)
        for window in windows.dropFirst() {
            #expect(window.scored.lowerBound - window.tokens.lowerBound == 48)
        }
        #expect(windows.count == 60)
    }

    @Test("Two equally likely tokens have the perplexity 2, and one bit for each byte")
    func coin() {
        let report = PerplexityReport(
            windows: 1, scoredTokens: 10, textTokens: 11, textBytes: 11, nats: 10 * log(2))
        #expect(abs(report.perplexity - 2) < 1e-12)
        #expect(abs(report.bitsPerByte - 1) < 1e-12)
    }
}
