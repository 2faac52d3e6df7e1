// swift-tools-version: 6.2
import PackageDescription

/// Warnings stop the build: the house has none.
let swift: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Libraries are optimized in every configuration, as kernels are, for tests spend their time
/// there; a debug build keeps its assertions and their messages.
let optimized: [SwiftSetting] =
    swift + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

/// Kernels are optimized in every configuration, tests included. Contraction is off, so that
/// a multiply and an add are fused only where the source says so, and bits do not depend on
/// the instruction set.
let kernels: [CSetting] = [
    .unsafeFlags(["-O3", "-std=c17", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"])
]

/// The files of the web page, which travel in the executable.
let page = ["index.html", "page.css", "icon.svg", "chat.js", "stream.js", "strip.js"].map {
    Resource.embedInCode("Page/" + $0)
}

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: optimized,
        linkerSettings: [.linkedLibrary("m")])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swift)
}

let package = Package(
    name: "tern",
    products: [.executable(name: "tern", targets: ["tern"])],
    targets: [
        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(
            name: "CUTF8Proc", providers: [.apt(["libutf8proc-dev"])]),
        .systemLibrary(
            name: "CLibevent", pkgConfig: "libevent", providers: [.apt(["libevent-dev"])]),
        .target(name: "CTernThreads", cSettings: kernels),
        .target(name: "CTernKernels", dependencies: ["CTernThreads"], cSettings: kernels),
        library("TernJSON"),
        library("TernPlanning"),
        library("TernText", ["TernJSON", "CPCRE2", "CUTF8Proc"]),
        library("TernTensor"),
        library("TernParallel", ["CTernThreads", "TernTensor", "TernPlanning"]),
        library("TernCPU", ["CTernKernels", "CTernThreads", "TernTensor"]),
        library("TernModel", ["TernParallel", "TernTensor", "TernPlanning", "TernJSON"]),
        library(
            "TernEngine",
            [
                "TernModel", "TernParallel", "TernText", "TernPlanning", "TernTensor", "TernJSON",
                "CTernThreads",
            ]),
        library(
            "TernServer", ["CLibevent", "TernEngine", "TernText", "TernPlanning", "TernJSON"],
            resources: page),
        library("TernBench", ["TernPlanning"]),
        .executableTarget(
            name: "tern",
            dependencies: [
                "TernServer", "TernBench", "TernEngine", "TernModel", "TernCPU", "TernText",
                "TernPlanning", "TernTensor", "TernJSON",
            ],
            swiftSettings: swift),
        .target(
            name: "TernTesting", dependencies: ["TernJSON", "TernPlanning"],
            path: "Tests/TernTesting",
            swiftSettings: swift),
        .executableTarget(
            name: "FaultyRanks", dependencies: ["TernEngine", "TernCPU", "TernPlanning"],
            path: "Tests/FaultyRanks", swiftSettings: swift),
        .executableTarget(
            name: "tern-fuzz",
            dependencies: [
                "TernServer", "TernEngine", "TernModel", "TernCPU", "TernText", "TernPlanning",
                "TernJSON", "TernTesting",
            ],
            path: "Tests/TernFuzz", swiftSettings: swift),
        .executableTarget(
            name: "tern-counts",
            dependencies: [
                "TernEngine", "TernCPU", "TernPlanning", "TernJSON", "CAllocationCounter",
            ],
            path: "Tests/TernCounts", swiftSettings: swift),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        tests("TernJSONTests", ["TernJSON"]),
        tests("TernPlanningTests", ["TernPlanning", "TernTesting", "CAllocationCounter"]),
        tests("TernTextTests", ["TernText", "TernJSON"]),
        tests("TernChatTemplateTests", ["TernText", "TernJSON"]),
        tests("TernCPUTests", ["TernCPU", "TernPlanning", "TernTensor", "CAllocationCounter"]),
        tests(
            "TernParallelTests",
            [
                "TernParallel", "TernCPU", "TernPlanning", "TernTensor", "TernTesting",
                "CTernThreads", "CAllocationCounter",
            ]),
        tests(
            "TernModelTests",
            [
                "TernModel", "TernParallel", "TernPlanning", "TernCPU", "TernTensor", "TernJSON",
                "TernTesting", "CAllocationCounter",
            ]
        ),
        tests(
            "TernEngineTests",
            [
                "TernEngine", "TernModel", "TernParallel", "TernCPU", "TernText",
                "TernPlanning", "TernTensor", "TernJSON", "TernTesting", "CAllocationCounter",
            ]),
        tests(
            "TernServerTests",
            ["TernServer", "TernEngine", "TernJSON", "TernText", "TernPlanning", "TernTesting"]),
        tests("TernBenchTests", ["TernBench", "TernPlanning"]),
        tests(
            "TernEndToEndTests",
            [
                "tern", "tern-fuzz", "FaultyRanks", "TernBench", "TernEngine", "TernPlanning",
                "TernCPU", "TernTensor", "TernJSON", "TernTesting",
            ]),
    ]
)
