#!/usr/bin/env python3
"""Counts what the engine costs where nothing is timed, and holds the figures to thresholds.

    Tools/measure-counts.py .build/release/tern-counts MODEL [--thresholds FILE]

Prints one JSON object: allocations, collectives and bytes as `tern-counts` counts them, and the
instructions of one step of the scheduler, which valgrind's callgrind counts: a longer course less a
shorter one, so that the start of the program does not count. Hashing is made the same in every run.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

STEPS = (100, 300)


def figures(command: list[str]) -> dict:
    """What tern-counts prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"measure-counts: {' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def instructions(counts: str, steps: int) -> int:
    """All instructions of a course of the scheduler."""
    with tempfile.TemporaryDirectory() as folder:
        # valgrind gives up on what Swift's linker writes for debuggers.
        plain = os.path.join(folder, "counts")
        subprocess.run(["strip", "--strip-debug", "-o", plain, counts], check=True)
        return collected(plain, steps)


def collected(counts: str, steps: int) -> int:
    """What callgrind counts."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    environment = {**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"}
    done = subprocess.run(
        [*command, counts, "scheduler", str(steps)],
        capture_output=True,
        text=True,
        env=environment,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise SystemExit(f"measure-counts: callgrind: {done.stderr.strip()[-400:]}")
    return int(found.group(1))


def misses(measured: dict, path: str) -> list[str]:
    """The figures beyond their limits, as `tern --thresholds` tells them."""
    with open(path, encoding="utf-8") as file:
        limits = json.load(file)
    found = []
    for name, limit in limits.items():
        if name not in measured:
            found.append(f"{name} is no figure of this report")
        elif "at_least" in limit and measured[name] < limit["at_least"]:
            found.append(f"{name} {measured[name]} < {limit['at_least']}")
        elif "at_most" in limit and measured[name] > limit["at_most"]:
            found.append(f"{name} {measured[name]} > {limit['at_most']}")
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("counts", help="the tern-counts program")
    arguments.add_argument("model", help="folder of a small model")
    arguments.add_argument("--thresholds", help="JSON file of limits")
    options = arguments.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("measure-counts: valgrind is missing: apt-get install valgrind")
    measured = figures([options.counts, "engine", options.model])
    for name, value in figures([options.counts, "scheduler", str(STEPS[1])]).items():
        measured[f"scheduler_{name}"] = value
    few, many = (instructions(options.counts, steps) for steps in STEPS)
    measured["scheduler_instructions_per_step"] = (many - few) / (STEPS[1] - STEPS[0])
    print(json.dumps(measured, indent=1))
    missed = misses(measured, options.thresholds) if options.thresholds else []
    if missed:
        sys.exit(f"measure-counts: {options.thresholds} missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
