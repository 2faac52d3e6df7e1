import TernPlanning
import Testing

@testable import TernEngine

extension Suspects {
    /// The sequences to give up after an end.
    fileprivate mutating func givenUp(_ inFlight: [SequenceID: Int]) -> [SequenceID] {
        ranksEnded(inFlight).givenUp
    }
}

@Suite("Who ended the ranks, and when they start again")
struct SuspectsTests {
    @Test("A sequence that is there at every end and gets no further is given up at the third")
    func poison() {
        var suspects = Suspects()
        #expect(suspects.givenUp([1: 10, 2: 4]) == [])
        #expect(suspects.givenUp([1: 0, 3: 4]) == [])
        #expect(suspects.givenUp([1: 10, 3: 5]) == [1])
        #expect(suspects.givenUp([3: 5]) == [], "it came further at its second end")
        #expect(suspects.givenUp([3: 5]) == [3])
    }

    @Test("One that gets further between ends is never given up, however many there are")
    func progress() {
        var suspects = Suspects()
        for tokens in 1...100 { #expect(suspects.givenUp([7: tokens]) == []) }
    }

    @Test("One that was not in flight at an end begins anew; an end of idle ranks blames nobody")
    func absence() {
        var suspects = Suspects()
        for _ in 0..<5 {
            #expect(suspects.givenUp([1: 3]) == [])
            #expect(suspects.givenUp([1: 3]) == [])
            #expect(suspects.givenUp([2: 3]) == [])
        }
        #expect(suspects.givenUp([4: 1]) == [])
        #expect(suspects.givenUp([:]) == [])
        #expect(suspects.givenUp([4: 1]) == [])
        #expect(suspects.givenUp([4: 1]) == [4])
    }

    @Test("Before anyone is given up, those that may be it are put on probation where they were")
    func probation() {
        var suspects = Suspects()
        #expect(suspects.ranksEnded([1: 10, 2: 4]).onProbation.isEmpty)
        #expect(suspects.ranksEnded([1: 0, 2: 5, 3: 4]).onProbation == [1: 10])
        #expect(suspects.ranksEnded([1: 11]) == Suspects.Verdict())
    }

    @Test(
        "Waits grow to 30 s while lives are short, and begin anew after one that was worth its start"
    )
    func backoff() {
        var backoff = RestartBackoff()
        func wait(_ life: Duration, _ start: Duration) -> Duration {
            backoff.wait(afterLifeOf: life, startedIn: start)
        }
        let waits = (0..<8).map { _ in wait(.milliseconds(100), .seconds(1)) }
        #expect(waits == [0, 1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        #expect(wait(.seconds(3), .seconds(60)) == .zero)
        #expect(wait(.zero, .milliseconds(1)) == .seconds(1))
        #expect(wait(.milliseconds(300), .milliseconds(200)) == .zero)
    }
}
