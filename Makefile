# The commands of the house. `make serve` and `make test` need Debian 12, a Swift toolchain and make;
# they install or name the rest themselves. More flags for tern go into ARGS.

MODEL ?= Models/telemachus
BENCH_MODEL ?= Benchmarks/llama-125m
BENCH_LARGE ?= Benchmarks/llama-1.2b
ARGS ?=

TERN := .build/release/tern
THRESHOLDS := Benchmarks/thresholds
BENCH_CHECKPOINT := .build/checkpoints/$(notdir $(BENCH_MODEL))
# What the large shape is written in for the load of 4 bits: awq, gptq or packed.
SCHEME ?= awq
COMMA := ,
# A target may import only what Package.swift gives it.
IMPORTS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests
# What `make bench` measures; each is a target of its own.
BENCHES := bench-counts bench-loop bench-load bench-load-int4 bench-latency bench-latency-large \
	bench-int8 bench-int4 bench-scaling bench-scaling-large bench-shift

.DEFAULT_GOAL := build
.PHONY: build serve test soak page-test fuzz bench $(BENCHES) lint format docs clean dependencies

## A release build of tern.
build: dependencies
	swift build -c release --product tern $(IMPORTS)

## Serves a model, the bundled one by default, at http://127.0.0.1:8000, on two ranks that shift.
serve: build
	exec $(TERN) serve $(MODEL) --host 127.0.0.1 --port 8000 -sp 2 $(ARGS)

## Runs every test.
test: dependencies
	swift test $(IMPORTS)

## Mixed load on ranks that are killed again and again, for SECONDS (an hour).
soak: SECONDS := 3600
soak: dependencies
	TERN_SOAK_SECONDS=$(SECONDS) swift test $(IMPORTS) --filter SoakTests

## The page of a server in a headless Chromium (Debian's package `chromium`).
page-test: build
	python3 Tools/page-test/page_test.py --tern $(TERN) $(ARGS)

## Wrong inputs for everything that reads: SECONDS (60) for each target, or for TARGET alone. Prints
## the seed.
fuzz: SECONDS := 60
fuzz: dependencies
	swift build -c release --product tern-fuzz
	.build/release/tern-fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) $(ARGS)

## All measurements; `make -k bench` goes on where a figure misses its threshold.
bench: $(BENCHES)

# An engine's measurement of a shape, in a line: $(call measure,command,shape,thresholds,flags).
measure = $(TERN) bench $(1) $(2) --load-format dummy --thresholds $(THRESHOLDS)/$(3).json $(4) $(ARGS)

## Latency beside the limits of this machine, of a small shape and of a large one.
bench-latency: build
	$(call measure,latency,$(BENCH_MODEL),latency,--input-len 512 --num-iters 5)
bench-latency-large: build
	$(call measure,latency,$(BENCH_LARGE),latency-large,--input-len 512 --max-model-len 4096 --products)

## The large shape with weights of 8 and of 4 bits.
bench-int8: build
	$(call measure,latency,$(BENCH_LARGE),int8,--input-len 512 --max-model-len 4096 --quantization int8)
bench-int4: build
	$(call measure,latency,$(BENCH_LARGE),int4,--input-len 512 --max-model-len 4096 --quantization int4)

## 32 sequences at once beside one.
bench-scaling: build
	$(call measure,scaling,$(BENCH_MODEL),scaling,--batch-sizes 1$(COMMA)32)
bench-scaling-large: build
	$(call measure,scaling,$(BENCH_LARGE),scaling-large,--batch-sizes 1$(COMMA)32 --max-model-len 4096)

## The engine's own work at 64 sequences.
bench-loop: build
	$(TERN) bench latency $(MODEL) --batch-size 64 --input-len 16 --output-len 64 \
	    --thresholds $(THRESHOLDS)/loop.json

## A start beside one read of the weights, from a file of random ones that is made once.
bench-load: build
	Tools/make-checkpoint.py $(BENCH_MODEL) $(BENCH_CHECKPOINT)
	$(TERN) bench load $(BENCH_CHECKPOINT) --thresholds $(THRESHOLDS)/load.json $(ARGS)

## The same of the large shape, its layers in 4 bits as SCHEME (awq, gptq, packed) has them.
bench-load-int4: CHECKPOINT = .build/checkpoints/$(notdir $(BENCH_LARGE))-$(SCHEME)
bench-load-int4: build
	Tools/make-checkpoint.py --quantization $(SCHEME) $(BENCH_LARGE) $(CHECKPOINT)
	$(TERN) bench load $(CHECKPOINT) --max-model-len 4096 \
	    --thresholds $(THRESHOLDS)/load-int4.json $(ARGS)

## What is counted: allocations, collectives and bytes of a step, instructions of the scheduler. Needs
## valgrind.
bench-counts: dependencies
	swift build -c release --product tern-counts
	Tools/measure-counts.py .build/release/tern-counts $(MODEL) --thresholds $(THRESHOLDS)/counts.json

## Both modes and the shift between them, on two ranks.
bench-shift: build
	$(TERN) bench shift $(BENCH_MODEL) --load-format dummy --max-num-batched-tokens 512 \
	    --thresholds $(THRESHOLDS)/shift.json

## Checks style and links, changes nothing.
lint:
	swift format lint --strict --recursive $(SOURCES)
	Tools/lint.sh
	Tools/check-links.sh

## Formats every Swift file.
format:
	swift format --in-place --recursive $(SOURCES)

## Checks the links of the documents and extracts the documentation of every public declaration.
docs: dependencies
	Tools/check-links.sh
	swift package dump-symbol-graph --minimum-access-level public

clean:
	swift package clean
	rm -rf .build/checkpoints

dependencies:
	@Tools/install-dependencies.sh
