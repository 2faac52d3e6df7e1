#!/usr/bin/env python3
"""Measures Tern beside the engines that a user would pick on a CPU: llama.cpp (bf16, Q8_0), vLLM's CPU
build (bf16) and transformers (float32, bf16), with the same weights, threads and client, by turns.

    Tools/bench-peers.py --files DIR --llama FOLDER --vllm PYTHON --transformers PYTHON \\
        --parts check,prefill,decode,serve Benchmarks/llama-125m

From a folder with a config.json it makes, under DIR and once, seeded random weights as a safetensors
checkpoint and, the same numbers, as GGUF. Then every engine measures a point before any measures the next
one, in the other order in every second round, so that a machine that drifts drifts under all of them; a
ratio is the median of the ratios within a round. An engine whose path is not given is left out.

    check    greedy tokens: Tern's in float32 must be those of transformers; the others are compared
    prefill  a prompt alone: its tokens / time to the first token
    decode   sequences at once: tokens/s after the first, at 33 to 64 tokens of context
    serve    32 requests at once over HTTP, 256 tokens in and 64 out: output tokens/s, TTFT, TPOT

Tern's prefill and decode are those of `tern bench latency`, llama.cpp's those of llama-batched-bench
(which samples nothing), vLLM's are seen by the client over HTTP, transformers' by a loop of its worker.
Nothing but the standard library is needed here. `peers/` has the files, the client and the engines.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from peers.client import Point, prompts
from peers.engines import SERVE_POINT, Tern, Transformers, engines
from peers.model_files import make_files

DECODE_PROMPT = 32
DECODE_TOKENS = 32


def points(parts):
    if "prefill" in parts:
        yield from (Point("prefill", length, 2, 1) for length in (128, 512, 2048))
    if "decode" in parts:
        yield from (Point("decode", DECODE_PROMPT, DECODE_TOKENS + 1, batch) for batch in (1, 8, 32))
    if "serve" in parts:
        yield SERVE_POINT


def by_turns(listed, asked, rounds, figures):
    """Fills figures[point][engine] with what every round found. What fails is told and left out."""
    failed = set()
    for turn in range(rounds):
        for point in asked:
            for engine in listed if turn % 2 == 0 else listed[::-1]:
                if engine in failed or (point.kind == "serve" and isinstance(engine, Transformers)):
                    continue
                try:
                    found = engine.measure(point, salt=turn + 1)
                except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                    failed.add(engine)
                    engine.close()
                    note(f"{engine.name} is left out from now on: {error}")
                    continue
                figures.setdefault(point.name, {}).setdefault(engine.name, []).append(found)
                note(f"round {turn + 1}: {point.name}: {engine.name}: {found['rate']:.1f} tokens/s")


def median(figures, member):
    return statistics.median(found[member] for found in figures)


def ratio(ours, theirs):
    """The median of the ratios of pairs of the same round."""
    return statistics.median(our["rate"] / their["rate"] for our, their in zip(ours, theirs))


def table(listed, figures):
    """Markdown: tokens/s of every engine, in brackets how many times that Tern has at its precision."""
    names = [engine.name for engine in listed]
    own = {engine.family: engine.name for engine in listed if isinstance(engine, Tern)}
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for point, told in figures.items():
        cells = []
        for engine in listed:
            if engine.name not in told:
                cells.append("")
                continue
            cell = f"{median(told[engine.name], 'rate'):.1f}"
            ours = own.get(engine.family)
            if ours in told and ours != engine.name:
                cell += f" ({ratio(told[ours], told[engine.name]):.2f}x)"
            if point.startswith("serve"):
                first, gap = (median(told[engine.name], member) for member in ("ttft_s", "tpot_s"))
                cell += f", TTFT {first:.2f} s, TPOT {1000 * gap:.0f} ms"
            cells.append(cell)
        lines.append(f"| {point} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def check(options, folder, config):
    """Whether the engines run the same model; false where Tern and transformers differ in float32."""
    place = (options, folder, config)
    listed = [Tern("tern fp32", "", *place, flags=["--dtype", "float32"]), *engines(options, folder, config)]
    output = 16
    asked = prompts(Point("check", 24, output, 4), 7, config["vocab_size"])
    told = {}
    for engine in listed:
        try:
            told[engine.name] = [engine.greedy(prompt, output).split() for prompt in asked]
        finally:
            engine.close()
    oracle = told.get("transformers fp32", told["tern fp32"])
    for name, texts in told.items():
        agreed = [
            next((at for at, (a, b) in enumerate(zip(text, expected)) if a != b), output)
            for text, expected in zip(texts, oracle)]
        print(f"{name}: first tokens as the oracle's: {agreed} of {output} for each prompt")
    return told["tern fp32"] == oracle


def note(text):
    print(text, file=sys.stderr, flush=True)


def processor():
    return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]


def options_of(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="folders with a config.json of a Llama")
    parser.add_argument("--files", type=Path, required=True, help="where weights, logs are put")
    parser.add_argument("--tern", type=Path, default=Path(".build/release/tern"))
    parser.add_argument("--llama", type=Path, help="folder of its programs: batched-bench, server, quantize")
    parser.add_argument("--vllm", type=Path, help="a python with a CPU build of vllm")
    parser.add_argument("--transformers", type=Path, help="a python with torch and transformers")
    parser.add_argument("--parts", default="prefill,decode,serve", help="of check, prefill, decode, serve")
    parser.add_argument("--engines", default="", help="only those whose names hold one of these, by comma")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args(words)


def main():
    options = options_of(sys.argv[1:])
    parts = options.parts.split(",")
    if os.getloadavg()[0] > 0.5:
        note(f"the load average is {os.getloadavg()[0]}: figures mean nothing beside other work")
    report = {"processor": processor(), "threads": options.threads, "rounds": options.rounds, "models": {}}
    agrees = True
    for model in options.models:
        quantize = options.llama and options.llama / "llama-quantize"
        folder, config = make_files(model, options.files, quantize)
        if "check" in parts:
            agrees = check(options, folder, config) and agrees
        asked = list(points(parts))
        if not asked:
            continue
        listed, figures = engines(options, folder, config), {}
        try:
            by_turns(listed, asked, options.rounds, figures)
        finally:
            for engine in listed:
                engine.close()
        report["models"][model.name] = figures
        print(f"\n{model.name}: tokens/s, in brackets Tern's as a multiple; {options.threads} threads, "
              f"medians of {options.rounds}, {report['processor']}\n\n{table(listed, figures)}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
