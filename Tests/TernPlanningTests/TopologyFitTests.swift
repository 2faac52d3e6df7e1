import TernPlanning
import TernTesting
import Testing

@Suite("Topology: which models fit")
struct TopologyFitTests {
    private func shape(
        queries: Int = 8, keysValues: Int = 2, layers: Int = 12, experts: Int = 0
    ) -> ModelShape {
        ModelShape(
            queryHeads: queries, keyValueHeads: keysValues, layers: layers, experts: experts,
            vocabulary: 131, innerWidth: 100)
    }

    /// What a refusal says; nil where there is none.
    private func refusal(_ topology: Topology, _ shape: ModelShape) -> String? {
        do throws(TopologyError) {
            try topology.validate(shape)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("What fits is let through")
    func fits() {
        for topology in [
            Topology(), Topology(data: 64, pipeline: 12, sequence: 4, tensor: 2),
            Topology(sequence: 8), Topology(tensor: 8),
        ] {
            #expect(refusal(topology, shape()) == nil)
        }
        let mixture = Topology(data: 2, sequence: 2, expertGroup: .dataSequenceTensor)
        #expect(refusal(mixture, shape(experts: 4)) == nil)
    }

    @Test("Heads that cannot be cut are refused with the nearest sizes that work")
    func heads() {
        #expect(
            refusal(Topology(tensor: 4), shape(queries: 6, keysValues: 3))
                == "--ulysses-sequence-parallel-size 1 and --tensor-parallel-size 4 cannot divide "
                + "6 query heads and 3 key-value heads: head block 1 of 4 would have query heads "
                + "1..<3, which read parts of several key-value heads (2 queries read each); "
                + "nearest that work: -pp 4 -sp 1 -tp 1, -sp 1 -tp 3, -sp 3 -tp 1")
        #expect(
            refusal(Topology(pipeline: 8, tensor: 4), shape(queries: 64, keysValues: 8, layers: 5))
                == "--pipeline-parallel-size is 8; it must be at most 5, the model's layers; "
                + "nearest that work: -pp 4 -sp 2 -tp 4, -pp 4 -sp 1 -tp 8, -pp 2 -sp 4 -tp 4")
    }

    @Test("P has a limit, however large the sizes")
    func product() {
        #expect(
            refusal(Topology(sequence: 8, tensor: 4), shape(queries: 32, keysValues: 8))
                == "--ulysses-sequence-parallel-size is 8 and --tensor-parallel-size is 4; their "
                + "product must be at most 16; nearest that work: -pp 2 -sp 8 -tp 2, "
                + "-pp 2 -sp 4 -tp 4, -pp 4 -sp 8 -tp 1")
        let huge = refusal(
            Topology(pipeline: 1 << 62, sequence: 1 << 62, tensor: 1 << 62), shape())
        #expect(huge?.contains("; nearest that work: -pp 12 ") == true)
    }

    @Test("Replicas have a limit, and experts must exist to be divided")
    func limits() {
        #expect(
            refusal(Topology(data: 65), shape())
                == "--data-parallel-size is 65; it must be from 1 to 64")
        #expect(
            refusal(Topology(data: 2, expertGroup: .dataTensor), shape())
                == "--expert-parallel-group is dp-tp, but the model has no experts; leave "
                + "--enable-expert-parallel out")
    }

    @Test("What is named works, is not more than was asked for, and is as much as possible")
    func nearest() {
        for shape in [
            shape(queries: 14, keysValues: 2, layers: 3), shape(queries: 6, keysValues: 3),
            shape(queries: 1, keysValues: 1, layers: 1), shape(queries: 32, keysValues: 8),
        ] {
            let fitting = fittingSizes(shape, upTo: 32)
            withEveryTopology(worldSizes: Array(1...16) + [17, 24, 32]) { topology in
                do throws(TopologyError) {
                    try topology.validate(shape)
                } catch {
                    let count = topology.worldSize / topology.dataParallelSize
                    let named = error.nearest.map { $0.pipeline * $0.sequence * $0.tensor }
                    #expect((1...3).contains(named.count), "\(error)")
                    #expect(error.nearest.allSatisfy(fitting.contains), "\(error)")
                    #expect(named == named.sorted(by: >), "\(error)")
                    let most = fitting.map { $0.pipeline * $0.sequence * $0.tensor }
                        .filter { $0 <= count }.max()
                    #expect(named.first == most, "\(error)")
                }
            }
        }
    }

    /// All sizes of one replica that a model accepts.
    private func fittingSizes(_ shape: ModelShape, upTo count: Int) -> [ParallelSizes] {
        var fitting: [ParallelSizes] = []
        withEveryTopology(worldSizes: Array(1...count)) { topology in
            guard topology.dataParallelSize == 1, refusal(topology, shape) == nil else { return }
            fitting.append(
                ParallelSizes(
                    pipeline: topology.pipelineParallelSize,
                    sequence: topology.sequenceParallelSize, tensor: topology.tensorParallelSize))
        }
        return fitting
    }
}
