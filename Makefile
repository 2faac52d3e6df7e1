# The commands of the house. `make serve` and `make test` need Debian 12, a Swift toolchain and make;
# they install or name the rest themselves. More flags for tern go into ARGS.

MODEL ?= Models/telemachus
BENCH_MODEL ?= Benchmarks/llama-125m
ARGS ?=

TERN := .build/release/tern
THRESHOLDS := Benchmarks/thresholds
# A target may import only what Package.swift gives it.
IMPORTS := --explicit-target-dependency-import-check error
SOURCES := Package.swift Sources Tests

.DEFAULT_GOAL := build
.PHONY: build serve test soak page-test fuzz bench bench-latency bench-loop bench-shift lint format docs \
	clean dependencies

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
bench: bench-latency bench-loop bench-shift

## Latency beside the limits of this machine.
bench-latency: build
	$(TERN) bench latency $(BENCH_MODEL) --load-format dummy \
	    --thresholds $(THRESHOLDS)/latency.json $(ARGS)

## The engine's own work at 64 sequences.
bench-loop: build
	$(TERN) bench latency $(MODEL) --batch-size 64 --input-len 16 --output-len 64 \
	    --thresholds $(THRESHOLDS)/loop.json

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

dependencies:
	@Tools/install-dependencies.sh
