import TernPlanning
import TernTensor
import Testing

@Suite("The tree of sums")
struct SummationTreeTests {
    @Test(
        "Planning's tree and the backends' add the same parts in the same order", arguments: 1...8)
    func sameTree(parts: Int) {
        // Values so far apart that another order gives other bits.
        let values = (0..<parts).map { part -> Float in
            let scale: Float = part % 2 == 0 ? 1e7 : 0.37
            return scale * Float(part % 3 + 1)
        }
        let planned = SummationTree(parts: parts).sum(values, by: +)
        #expect(planned.bitPattern == ReferenceBackend.treeSum(values[...]).bitPattern)
    }
}
